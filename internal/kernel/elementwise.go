package kernel

import (
	"fmt"
	"math"
)

var negInf = math.Inf(-1)

func mustMatch(op string, n int, lengths ...int) {
	for _, l := range lengths {
		if l != n {
			panic(fmt.Sprintf("kernel.%s: lengths %d and %d", op, n, l))
		}
	}
}

// ReLU sets y[i] = x[i] where x[i] > 0 or is NaN, else 0.
func ReLU[T Float](y, x []T) {
	mustMatch("ReLU", len(y), len(x))
	if maskAsm(y, x, x) {
		return
	}
	for i, v := range x {
		y[i] = max(v, 0) // of -0 and 0 this is 0, and of NaN NaN
	}
}

// ReLUBackward sets dx[i] = 0 where y[i] <= 0, else dy[i].
func ReLUBackward[T Float](dx, dy, y []T) {
	mustMatch("ReLUBackward", len(dx), len(dy), len(y))
	if maskAsm(dx, dy, y) {
		return
	}
	for i, v := range dy {
		if y[i] <= 0 {
			v = 0
		}
		dx[i] = v
	}
}

// Sigmoid sets y[i] = 1/(1 + e^-x[i]), computed from e^-|x| so that nothing overflows.
// A subnormal e^-|x| is 0, as in [Exp].
func Sigmoid[T Float](y, x []T) {
	mustMatch("Sigmoid", len(y), len(x))
	if sigmoidAsm(y, x) {
		return
	}
	for i, v := range x {
		if v < 0 {
			e := exp(v)
			y[i] = e / (1 + e)
		} else {
			y[i] = 1 / (1 + exp(-v))
		}
	}
}

// SigmoidBackward sets dx[i] = dy[i]·(y[i]·(1 - y[i])). Subnormal results are 0.
func SigmoidBackward[T Float](dx, dy, y []T) {
	mustMatch("SigmoidBackward", len(dx), len(dy), len(y))
	if sigmoidBackwardAsm(dx, dy, y) {
		return
	}
	for i, v := range y {
		dx[i] = flush(dy[i] * (v * (1 - v)))
	}
}
