// Package graph builds computational graphs from elementary operations and
// differentiates them by the chain rule, node by node, as chapter 5 of K. Saitoh,
// "Deep Learning from Scratch" (O'Reilly Japan, 2016) draws them.
//
// A [Graph] is a tape of nodes over dense arrays. A [Node] is computed when it is
// added; [Graph.Backward] then walks the tape from the end and adds to each input
// of a node the gradient of the node times the local derivative. All that is known
// about an operation, forward and backward, is one row of the table of [Rules].
//
// The operations are elementary: + - * / exp log sqrt tanh erf, the larger of two numbers,
// dot, sum, max, broadcast, hold, and gather, which takes elements from the places that an
// index gives: transpose, reshape, slice, pad and concat are gathers. [Sigmoid] is built as
// 1/(1+exp(-x)), and the loss [SoftmaxWithLoss] from exp, sum, log and max. So the graph
// does not use the formulas of the layers of package nn, and can serve as a reference for
// them.
//
// The same graph over complex128 is a second reference, which does not use the
// rules: see [ComplexStep].
//
// Exponentials and logarithms come from packages math and math/cmplx, whose last bit may differ
// between processors.
package graph
