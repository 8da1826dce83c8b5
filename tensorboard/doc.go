// Package tensorboard writes the event files that TensorBoard shows as curves and
// histograms.
//
//	events, err := tensorboard.Create("runs/1", 1)
//	...
//	err = events.Write(step, tensorboard.Scalar("loss", loss), tensorboard.Histogram("Affine1.W", weights))
//	...
//	err = events.Close()
//
// Then tensorboard --logdir runs shows the run, even while it is being written.
package tensorboard
