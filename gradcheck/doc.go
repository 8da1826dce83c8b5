// Package gradcheck proves backward passes right.
//
// [Layer] proves one layer, [Network] all parameters of a network on samples of
// one's choice. Both give a [Report]; the command chainrule check prints the
// reports of this library's own layers and of the network of the book as a
// certificate, docs/CERTIFICATE.md.
//
// # Witnesses
//
// A backward pass, in float64, is held element by element against three others,
// none of which knows it:
//
//   - [Graph]: the formula of the layer, built from elementary operations and
//     differentiated by package graph, a rule an operation. Alone it would miss a
//     Forward that computes something else than the formula, and a wrong rule.
//   - [ComplexStep]: the same graph computed forward over complex numbers, with
//     no rule and no difference, so exact to rounding. Alone it would miss a wrong
//     Forward too.
//   - [CentralDifference]: the layer's own Forward, with an element moved both
//     ways. It knows no formula; alone it would miss whatever is below its
//     truncation, such as noise of 1e-7 or a loss that is off by 1e-7, and a layer
//     that is right for another function than it says.
//
// A layer of package nn has its formula in the table of [Trace]. One's own gives
// it as [Case].Graph; without, central differences are the only witness.
//
// # What else is proved
//
// That the layer keeps what package nn promises: arguments unmodified, Grad added
// to, the same bits every time, no state written while evaluating, batches of one
// and of none, errors that name the layer. That float32 is within the rounding of
// its operations from float64. That at real size, on the fastest path of the
// processor, Backward is the adjoint of the derivative ([Adjoint]), and that all
// bits are those of the loops in Go ([Bits]).
//
// A check is worth what it can catch. So every check here is itself checked: a
// [Fault] is a wrong layer, and [Mutants] shows who notices it. And a comparison
// of zeros with zeros proves nothing, so every report says which share of the
// gradients was not zero, its coverage.
//
// # Relative error
//
// For an array of gradients a and its witness n, the relative error of an
// element is
//
//	|a - n| / max(|a|, |n|, s/100)
//
// where s is the largest magnitude in the two arrays: elements a hundred times
// smaller than the largest are measured against that. 0 against 0 is 0.
//
// # Kinks
//
// Where a function has a kink within h of an element (ReLU at 0), the central
// difference means nothing. Such an element is counted, not skipped: its
// gradient must lie between the two one-sided derivatives. Exactly at the kink it
// must also be what the graph says, whose maximum has the gradient 0 there.
package gradcheck
