// Package gradcheck proves backward passes right.
//
// [Layer] puts one layer through a contract that every layer of this library
// passes: its gradients are compared, element by element, with central
// differences through its own forward pass, and it is held to what package nn
// promises (arguments unmodified, Grad added to, the same bits every time, no
// state written while evaluating, empty batches, errors that name the layer).
// [Network] compares all gradients of a whole [nn.TwoLayerNet].
//
// A check is worth what it can catch. So every check here is itself checked: a
// [Fault] is a wrong layer, and [Plant] shows that the contract notices. And
// a comparison of zeros with zeros proves nothing, so every report says which
// share of the gradients was not zero, its coverage.
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
// gradient must lie between the two one-sided derivatives.
package gradcheck
