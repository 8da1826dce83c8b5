// Package certify checks the layers of package nn further than package gradcheck does,
// and checks the checks.
//
// [Mutants] plants faults of many kinds into every layer and sees that each is caught.
// [Adjoint] checks layers of the sizes they have in training, in float32, on the fastest
// path of the processor. [Bits] compares their bits with recorded ones. [BookLoss]
// measures what the loss of the book costs. The tests also compare every layer with
// PyTorch. All of them go through the table of trace.Rows.
package certify
