//go:build amd64 && !purego

package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestVectorsOnEachPath runs the tests of the vector kernels on every path.
func TestVectorsOnEachPath(t *testing.T) {
	for _, path := range Paths() {
		t.Run(path, func(t *testing.T) {
			defer use(path)()
			for name, test := range map[string]func(*testing.T){
				"Elementwise":     TestElementwise,
				"ReLU":            TestReLUSpecials,
				"ExpError":        TestExpErrorFloat32,
				"ExpSpecials":     TestExpSpecials,
				"ExpEdges":        TestExpEdgesFloat32,
				"ExpRises":        TestExpRisesFloat32,
				"SigmoidError":    TestSigmoidErrorFloat32,
				"SigmoidSpecials": TestSigmoidSpecials,
				"TanhError":       TestTanhErrorFloat32,
				"TanhSpecials":    TestTanhSpecials,
				"Logs":            TestLogs,
				"SumOrder":        TestSumOrder,
				"Sum":             TestSumWorked,
				"Reductions":      TestReductionSpecials,
				"MaxEverywhere":   TestMaxAtEveryPlace,
				"NaN":             TestReductionsLetNaNThrough,
				"Dot":             TestDotWorked,
				"ColumnSums":      TestAddColumnSums,
				"ColumnSpecials":  TestAddColumnSumsSpecials,
				"Softmax":         TestSoftmaxRows,
				"SoftmaxSpecials": TestSoftmaxRowsSpecials,
				"SoftmaxBackward": TestSoftmaxRowsBackward,
				"SoftmaxLoss":     TestSoftmaxLoss,
				"LossWorked":      TestSoftmaxLossWorked,
				"OneHot":          TestOneHotLossBackward,
				"OneHotOfTheBook": TestOneHotLossBackwardOfTheBook,
				"Axpy":            TestAxpy,
				"SGD":             TestSGD,
				"SGDSpecials":     TestSGDSpecials,
				"Momentum":        TestMomentum,
				"MomentumWorked":  TestMomentumWorked,
				"Adam":            TestAdam,
				"AdamWorked":      TestAdamWorked,
				"AdamDecimal":     TestAdamAgainstDecimal,
				"Mismatches":      TestMismatchedLengthsPanic,
				"Allocations":     TestVectorOpsAllocateNothing,
				"Bits":            TestBitsAreTheSameEverywhere,
			} {
				t.Run(name, test)
			}
		})
	}
}

// TestVectorsGiveTheBitsOfGo compares every path with the Go loops: all lengths
// to 67, all places relative to a cache line, every kind of number, and guard
// values around each slice.
func TestVectorsGiveTheBitsOfGo(t *testing.T) {
	t.Run("float32", testVectorBits[float32])
	t.Run("float64", testVectorBits[float64])
}

func testVectorBits[T Float](t *testing.T) {
	defer use(goPath)()
	lengths := []int{100, 255, 1000, 4099}
	for n := range 68 {
		lengths = append(lengths, n)
	}
	rng := rand.New(rand.NewPCG(53, 1))
	for _, op := range vectorOps[T]() {
		for _, n := range lengths {
			for offset := range 16 {
				if n > 1000 && offset%5 != 0 {
					continue
				}
				start := make([][]T, len(op.slices))
				for i, times := range op.slices {
					start[i] = mixture[T](rng, n*times, offset)
				}
				want := clones(start)
				use(goPath)
				result := op.run(want, n)
				for _, path := range assembly {
					use(path)
					what := fmt.Sprintf("%s of %d, offset %d, %s", op.name, n, offset, path)
					got := make([][]T, len(start))
					check := make([]func(), len(start))
					for i := range start {
						got[i], check[i] = guardedAt(t, what, start[i], (offset+5*i)%16)
					}
					sameBits(t, what+", result", []float64{op.run(got, n)}, []float64{result})
					for i := range got {
						sameBits(t, fmt.Sprintf("%s, slice %d", what, i), got[i], want[i])
						check[i]()
					}
				}
			}
		}
	}
}

// mixture returns numbers of one of several kinds.
func mixture[T Float](rng *rand.Rand, n, kind int) []T {
	switch kind % 4 {
	case 0:
		return random[T](rng, n)
	case 1:
		return nasty[T](rng, n)
	}
	x, s := nasty[T](rng, n), specials[T]()
	for i := range x {
		switch {
		case rng.IntN(8) == 0 && kind%4 == 2:
			x[i] = s[rng.IntN(len(s))]
		case rng.IntN(2) == 0:
			x[i] = T(rng.NormFloat64() * 60) // exp leaves the range
		}
	}
	return x
}

func clones[T Float](s [][]T) [][]T {
	c := make([][]T, len(s))
	for i := range s {
		c[i] = slices.Clone(s[i])
	}
	return c
}

// guardedAt is [guarded], so many elements on.
func guardedAt[T Float](t *testing.T, what string, x []T, offset int) ([]T, func()) {
	all, guards := guarded(t, what, slices.Concat(make([]T, offset), x))
	return all[offset:], guards
}

// Every float32 there is would take minutes: this is every 997th, and those
// around the ends of the range.
func TestExpSweep(t *testing.T) {
	defer use(goPath)()
	const step = 997
	x := make([]float32, 0, 1<<16)
	want, wantSigmoid, got := make([]float32, cap(x)), make([]float32, cap(x)), make([]float32, cap(x))
	points := 0
	check := func() {
		n := len(x)
		use(goPath)
		Exp(want[:n], x)
		Sigmoid(wantSigmoid[:n], x)
		for _, path := range assembly {
			use(path)
			Exp(got[:n], x)
			sameBits(t, path+", exp", got[:n], want[:n])
			Sigmoid(got[:n], x)
			sameBits(t, path+", sigmoid", got[:n], wantSigmoid[:n])
		}
		points += n
		x = x[:0]
	}
	add := func(v float32) {
		x = append(x, v)
		if len(x) == cap(x) {
			check()
		}
	}
	for u := uint64(0); u < 1<<32; u += step {
		add(math.Float32frombits(uint32(u)))
	}
	for _, edge := range []float32{88.72284, -87.33655, 89, -88, 0} {
		for i := range uint32(2000) {
			add(math.Float32frombits(math.Float32bits(edge) - 1000 + i))
		}
	}
	check()
	if points < 4_000_000 {
		t.Errorf("only %d points", points)
	}
}

func TestLogsSweep(t *testing.T) {
	defer use(goPath)()
	rng := rand.New(rand.NewPCG(54, 1))
	x := make([]float64, 1<<20)
	for i := range x {
		switch i % 3 {
		case 0:
			x[i] = math.Float64frombits(rng.Uint64())
		case 1:
			x[i] = 1 + 15*rng.Float64()
		case 2:
			x[i] = math.Sqrt2 / float64(1+rng.IntN(2)) * (1 + (rng.Float64()-0.5)*1e-9)
		}
	}
	copy(x, specials[float64]())
	want, got := make([]float64, len(x)), make([]float64, len(x))
	Logs(want, x)
	for _, path := range assembly {
		use(path)
		Logs(got, x)
		for i := range got {
			if bits(got[i]) != bits(want[i]) {
				t.Fatalf("%s: log %x = %x, want %x", path, x[i], got[i], want[i])
			}
		}
	}
}
