package kernel

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"unsafe"
)

// A vectorOp is an operation on slices of n elements, or a multiple of n. What
// it returns, if anything, is a result as well.
type vectorOp[T Float] struct {
	name   string
	slices []int // how many times n elements each has
	run    func(s [][]T, n int) float64
}

func vectorOps[T Float]() []vectorOp[T] {
	const rows = 3
	var l [rows]int
	labels := func(n int) []int {
		l = [rows]int{n - 1, 0, n / 2}
		return l[:]
	}
	none := func(run func(s [][]T)) func([][]T, int) float64 {
		return func(s [][]T, _ int) float64 { run(s); return 0 }
	}
	return []vectorOp[T]{
		{"ReLU", []int{1, 1}, none(func(s [][]T) { ReLU(1, s[0], s[1]) })},
		{"ReLUBackward", []int{1, 1, 1}, none(func(s [][]T) { ReLUBackward(1, s[0], s[1], s[2]) })},
		{"Exp", []int{1, 1}, none(func(s [][]T) { Exp(s[0], s[1]) })},
		{"Sigmoid", []int{1, 1}, none(func(s [][]T) { Sigmoid(1, s[0], s[1]) })},
		{"SigmoidBackward", []int{1, 1, 1}, none(func(s [][]T) { SigmoidBackward(1, s[0], s[1], s[2]) })},
		{"Tanh", []int{1, 1}, none(func(s [][]T) { Tanh(1, s[0], s[1]) })},
		{"TanhBackward", []int{1, 1, 1}, none(func(s [][]T) { TanhBackward(1, s[0], s[1], s[2]) })},
		{"LeakyReLU", []int{1, 1}, none(func(s [][]T) { LeakyReLU(1, s[0], s[1], 0.01) })},
		{"LeakyReLUBackward", []int{1, 1, 1}, none(func(s [][]T) { LeakyReLUBackward(1, s[0], s[1], s[2], 0.01) })},
		{"PReLU", []int{rows, rows, 1}, none(func(s [][]T) { PReLU(1, Layout{rows, len(s[2]), 1}, s[0], s[1], s[2]) })},
		{"PReLUBackward", []int{rows, 1, rows, rows, 1}, none(func(s [][]T) {
			PReLUBackward(1, Layout{rows, len(s[4]), 1}, s[0], s[1], s[2], s[3], s[4])
		})},
		{"PReLUSlope", []int{1, 1}, func(s [][]T, _ int) float64 { return float64(PReLUSlope(s[0], s[1])) }},
		{"ELU", []int{1, 1}, none(func(s [][]T) { ELU(1, s[0], s[1], 1.25) })},
		{"ELUBackward", []int{1, 1, 1}, none(func(s [][]T) { ELUBackward(1, s[0], s[1], s[2], 1.25) })},
		{"Softplus", []int{1, 1}, none(func(s [][]T) { Softplus(1, s[0], s[1]) })},
		{"SoftplusBackward", []int{1, 1, 1}, none(func(s [][]T) { Softplus(1, s[2], s[2]); SoftplusBackward(1, s[0], s[1], s[2]) })},
		{"SiLU", []int{1, 1}, none(func(s [][]T) { SiLU(1, s[0], s[1]) })},
		{"SiLUBackward", []int{1, 1, 1}, none(func(s [][]T) { SiLUBackward(1, s[0], s[1], s[2]) })},
		{"GELU", []int{1, 1}, none(func(s [][]T) { GELU(1, s[0], s[1]) })},
		{"GELUBackward", []int{1, 1, 1}, none(func(s [][]T) { GELUBackward(1, s[0], s[1], s[2]) })},
		{"GELUTanh", []int{1, 1}, none(func(s [][]T) { GELUTanh(1, s[0], s[1]) })},
		{"GELUTanhBackward", []int{1, 1, 1}, none(func(s [][]T) { GELUTanhBackward(1, s[0], s[1], s[2]) })},
		{"Axpy", []int{1, 1}, none(func(s [][]T) { Axpy(s[0], s[1], 1-0x1p-20) })},
		{"SGD", []int{1, 1}, none(func(s [][]T) { SGD(s[0], s[1], 0.1) })},
		{"Momentum", []int{1, 1, 1}, none(func(s [][]T) { Momentum(s[0], s[1], s[2], 0.9, -0.1, 1) })},
		{"Adam", []int{1, 1, 1, 1}, none(func(s [][]T) { Adam(s[0], s[1], s[2], s[3], 0.1, 0.001, 0.1, 1e-7) })},
		{"Nesterov", []int{1, 1, 1}, none(func(s [][]T) { Nesterov(s[0], s[1], s[2], 0.9, -0.1, 1) })},
		{"AdaGrad", []int{1, 1, 1}, none(func(s [][]T) { AdaGrad(s[0], s[1], s[2], 0.1, 1e-7) })},
		{"RMSProp", []int{1, 1, 1}, none(func(s [][]T) { RMSProp(s[0], s[1], s[2], 0.01, 0.1, 1e-7) })},
		{"Adjust", []int{1, 1}, none(func(s [][]T) { Adjust(s[0], s[1], 0.7, 1, 0.1, 0.01) })},
		{"SumSquares", []int{1}, func(s [][]T, _ int) float64 { return SumSquares(s[0]) }},
		{"Add", []int{1, 1, 1}, none(func(s [][]T) { Add(1, s[0], s[1], s[2]) })},
		{"Add in place", []int{1, 1}, none(func(s [][]T) { Add(1, s[0], s[0], s[1]) })},
		{"times", []int{1, 1, 1}, none(func(s [][]T) { times(s[0], s[1], s[2]) })},
		{"center", []int{1, 1}, none(func(s [][]T) { center(s[0], s[1], len(s[1]), 1-0x1p-20) })},
		{"centeredSums", []int{1, 1, 1, 1}, none(func(s [][]T) { centeredSums(s[0], s[1], s[2], s[3]) })},
		{"normColumns", []int{1, 1, 1, 1, 1}, none(func(s [][]T) { normColumns(s[0], s[1], s[2], s[3], s[4]) })},
		{"scales of channels", []int{1, 1, 1, 1, 1, 1, 1}, none(func(s [][]T) {
			b := batchNorm[T]{gamma: s[0], beta: s[1], m: Moments[T]{Rest: s[2], Var: s[3], Inv: s[4]}, train: true, eps: 1e-5, each: 1}
			p := batchPart[T]{batchNorm: &b, channels: len(s[0]), s1: s[5], s2: s[6]}
			p.scales(7)
		})},
		{"slopes of channels", []int{1, 1, 1, 1, 1, 1, 1, 1}, none(func(s [][]T) {
			b := batchNorm[T]{gamma: s[0], dgamma: s[1], dbeta: s[2], m: Moments[T]{Rest: s[3], Inv: s[4]}, each: 1}
			p := batchPart[T]{batchNorm: &b, channels: len(s[0]), s1: s[5], s2: s[6], s3: s[7]}
			p.slopes(7)
		})},
		{"normColumnSums", []int{1, 1, 1, 1, 1}, none(func(s [][]T) { normColumnSums(s[0], s[1], s[2], s[3], s[4]) })},
		{"normColumnsBackward", []int{1, 1, 1, 1, 1, 1, 1}, none(func(s [][]T) { normColumnsBackward(s[0], s[1], s[2], s[3], s[4], s[5], s[6]) })},
		{"normRow", []int{1, 1, 1, 1}, none(func(s [][]T) { normRow(s[0], s[1], s[2], s[3], len(s[1]), 1-0x1p-20, 0.1) })},
		{"normRow in place", []int{1, 1, 1}, none(func(s [][]T) { normRow(s[0], s[0], s[1], s[2], len(s[1]), 1-0x1p-20, 0.1) })},
		{"dotCentered", []int{1, 1}, func(s [][]T, _ int) float64 { return float64(dotCentered(s[0], s[1], 0.1)) }},
		{"normRowBackward", []int{1, 1, 1, 1, 1}, none(func(s [][]T) {
			normRowBackward(s[0], s[1], s[2], s[3], s[4], len(s[1]), 0.1, 1-0x1p-20, 0.3, 0.7, -0.2)
		})},
		{"Sum", []int{1}, func(s [][]T, _ int) float64 { return float64(Sum(s[0])) }},
		{"Dot", []int{1, 1}, func(s [][]T, _ int) float64 { return float64(Dot(s[0], s[1])) }},
		{"Max", []int{1}, func(s [][]T, _ int) float64 { return float64(Max(s[0])) }},
		{"ArgMax", []int{1}, func(s [][]T, _ int) float64 { return float64(ArgMax(s[0])) }},
		{"AddColumnSums", []int{1, rows}, none(func(s [][]T) { AddColumnSums(s[0], s[1]) })},
		{"SoftmaxRows", []int{rows, rows}, func(s [][]T, n int) float64 {
			SoftmaxRows(s[0], s[1], n)
			return 0
		}},
		{"SoftmaxRowsBackward", []int{rows, rows, rows}, func(s [][]T, n int) float64 {
			SoftmaxRowsBackward(s[0], s[1], s[2], n)
			return 0
		}},
		{"SoftmaxLoss", []int{rows, rows}, func(s [][]T, n int) float64 {
			if n == 0 {
				return 0
			}
			return SoftmaxLoss(s[0], s[1], labels(n))
		}},
		{"SoftmaxSoftLoss", []int{rows, rows, rows}, func(s [][]T, n int) float64 { return SoftmaxSoftLoss(s[0], s[1], s[2], n) }},
		{"OneHotLossBackward", []int{rows, rows}, func(s [][]T, n int) float64 {
			if n > 0 {
				OneHotLossBackward(s[0], s[1], labels(n))
			}
			return 0
		}},
		{"SoftmaxLossBackward", []int{1, 1, 1}, none(func(s [][]T) { SoftmaxLossBackward(s[0], s[1], s[2], 7) })},
		{"Exp in place", []int{1}, none(func(s [][]T) { Exp(s[0], s[0]) })},
		{"ReLU in place", []int{1}, none(func(s [][]T) { ReLU(1, s[0], s[0]) })},
	}
}

func TestVectorOpsAllocateNothing(t *testing.T) {
	t.Run("float32", testVectorAllocs[float32])
	t.Run("float64", testVectorAllocs[float64])
}

func testVectorAllocs[T Float](t *testing.T) {
	rng := rand.New(rand.NewPCG(52, 1))
	for _, op := range vectorOps[T]() {
		for _, n := range []int{10, 33} {
			s := make([][]T, len(op.slices))
			for i, times := range op.slices {
				s[i] = random[T](rng, n*times)
			}
			if allocs := testing.AllocsPerRun(10, func() { op.run(s, n) }); allocs != 0 {
				t.Errorf("%s of %d: %v allocations", op.name, n, allocs)
			}
		}
	}
}

// Each operation, in what it reads and writes a second: 5,000 elements, the
// hidden layer of the book's network, or that in rows of 10.
func BenchmarkVector(b *testing.B) {
	b.Run("float32", benchmarkVector[float32])
	b.Run("float64", benchmarkVector[float64])
}

func benchmarkVector[T Float](b *testing.B) {
	rng := rand.New(rand.NewPCG(51, 1))
	bench := func(name string, slices int, run func(x, y, z []T)) {
		x, y, z := random[T](rng, 5000), random[T](rng, 5000), random[T](rng, 5000)
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(slices * len(x) * int(unsafe.Sizeof(x[0]))))
			for b.Loop() {
				run(x, y, z)
			}
		})
	}
	labels := make([]int, 500)
	sums, w := make([]T, 50), random[T](rng, 5000)
	bench("ReLU", 2, func(x, y, _ []T) { ReLU(1, x, y) })
	bench("ReLUBackward", 3, func(x, y, z []T) { ReLUBackward(1, x, y, z) })
	bench("Exp", 2, func(x, y, _ []T) { Exp(x, y) })
	bench("Sigmoid", 2, func(x, y, _ []T) { Sigmoid(1, x, y) })
	bench("SigmoidBackward", 3, func(x, y, z []T) { SigmoidBackward(1, x, y, z) })
	bench("Tanh", 2, func(x, y, _ []T) { Tanh(1, x, y) })
	bench("TanhBackward", 3, func(x, y, z []T) { TanhBackward(1, x, y, z) })
	bench("Axpy", 3, func(x, y, _ []T) { Axpy(x, y, 1e-9) })
	bench("SGD", 4, func(x, y, _ []T) { SGD(x, y, 0.1) })
	bench("Momentum", 6, func(x, y, z []T) { Momentum(x, y, z, 0.9, -0.1, 1) })
	bench("Adam", 8, func(x, y, z []T) { Adam(x, y, z, w, 0.1, 0.001, 0.1, 1e-7) })
	bench("Nesterov", 6, func(x, y, z []T) { Nesterov(x, y, z, 0.9, -0.1, 1) })
	bench("AdaGrad", 6, func(x, y, z []T) { AdaGrad(x, y, z, 0.1, 1e-7) })
	bench("RMSProp", 6, func(x, y, z []T) { RMSProp(x, y, z, 0.01, 0.1, 1e-7) })
	bench("Adjust", 4, func(x, y, _ []T) { Adjust(x, y, 1, 1, 1e-9, 1e-9) })
	bench("SumSquares", 1, func(x, _, _ []T) { SumSquares(x) })
	bench("Sum", 1, func(x, _, _ []T) { Sum(x) })
	bench("Dot", 2, func(x, y, _ []T) { Dot(x, y) })
	bench("Max", 1, func(x, _, _ []T) { Max(x) })
	bench("ArgMax", 1, func(x, _, _ []T) { ArgMax(x) })
	bench("AddColumnSums", 1, func(x, _, _ []T) { AddColumnSums(sums, x) })
	for _, cols := range []int{10, 1000} {
		bench(fmt.Sprintf("SoftmaxRows/cols=%d", cols), 2, func(x, y, _ []T) { SoftmaxRows(x, y, cols) })
		bench(fmt.Sprintf("SoftmaxLoss/cols=%d", cols), 2, func(x, y, _ []T) { SoftmaxLoss(x, y, labels[:len(x)/cols]) })
		bench(fmt.Sprintf("SoftmaxRowsBackward/cols=%d", cols), 3, func(x, y, z []T) { SoftmaxRowsBackward(x, y, z, cols) })
		bench(fmt.Sprintf("OneHotLossBackward/cols=%d", cols), 2, func(x, y, _ []T) { OneHotLossBackward(x, y, labels[:len(x)/cols]) })
	}
	bench("SoftmaxLossBackward", 3, func(x, y, z []T) { SoftmaxLossBackward(x, y, z, 100) })
}
