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

// An activation computes each element of dst from those of a and b in the same place,
// and a setting s. Threads share out the elements.
type activation[T Float] struct {
	op        operation
	dst, a, b []T
	s         T
}

type operation int

const (
	toReLU operation = iota
	toReLUBackward
	toLeakyReLU
	toELU
	toELUBackward
	toSigmoid
	toSigmoidBackward
	toTanh
	toTanhBackward
	toSoftplus
	toSoftplusBackward
	toSiLU
	toSiLUBackward
	toGELU
	toGELUBackward
	toGELUTanh
	toGELUTanhBackward
	toSum
)

// run computes it in pieces, as an update does.
func (e *activation[T]) run(threads int) {
	n := len(e.dst)
	parts := ceil(n, Piece)
	if threads > 1 && n >= thresholds.update && share(&keptOf[T]().activations, e, threads, parts, n >= thresholds.wakeUpdate) {
		return
	}
	for part := range parts {
		e.Do(part)
	}
}

func (e *activation[T]) Do(part int) {
	lo, hi := part*Piece, min((part+1)*Piece, len(e.dst))
	dst, a, b := e.dst[lo:hi], e.a[lo:hi], e.b
	if b != nil {
		b = b[lo:hi]
	}
	switch e.op {
	case toReLU:
		relu(dst, a)
	case toReLUBackward:
		reluBackward(dst, a, b)
	case toLeakyReLU:
		leakyReLU(dst, a, b, e.s)
	case toELU:
		elu(dst, a, e.s)
	case toELUBackward:
		eluBackward(dst, a, b, e.s)
	case toSigmoid:
		sigmoid(dst, a)
	case toSigmoidBackward:
		sigmoidBackward(dst, a, b)
	case toTanh:
		tanh(dst, a)
	case toTanhBackward:
		tanhBackward(dst, a, b)
	case toSoftplus:
		softplus(dst, a)
	case toSoftplusBackward:
		softplusBackward(dst, a, b)
	case toSiLU:
		silu(dst, a)
	case toSiLUBackward:
		siluBackward(dst, a, b)
	case toGELU:
		gelu(dst, a)
	case toGELUBackward:
		geluBackward(dst, a, b)
	case toGELUTanh:
		geluTanh(dst, a)
	case toGELUTanhBackward:
		geluTanhBackward(dst, a, b)
	case toSum:
		add(dst, a, b)
	}
}

// function sets y to an operation of x.
func function[T Float](threads int, name string, op operation, y, x []T, s T) {
	mustMatch(name, len(y), len(x))
	e := activation[T]{op: op, dst: y, a: x, s: s}
	e.run(threads)
}

// gradient sets dx to an operation of dy and what was saved.
func gradient[T Float](threads int, name string, op operation, dx, dy, saved []T, s T) {
	mustMatch(name, len(dx), len(dy), len(saved))
	e := activation[T]{op: op, dst: dx, a: dy, b: saved, s: s}
	e.run(threads)
}

// ReLU sets y[i] = x[i] where x[i] > 0 or is NaN, else 0.
func ReLU[T Float](threads int, y, x []T) { function(threads, "ReLU", toReLU, y, x, 0) }

func relu[T Float](y, x []T) {
	if maskAsm(y, x, x) {
		return
	}
	for i, v := range x {
		y[i] = max(v, 0) // of -0 and 0 this is 0, and of NaN NaN
	}
}

// ReLUBackward sets dx[i] = 0 where y[i] <= 0, else dy[i].
func ReLUBackward[T Float](threads int, dx, dy, y []T) {
	gradient(threads, "ReLUBackward", toReLUBackward, dx, dy, y, 0)
}

func reluBackward[T Float](dx, dy, y []T) {
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
func Sigmoid[T Float](threads int, y, x []T) { function(threads, "Sigmoid", toSigmoid, y, x, 0) }

func sigmoid[T Float](y, x []T) {
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
func SigmoidBackward[T Float](threads int, dx, dy, y []T) {
	gradient(threads, "SigmoidBackward", toSigmoidBackward, dx, dy, y, 0)
}

func sigmoidBackward[T Float](dx, dy, y []T) {
	if sigmoidBackwardAsm(dx, dy, y) {
		return
	}
	for i, v := range y {
		dx[i] = flush(dy[i] * (v * (1 - v)))
	}
}
