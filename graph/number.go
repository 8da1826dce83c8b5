package graph

import (
	"math"
	"math/cmplx"
)

// Number is the set of element types: exactly float64 and complex128. Graphs of complex
// numbers are for [ComplexStep], which makes one from any graph.
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

func sqrt[T Number](x T) T {
	switch x := any(&x).(type) {
	case *float64:
		*x = math.Sqrt(*x)
	case *complex128:
		*x = cmplx.Sqrt(*x)
	}
	return x
}

func tanh[T Number](x T) T {
	switch x := any(&x).(type) {
	case *float64:
		*x = math.Tanh(*x)
	case *complex128:
		if re := real(*x); math.Abs(re) > 350 { // cmplx.Tanh overflows
			*x = complex(math.Copysign(1, re), 0)
		} else {
			*x = cmplx.Tanh(*x)
		}
	}
	return x
}

// cosh overflows beyond 710; a number divided by it is then 0.
func cosh[T Number](x T) T {
	switch x := any(&x).(type) {
	case *float64:
		*x = math.Cosh(*x)
	case *complex128:
		*x = cmplx.Cosh(*x)
	}
	return x
}

// erf of x + ih is erf(x) + ih·erf'(x). Its error, of size h², is far below rounding for
// the h of a complex step. So this function contains the derivative, and the complex step
// is no test of it; central differences are.
func erf[T Number](x T) T {
	switch x := any(&x).(type) {
	case *float64:
		*x = math.Erf(*x)
	case *complex128:
		re := real(*x)
		*x = complex(math.Erf(re), imag(*x)*bell(re))
	}
	return x
}

// bell is the derivative of erf, 2/√π·e^-x².
func bell[T Number](x T) T { return number[T](2/math.SqrtPi) * exp(-x*x) }

// hold drops the imaginary part, the infinitesimal of a complex step.
func hold[T Number](x T) T {
	switch x := any(&x).(type) {
	case *complex128:
		*x = complex(real(*x), 0)
	}
	return x
}

// exceeds reports whether a is larger than b. NaN counts as larger than any number. Complex
// numbers are compared by their real parts: the imaginary part is the infinitesimal of a
// complex step.
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
