//go:build (amd64 || arm64) && !purego

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
				"ExpEdges64":      TestExpEdgesFloat64,
				"ExpRises":        TestExpRisesFloat32,
				"SigmoidError":    TestSigmoidErrorFloat32,
				"SigmoidSpecials": TestSigmoidSpecials,
				"TanhError":       TestTanhErrorFloat32,
				"TanhSpecials":    TestTanhSpecials,
				"TanhIsOdd":       TestTanhIsOdd,
				"TanhTiny":        TestTanhOfTinyNumbers,
				"TanhDecimal":     TestTanhAgainstDecimal,
				"ELUError":        TestELUErrorFloat32,
				"SoftplusError":   TestSoftplusErrorFloat32,
				"GELUError":       TestGELUErrorFloat32,
				"Activations":     TestActivationSpecials,
				"PReLUSlopes":     TestPReLUSlopes,
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
				"Steps":           TestSteps,
				"Adjust":          TestAdjust,
				"AdjustWorked":    TestAdjustWorked,
				"SumSquares":      TestSumSquares,
				"SGDSpecials":     TestSGDSpecials,
				"MomentumWorked":  TestMomentumWorked,
				"NesterovWorked":  TestNesterovWorked,
				"AdaGradWorked":   TestAdaGradAndRMSPropWorked,
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
	const step = 997
	x := make([]float32, 0, 1<<32/step+20_000)
	for u := uint64(0); u < 1<<32; u += step {
		x = append(x, math.Float32frombits(uint32(u)))
	}
	for _, edge := range []float32{88.72284, -87.33655, 89, -88, 0, 10, -10} {
		for i := range uint32(2000) {
			x = append(x, math.Float32frombits(math.Float32bits(edge)-1000+i))
		}
	}
	sweep(t, x)
}

// The same for float64, of which it is a million, most of them in the range.
func TestExpSweepFloat64(t *testing.T) {
	rng := rand.New(rand.NewPCG(56, 1))
	x := specials[float64]()
	for i := range 1_000_000 {
		switch i % 4 {
		case 0:
			x = append(x, math.Float64frombits(rng.Uint64()))
		case 1:
			x = append(x, -750+1500*rng.Float64())
		case 2:
			x = append(x, -20+40*rng.Float64())
		case 3: // around the seams of the reduction
			x = append(x, (float64(rng.IntN(2000)-1000)+0.5)*math.Ln2/float64(1+rng.IntN(2))*(1+(rng.Float64()-0.5)*1e-14))
		}
	}
	for _, edge := range []float64{709.782712893384, -708.3964185322641, 710, -709, 0, 20, -20} {
		for i := range uint64(2000) {
			x = append(x, math.Float64frombits(math.Float64bits(edge)-1000+i))
		}
	}
	sweep(t, x)
}

// sweep compares the paths at x, by every operation that is built on exp.
func sweep[T Float](t *testing.T, x []T) {
	defer use(goPath)()
	want, got := make([]T, len(x)), make([]T, len(x))
	for _, op := range []struct {
		name string
		run  func(y, x []T)
	}{
		{"exp", Exp[T]}, {"sigmoid", sigmoid[T]}, {"tanh", tanh[T]}, {"softplus", softplus[T]},
		{"silu", silu[T]}, {"gelu", gelu[T]}, {"geluTanh", geluTanh[T]},
		{"elu", func(y, x []T) { elu(y, x, 1) }},
		{"siluBackward", func(y, x []T) { siluBackward(y, x, x) }},
		{"geluBackward", func(y, x []T) { geluBackward(y, x, x) }},
		{"geluTanhBackward", func(y, x []T) { geluTanhBackward(y, x, x) }},
		{"softplusBackward", func(y, x []T) { softplus(y, x); softplusBackward(y, x, y) }},
	} {
		use(goPath)
		op.run(want, x)
		for _, path := range assembly {
			use(path)
			op.run(got, x)
			for i := range got {
				if bits(got[i]) != bits(want[i]) {
					t.Fatalf("%s: %s(%x) = %x, want %x", path, op.name, x[i], got[i], want[i])
				}
			}
		}
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
