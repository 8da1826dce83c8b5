// Package gradcheck checks backward passes.
//
// [Layer] checks one layer, [Network] all parameters of a network on samples of your
// choice. Both return a [Report], whose Err is nil if all is well. The command chainrule
// check does it for the layers of this library and for the network of the book, and
// writes the result to docs/CERTIFICATE.md.
//
// # References
//
// A backward pass, in float64, is compared element by element with three references,
// none of which uses it:
//
//   - [Graph]: the formula of the layer, built from elementary operations and
//     differentiated by package graph, one rule an operation. Alone it would miss a
//     Forward that computes something other than the formula, and a wrong rule.
//   - [ComplexStep]: the forward pass of the same graph over complex numbers, with no
//     rule and no difference, so exact to rounding. Alone it would miss a wrong Forward
//     too.
//   - [CentralDifference]: the layer's own Forward, with one element moved both ways. It
//     knows no formula. Alone it would miss whatever is below its truncation, such as
//     noise of 1e-7, and a layer that is correct for another function than it should be.
//
// Package graph/trace knows the formulas of the layers of package nn. Give the formula of your
// own layer to trace.Register, or set [Case].Graph. Without a formula, central differences are
// the only reference.
//
// # What else is checked
//
// The rest of the contract that [nn.Layer] states, each promise as a [Clause]: arguments
// unmodified, Grad added to, the same bits every time, no state across steps, any number
// of samples, nothing shared, all modes of a Pass, inputs and parameters of many kinds,
// Params, refusals that name the layer; and all of it in float32. A [Failure] names the
// clause, the element, the likely cause and the shortest input that shows it.
// docs/GRADCHECK.md has the list, with a fault that each clause finds, and what cannot be
// checked.
//
// A comparison of zeros with zeros proves nothing, so every report says which share of
// the gradients is not zero.
//
// # Relative error
//
// For an array of gradients a and a reference n, the relative error of an element is
//
//	|a - n| / max(|a|, |n|, s/100)
//
// where s is the largest magnitude in the two arrays: elements a hundred times smaller
// than the largest are measured against that. 0 against 0 is 0.
//
// # Kinks
//
// Where a function has a kink within h of an element (ReLU at 0), the central difference
// means nothing. Such an element is counted, not skipped: its gradient must lie between
// the two one-sided derivatives. Any number between them is right, also where the graph,
// whose maximum has the gradient 0 there, says another.
//
// An element is called wrong only if differences of many steps agree that it is. Where
// none agree, because the function is too steep or noisy, the check says that it cannot
// judge.
package gradcheck
