package kernel

import (
	"encoding/binary"
	"hash/fnv"
	"math/rand/v2"
	"testing"
)

// The bits of every operation, recorded on amd64 with the Go loops when they
// were written: every other processor, and every faster loop, has to give the
// same. A change of one of these is a change of everybody's results. (The other
// tests say whether the bits are right.)
func TestBitsAreTheSameEverywhere(t *testing.T) {
	for name, sums := range map[string][2]uint64{
		"Exp":              {0x55ec72cafcde4024, 0x51220b5973d25486},
		"Log":              {0xbe5c7078d6ffafbf, 0x57c5fbe59f77dbcf},
		"Sigmoid":          {0xd4205beffce0d639, 0xc7f45dfe06c46556},
		"SigmoidBackward":  {0x9d5d61fbf3f45003, 0xe8ef5b11a050498f},
		"Tanh":             {0x3f45363e2580136c, 0x5031273fc7c4ac3a},
		"TanhBackward":     {0xdad3b7a8c39123cf, 0xff58411769ecb598},
		"Activations":      {0xb14f0364ebe19188, 0x2084f659a8fb124e},
		"PReLU":            {0x6f7618e1cb0402cd, 0x8e2ffbb0ec8d8ade},
		"Softmax":          {0xfd193bfc68dadac8, 0xd84c6d0f21b08c07},
		"SoftmaxBackward":  {0xd055b79df2ecde1a, 0xde4d9b25c38d9fb9},
		"Sum and Dot":      {0x0e8b1bfa1c675dc1, 0x78fb78d13a820813},
		"SoftmaxLoss":      {0xaa7396503e06a392, 0xe5b346e33edc7005},
		"OneHotBackward":   {0x10bc1f925f628e1c, 0xfef881556295ac83},
		"Max and ArgMax":   {0x4a8b289feacee00a, 0xdf5e3441908f872c},
		"Axpy":             {0xd166ebc39429708a, 0xf4f1cee293dfe7ce},
		"Momentum":         {0x8a1734d3e4a84cde, 0x7ffaae3109aa7f2a},
		"Adam":             {0x8affde448aafbd61, 0xa52c2a4d6223b6ab},
		"Nesterov":         {0x61ae826bd1e363bb, 0x5996e2171c733168},
		"AdaGrad":          {0x0e3d7d6e9eeb6296, 0x5106611150df7d00},
		"RMSProp":          {0x32674383094ae108, 0xdd64f59d73d57e8d},
		"Adjust":           {0xe66379ff649e6bfc, 0x25d91b3ba64b293a},
		"SumSquares":       {0x68c27654b03b50d0, 0x35b8ba49c8106cd9},
		"SGD":              {0x99e3338856d2ef3f, 0x1cebb1870fb4c834},
		"Gemm":             {0x69288c9f8dc4cf89, 0x9be46ee08b2e31f6},
		"Gemm, transposed": {0xee0aa5bc6086f89c, 0xbe5f1ca203f76233},
		"AddColumnSums":    {0x5dfa68436a504ed4, 0x6ff8d7f6776964a3},
	} {
		if got := operationBits[float32](name); got != sums[0] {
			t.Errorf("float32: the bits of %s have the checksum %#016x, want %#016x", name, got, sums[0])
		}
		if got := operationBits[float64](name); got != sums[1] {
			t.Errorf("float64: the bits of %s have the checksum %#016x, want %#016x", name, got, sums[1])
		}
	}
}

// operationBits returns a checksum of what an operation makes of numbers drawn
// from a fixed seed. (Uniform ones: rng.NormFloat64 rounds differently on
// different processors.)
func operationBits[T Float](name string) uint64 {
	rng := rand.New(rand.NewPCG(81, 0))
	draw := func(n int, lo, hi float64) []T {
		x := make([]T, n)
		for i := range x {
			x[i] = T(float64((hi-lo)*rng.Float64()) + lo)
		}
		return x
	}
	const n, m, k = 33, 47, 29
	x, y, dst := draw(4096, -20, 20), draw(4096, 0, 1), make([]T, 4096)
	a, b, c := Mat(draw(n*k, -1, 1), n, k), Mat(draw(k*m, -1, 1), k, m), Mat(make([]T, n*m), n, m)
	switch name {
	case "Exp":
		Exp(dst, x)
	case "Log":
		for i, v := range y {
			dst[i] = T(Log(float64(v)))
		}
	case "Sigmoid":
		Sigmoid(1, dst, x)
	case "SigmoidBackward":
		SigmoidBackward(1, dst, x, y)
	case "Tanh":
		Tanh(1, dst[:2048], x[:2048])
		Tanh(1, dst[2048:], y[2048:])
	case "TanhBackward":
		TanhBackward(1, dst, x, y)
	case "Activations":
		for i, f := range []func(dst, x []T){
			func(dst, x []T) { LeakyReLU(1, dst, x, 0.01) },
			func(dst, x []T) { ELU(1, dst, x, 1.25) },
			func(dst, x []T) { ELUBackward(1, dst, x, x, 1.25) },
			func(dst, x []T) { Softplus(1, dst, x); SoftplusBackward(1, dst, x, dst) },
			func(dst, x []T) { Softplus(1, dst, x) },
			func(dst, x []T) { SiLU(1, dst, x) },
			func(dst, x []T) { SiLUBackward(1, dst, x, x) },
			func(dst, x []T) { GELU(1, dst, x) },
			func(dst, x []T) { GELUBackward(1, dst, x, x) },
			func(dst, x []T) { GELUTanh(1, dst, x) },
			func(dst, x []T) { GELUTanhBackward(1, dst, x, x) },
		} {
			f(dst[i*300:][:300], x[i*300:][:300])
		}
	case "PReLU":
		PReLU(1, Layout{16, 64, 1}, dst[:1024], x[:1024], y[:64])
		PReLUBackward(1, Layout{16, 64, 1}, dst[1024:2048], dst[2048:2112], x[:1024], x[1024:2048], y[:64])
		for i := 1; i < 1000; i++ {
			dst[3000+i] = PReLUSlope(x[:i], x[i:2*i])
		}
	case "Softmax":
		SoftmaxRows(dst, x, 64)
	case "SoftmaxBackward":
		SoftmaxRowsBackward(dst, x, y, 64)
	case "Sum and Dot":
		for i := 1; i < 1000; i++ {
			dst[2*i], dst[2*i+1] = Sum(x[:i]), Dot(x[:i], y[:i])
		}
	case "SoftmaxLoss":
		dst[0] = T(SoftmaxLoss(dst[:4080], x[:4080], make([]int, 408)))
		dst[1] = T(SoftmaxSoftLoss(dst[16:], x[16:], y[16:], 10))
	case "OneHotBackward":
		OneHotLossBackward(dst[:4080], y[:4080], make([]int, 408))
		SoftmaxLossBackward(dst[4080:], y[4080:], x[4080:], 7)
	case "Max and ArgMax":
		for i := range 1000 {
			dst[2*i], dst[2*i+1] = Max(x[:i]), T(ArgMax(x[:i]))
		}
	case "Axpy":
		copy(dst, y)
		Axpy(dst, x, T(0.1))
	case "Momentum":
		v := draw(len(x), -1, 1)
		copy(dst, y)
		Momentum(dst, v, x, T(0.9), -T(0.1), 1)
		Momentum(dst, v, y, T(0.9), -T(0.1), 1)
	case "Adam":
		m, v := draw(len(x), -1, 1), draw(len(x), 0, 1)
		copy(dst, y)
		Adam(dst, m, v, x, T(0.1), T(0.001), T(0.1), T(1e-7))
		Adam(dst, m, v, y, T(0.1), T(0.001), T(0.1), T(1e-7))
	case "Nesterov":
		v := draw(len(x), -1, 1)
		copy(dst, y)
		Nesterov(dst, v, x, T(0.9), -T(0.1), 1)
		Nesterov(dst, v, y, T(0.9), -T(0.1), 1)
	case "AdaGrad":
		s := draw(len(x), 0, 1)
		copy(dst, y)
		AdaGrad(dst, s, x, T(0.1), T(1e-7))
		AdaGrad(dst, s, y, T(0.1), T(1e-7))
	case "RMSProp":
		v := draw(len(x), 0, 1)
		copy(dst, y)
		RMSProp(dst, v, x, T(0.01), T(0.1), T(1e-7))
		RMSProp(dst, v, y, T(0.01), T(0.1), T(1e-7))
	case "Adjust":
		Adjust(y, x, T(0.7), 1, T(0.1), T(0.01))
		copy(dst, x)
		Adjust(dst, y, T(0.7), 1, T(0.1), T(0.01))
	case "SumSquares":
		for i := range 1000 {
			dst[i] = T(SumSquares(x[:i]))
		}
	case "SGD":
		copy(dst, y)
		SGD(dst, x, T(0.1))
	case "Gemm":
		Gemm(1, c, a, b)
		dst = c.Data
	case "Gemm, transposed":
		Gemm(1, c, Mat(a.Data, k, n).T(), Mat(b.Data, m, k).T())
		dst = c.Data
	case "AddColumnSums":
		dst = make([]T, 64)
		AddColumnSums(dst, x)
	default:
		panic("no operation " + name)
	}
	h := fnv.New64a()
	for _, v := range dst {
		_ = binary.Write(h, binary.LittleEndian, bits(v))
	}
	return h.Sum64()
}
