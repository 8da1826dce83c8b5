package graph

import (
	"math"
	"math/cmplx"
)

// Number is the set of element types: exactly float64 and complex128. A graph of
// complex numbers is for [ComplexStep], which makes one of any graph.
type Number interface {
	float64 | complex128
}

// Numbers converts data to T.
func Numbers[T Number](data ...float64) []T {
	converted := make([]T, len(data))
	for i, x := range data {
		converted[i] = number[T](x)
	}
	return converted
}

func number[T Number](x float64) (n T) {
	switch n := any(&n).(type) {
	case *float64:
		*n = x
	case *complex128:
		*n = complex(x, 0)
	}
	return n
}

func complexOf[T Number](x T) complex128 {
	switch x := any(x).(type) {
	case float64:
		return complex(x, 0)
	case complex128:
		return x
	}
	return 0
}

func exp[T Number](x T) T {
	switch x := any(&x).(type) {
	case *float64:
		*x = math.Exp(*x)
	case *complex128:
		*x = cmplx.Exp(*x)
	}
	return x
}

func log[T Number](x T) T {
	switch x := any(&x).(type) {
	case *float64:
		*x = math.Log(*x)
	case *complex128:
		*x = cmplx.Log(*x)
	}
	return x
}

// exceeds reports whether a is larger than b, NaN being larger than any number.
// Of complex numbers it compares the real parts: the imaginary part is the
// infinitesimal of a complex step.
func exceeds[T Number](a, b T) bool {
	if isNaN(a) || isNaN(b) {
		return !isNaN(b)
	}
	switch a := any(a).(type) {
	case complex128:
		return real(a) > real(any(b).(complex128))
	case float64:
		return a > any(b).(float64)
	}
	return false
}

func isNaN[T Number](x T) bool { return x != x }
