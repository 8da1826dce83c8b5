// Package metrics measures how good the outputs of a network are: a [Confusion] matrix
// with accuracy, precision, recall and F1, a [Classification] with top-k accuracy and the
// area under the ROC curve beside it, and the errors of a [Regression].
//
// Each takes the outputs batch by batch, in batches of any size, as train.Outputs returns them:
//
//	m := metrics.NewClassification[float32](10)
//	err := train.Outputs(ctx, net, test, 0, 0, func(_ int, y *tensor.Tensor[float32], t nn.Targets[float32]) error {
//		return m.Add(nn.NewSoftmax[float32]().Forward(nil, y), t.Labels)
//	})
//
// A metric that is not defined, such as the precision of a class that is never predicted,
// is NaN.
package metrics
