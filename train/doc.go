// Package train is the loop around a network: batches in random order, forward, loss,
// backward, an optimizer's step, and an evaluation after every epoch.
//
// # The loop
//
// [Run] trains a network as a [Config] says. It gives the same bits for the same seed on
// any number of threads, allocates nothing per step, and returns early when its context is
// done. A loss, gradient or parameter that is not finite ends the run with a
// [*DivergedError], which names the layer. With Config.Patience the run ends once the
// validation loss has stopped falling, and the network keeps the parameters of the best
// epoch. Observers receive each step and each [Epoch].
//
// For a loop of your own, a [Step] is one step of training (see the example of package nn),
// [Evaluate] measures the loss and the accuracy on a set, and [Outputs] gives the outputs
// of the network batch by batch. [Random] derives the random numbers of each purpose from
// one seed.
//
// # Runs that can be resumed
//
// A [Dir] is the folder of a run. With Config.Dir, Run writes a log, checkpoints, the best
// network and the last one to it. After an interruption or a crash, Run continues from the
// newest checkpoint that is whole, and ends with the same bits as a run that was never
// interrupted. Each file is replaced as a whole, and a lock keeps other processes out.
//
// A [State] is what a checkpoint holds: parameters, layer state, the optimizer's state and
// the position in the order of the samples. A loop of your own saves and loads it
// (examples/resume).
package train
