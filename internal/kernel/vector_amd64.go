//go:build amd64 && !purego

package kernel

import "unsafe"

//go:generate sh -c "cd gen && go run ./vector -out ../vector_amd64.s -stubs ../vector_stubs_amd64.go -pkg kernel"

// A path is what the vector kernels of an element type run on.
type path int

const (
	inGo path = iota
	avx2f32
	avx512f32
	avx2f64
	avx512f64
)

// pathOf returns the path for T. The size of T is known when it is compiled.
func pathOf[T Float]() path {
	p := avx2f32
	if unsafe.Sizeof(T(0)) == 8 {
		p = avx2f64
	}
	switch {
	case hasAVX512:
		return p + 1
	case hasAVX2:
		return p
	}
	return inGo
}

// p32 and p64 are where a slice begins. An empty slice has nothing there, and no
// kernel looks.
func p32[T Float](x []T) *float32 { return (*float32)(unsafe.Pointer(unsafe.SliceData(x))) }
func p64[T Float](x []T) *float64 { return (*float64)(unsafe.Pointer(unsafe.SliceData(x))) }

// The kernels, each documented in vector_stubs_amd64.go: they report whether
// there was one for T on this processor. All slices are of one length.

func asmGate[T Float](dst, a, b []T) bool {
	switch pathOf[T]() {
	case avx512f32:
		gate512f32(p32(dst), p32(a), p32(b), len(dst))
	case avx2f32:
		gate256f32(p32(dst), p32(a), p32(b), len(dst))
	case avx512f64:
		gate512f64(p64(dst), p64(a), p64(b), len(dst))
	case avx2f64:
		gate256f64(p64(dst), p64(a), p64(b), len(dst))
	default:
		return false
	}
	return true
}

func asmExp[T Float](dst, src []T, shift T) bool {
	switch pathOf[T]() {
	case avx512f32:
		exp512f32(p32(dst), p32(src), len(dst), float32(shift))
	case avx2f32:
		exp256f32(p32(dst), p32(src), len(dst), float32(shift))
	default:
		return false
	}
	return true
}

func asmSigmoid[T Float](y, x []T) bool {
	switch pathOf[T]() {
	case avx512f32:
		sigmoid512f32(p32(y), p32(x), len(y))
	case avx2f32:
		sigmoid256f32(p32(y), p32(x), len(y))
	default:
		return false
	}
	return true
}

func asmSigmoidBackward[T Float](dx, dy, y []T) bool {
	switch pathOf[T]() {
	case avx512f32:
		sigmoidBackward512f32(p32(dx), p32(dy), p32(y), len(dx))
	case avx2f32:
		sigmoidBackward256f32(p32(dx), p32(dy), p32(y), len(dx))
	default:
		return false
	}
	return true
}

func asmSoftmax[T Float](y, x, max, sum []T, cols int) bool {
	switch pathOf[T]() {
	case avx512f32:
		softmax512f32(p32(y), p32(x), p32(max), p32(sum), len(sum), cols)
	case avx2f32:
		softmax256f32(p32(y), p32(x), p32(max), p32(sum), len(sum), cols)
	default:
		return false
	}
	return true
}

func asmQuotient[T Float](dst, a []T, divisor T) bool {
	switch pathOf[T]() {
	case avx512f32:
		quotient512f32(p32(dst), p32(a), len(dst), float32(divisor))
	case avx2f32:
		quotient256f32(p32(dst), p32(a), len(dst), float32(divisor))
	default:
		return false
	}
	return true
}

func asmAxpy[T Float](y, x []T, a T) bool {
	switch pathOf[T]() {
	case avx512f32:
		axpy512f32(p32(y), p32(x), len(y), float32(a))
	case avx2f32:
		axpy256f32(p32(y), p32(x), len(y), float32(a))
	case avx512f64:
		axpy512f64(p64(y), p64(x), len(y), float64(a))
	case avx2f64:
		axpy256f64(p64(y), p64(x), len(y), float64(a))
	default:
		return false
	}
	return true
}

func asmSGD[T Float](w, g []T, lr T) bool {
	switch pathOf[T]() {
	case avx512f32:
		sgd512f32(p32(w), p32(g), len(w), float32(-lr))
	case avx2f32:
		sgd256f32(p32(w), p32(g), len(w), float32(-lr))
	case avx512f64:
		sgd512f64(p64(w), p64(g), len(w), float64(-lr))
	case avx2f64:
		sgd256f64(p64(w), p64(g), len(w), float64(-lr))
	default:
		return false
	}
	return true
}

func asmMomentum[T Float](w, v, g []T, mu, lr T) bool {
	switch pathOf[T]() {
	case avx512f32:
		momentum512f32(p32(w), p32(v), p32(g), len(w), float32(mu), float32(-lr))
	case avx2f32:
		momentum256f32(p32(w), p32(v), p32(g), len(w), float32(mu), float32(-lr))
	case avx512f64:
		momentum512f64(p64(w), p64(v), p64(g), len(w), float64(mu), float64(-lr))
	case avx2f64:
		momentum256f64(p64(w), p64(v), p64(g), len(w), float64(mu), float64(-lr))
	default:
		return false
	}
	return true
}

func asmAddColumnSums[T Float](sum, x []T) bool {
	switch pathOf[T]() {
	case avx512f32:
		addColumnSums512f32(p32(sum), p32(x), len(x)/len(sum), len(sum))
	case avx2f32:
		addColumnSums256f32(p32(sum), p32(x), len(x)/len(sum), len(sum))
	case avx512f64:
		addColumnSums512f64(p64(sum), p64(x), len(x)/len(sum), len(sum))
	case avx2f64:
		addColumnSums256f64(p64(sum), p64(x), len(x)/len(sum), len(sum))
	default:
		return false
	}
	return true
}

func asmSum[T Float](x []T) (T, bool) {
	switch pathOf[T]() {
	case avx512f32:
		return T(sum512f32(p32(x), len(x))), true
	case avx2f32:
		return T(sum256f32(p32(x), len(x))), true
	}
	return 0, false
}

func asmDot[T Float](x, y []T) (T, bool) {
	switch pathOf[T]() {
	case avx512f32:
		return T(dot512f32(p32(x), p32(y), len(x))), true
	case avx2f32:
		return T(dot256f32(p32(x), p32(y), len(x))), true
	}
	return 0, false
}

func asmMax[T Float](x []T) (T, bool) {
	switch pathOf[T]() {
	case avx512f32:
		return T(max512f32(p32(x), len(x))), true
	case avx2f32:
		return T(max256f32(p32(x), len(x))), true
	}
	return 0, false
}

func asmLogs(dst, src []float64) bool {
	switch pathOf[float64]() {
	case avx512f64:
		logs512f64(p64(dst), p64(src), len(dst))
	case avx2f64:
		logs256f64(p64(dst), p64(src), len(dst))
	default:
		return false
	}
	return true
}
