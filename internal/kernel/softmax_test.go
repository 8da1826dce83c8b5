package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

func TestSoftmaxRow(t *testing.T) {
	t.Run("float32", testSoftmaxRow[float32])
	t.Run("float64", testSoftmaxRow[float64])
}

// Against its definition, step by step, to the bit, and against float64.
func testSoftmaxRow[T Float](t *testing.T) {
	rng := rand.New(rand.NewPCG(41, 1))
	for n := 1; n < 68; n++ {
		for _, scale := range []T{1, 30, 100, 1e4} {
			x := random[T](rng, n)
			for i := range x {
				x[i] *= scale
			}
			largest := x[0]
			for _, v := range x {
				largest = max(largest, v)
			}
			e := make([]T, n)
			for i, v := range x {
				e[i] = exp1(v - largest)
			}
			total := lanewise(n, func(s T, i int) T { return s + e[i] })
			want := make([]T, n)
			for i := range want {
				want[i] = exactFlush(e[i] / total)
			}

			what := fmt.Sprintf("SoftmaxRow of %d, logits of %v", n, scale)
			y, guards := guarded(t, what, random[T](rng, n))
			m, s := SoftmaxRow(y, x)
			sameBits(t, what, y, want)
			sameBits(t, what+", m and s", []T{m, s}, []T{largest, total})
			guards()

			var exact float64
			for _, v := range x {
				exact += math.Exp(float64(v) - float64(largest))
			}
			for i, v := range x {
				// The difference x - max is rounded, and e^ grows that by its size.
				diff := float64(v) - float64(largest)
				p := math.Exp(diff) / exact
				bound := float64(eps[T]())*(4+math.Abs(diff))*p + 1e-37
				if math.Abs(float64(y[i])-p) > bound {
					t.Errorf("%s: y[%d] = %v, want %v", what, i, y[i], p)
				}
			}
		}
	}
}

// eps is the distance from 1 to the next number.
func eps[T Float]() T {
	e := T(1)
	for 1+e/2 != 1 {
		e /= 2
	}
	return e
}

func TestSoftmaxRowSpecials(t *testing.T) {
	t.Run("float32", testSoftmaxRowSpecials[float32])
	t.Run("float64", testSoftmaxRowSpecials[float64])
}

func testSoftmaxRowSpecials[T Float](t *testing.T) {
	inf, nan := T(math.Inf(1)), T(math.NaN())
	for _, c := range []struct{ x, want []T }{
		{[]T{}, []T{}},
		{[]T{7}, []T{1}},
		{[]T{1e4, 1e4}, []T{0.5, 0.5}},
		{[]T{-1e4, -1e4, -1e4, -1e4}, []T{0.25, 0.25, 0.25, 0.25}},
		{[]T{1e4, 0, -1e4}, []T{1, 0, 0}},
		{[]T{-1e4, 1e4}, []T{0, 1}},
		{[]T{-inf, 0, 0}, []T{0, 0.5, 0.5}}, // a class ruled out
		{[]T{inf, 0}, []T{nan, nan}},        // Inf - Inf
		{[]T{-inf, -inf}, []T{nan, nan}},
		{[]T{0, nan, 1}, []T{nan, nan, nan}},
		// Flushed: e^-800 is 0 in float64 and e^-100 in float32, without a
		// subnormal number between.
		{[]T{0, -800}, []T{1, 0}},
	} {
		y := make([]T, len(c.x))
		SoftmaxRow(y, c.x)
		sameBits(t, fmt.Sprint("softmax of ", c.x), y, c.want)
	}
	// e^-87 is normal in float32, but not once it is divided by 3.
	y := make([]float32, 4)
	SoftmaxRow(y, []float32{0, 0, 0, -87})
	if bits(y[3]) != 0 {
		t.Errorf("softmax gives the subnormal %v, want 0", y[3])
	}
}

func TestSoftmaxRowBackward(t *testing.T) {
	t.Run("float32", testSoftmaxRowBackward[float32])
	t.Run("float64", testSoftmaxRowBackward[float64])
}

func testSoftmaxRowBackward[T Float](t *testing.T) {
	rng := rand.New(rand.NewPCG(42, 1))
	for n := range 68 {
		for _, fill := range []func(*rand.Rand, int) []T{random[T], nasty[T]} {
			dy, y := fill(rng, n), fill(rng, n)
			s := lanewise(n, func(s T, i int) T { return exactFMA(dy[i], y[i], s) })
			want := make([]T, n)
			for i := range want {
				want[i] = exactFlush(y[i] * (dy[i] - s))
			}
			what := fmt.Sprintf("SoftmaxRowBackward of %d", n)
			dx, guards := guarded(t, what, random[T](rng, n))
			SoftmaxRowBackward(dx, dy, y)
			sameBits(t, what, dx, want)
			guards()
		}
	}
}

func TestOneHotLossBackward(t *testing.T) {
	t.Run("float32", testOneHotLossBackward[float32])
	t.Run("float64", testOneHotLossBackward[float64])
}

// The one-hot form is the general form with a one-hot t, to the bit.
func testOneHotLossBackward[T Float](t *testing.T) {
	rng := rand.New(rand.NewPCG(43, 1))
	for k := 1; k < 68; k++ {
		label, n := rng.IntN(k), 1+rng.IntN(100)
		y, target := make([]T, k), make([]T, k)
		SoftmaxRow(y, random[T](rng, k))
		y[rng.IntN(k)] = 0x1p-126 // becomes subnormal when divided
		target[label] = 1
		want := make([]T, k)
		for i := range want {
			d := y[i] - target[i]
			want[i] = exactFlush(d / T(n))
		}
		what := fmt.Sprintf("%d classes", k)
		got, guards := guarded(t, what, random[T](rng, k))
		OneHotLossBackward(got, y, label, n)
		sameBits(t, what+", one-hot", got, want)
		SoftmaxLossBackward(got, y, target, n)
		sameBits(t, what+", targets", got, want)
		guards()
	}
}

// The book, section 5.6.3: y = (0.3, 0.2, 0.5) and the label 1.
func TestOneHotLossBackwardOfTheBook(t *testing.T) {
	dx := make([]float64, 3)
	OneHotLossBackward(dx, []float64{0.3, 0.2, 0.5}, 1, 1)
	sameBits(t, "dx", dx, []float64{0.3, -0.8, 0.5})
}
