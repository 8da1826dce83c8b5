// Command vector writes the vector kernels of package kernel in assembly:
//
//	cd internal/kernel/gen && go run ./vector -out ../vector_amd64.s -stubs ../vector_stubs_amd64.go -pkg kernel
package main

import . "github.com/mmcloughlin/avo/build"

func main() {
	ConstraintExpr("!purego")
	for _, bits := range []int{512, 256} {
		for _, kernel := range []func(*machine){
			gate, exp, sigmoid, sigmoidBackward, softmax16, quotient,
			axpy, sgd, momentum, addColumnSums, sum, dot, maximum,
		} {
			kernel(newMachine(float32s, bits))
		}
		for _, kernel := range []func(*machine){gate, axpy, sgd, momentum, addColumnSums, logs} {
			kernel(newMachine(float64s, bits))
		}
	}
	data()
	Generate()
}
