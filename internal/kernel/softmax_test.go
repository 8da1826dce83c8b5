package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

func TestSoftmaxRows(t *testing.T) {
	t.Run("float32", testSoftmaxRows[float32])
	t.Run("float64", testSoftmaxRows[float64])
}

// Against its definition, step by step, to the bit, and against float64.
func testSoftmaxRows[T Float](t *testing.T) {
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

			what := fmt.Sprintf("SoftmaxRows of %d, logits of %v", n, scale)
			y, guards := guarded(t, what, random[T](rng, n))
			var b softmaxBlock[T]
			b.softmax(y, x, n)
			m, s := b.max[0], b.sum[0]
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

func TestSoftmaxRowsSpecials(t *testing.T) {
	t.Run("float32", testSoftmaxRowsSpecials[float32])
	t.Run("float64", testSoftmaxRowsSpecials[float64])
}

func testSoftmaxRowsSpecials[T Float](t *testing.T) {
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
		SoftmaxRows(y, c.x, len(c.x))
		sameBits(t, fmt.Sprint("softmax of ", c.x), y, c.want)
	}
	// e^-87 is normal in float32, but not once it is divided by 3.
	y := make([]float32, 4)
	SoftmaxRows(y, []float32{0, 0, 0, -87}, 4)
	if bits(y[3]) != 0 {
		t.Errorf("softmax gives the subnormal %v, want 0", y[3])
	}
}

func TestSoftmaxRowsBackward(t *testing.T) {
	t.Run("float32", testSoftmaxRowsBackward[float32])
	t.Run("float64", testSoftmaxRowsBackward[float64])
}

func testSoftmaxRowsBackward[T Float](t *testing.T) {
	rng := rand.New(rand.NewPCG(42, 1))
	for n := range 68 {
		for _, fill := range []func(*rand.Rand, int) []T{random[T], nasty[T]} {
			dy, y := fill(rng, n), fill(rng, n)
			s := lanewise(n, func(s T, i int) T { return exactFMA(dy[i], y[i], s) })
			want := make([]T, n)
			for i := range want {
				want[i] = exactFlush(y[i] * (dy[i] - s))
			}
			what := fmt.Sprintf("SoftmaxRowsBackward of %d", n)
			dx, guards := guarded(t, what, random[T](rng, n))
			SoftmaxRowsBackward(dx, dy, y, n)
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
		n := 1 + rng.IntN(5)
		y, target, labels := make([]T, n*k), make([]T, n*k), make([]int, n)
		SoftmaxRows(y, random[T](rng, n*k), k)
		y[rng.IntN(n*k)] = 0x1p-126 // becomes subnormal when divided
		for i := range labels {
			labels[i] = rng.IntN(k)
			target[i*k+labels[i]] = 1
		}
		want := make([]T, n*k)
		for i := range want {
			d := y[i] - target[i]
			want[i] = exactFlush(d / T(n))
		}
		what := fmt.Sprintf("%d rows, %d classes", n, k)
		got, guards := guarded(t, what, random[T](rng, n*k))
		OneHotLossBackward(got, y, labels)
		sameBits(t, what+", one-hot", got, want)
		SoftmaxLossBackward(got, y, target, n)
		sameBits(t, what+", targets", got, want)
		guards()
	}
}

// The book, section 5.6.3: y = (0.3, 0.2, 0.5) and the label 1.
func TestOneHotLossBackwardOfTheBook(t *testing.T) {
	dx := make([]float64, 3)
	OneHotLossBackward(dx, []float64{0.3, 0.2, 0.5}, []int{1})
	sameBits(t, "dx", dx, []float64{0.3, -0.8, 0.5})
}

func TestSoftmaxLoss(t *testing.T) {
	t.Run("float32", testSoftmaxLoss[float32])
	t.Run("float64", testSoftmaxLoss[float64])
}

// Against its definition, to the bit: for labels, for one-hot targets, and for
// soft ones. 150 rows are more than a block.
func testSoftmaxLoss[T Float](t *testing.T) {
	rng := rand.New(rand.NewPCG(44, 1))
	for _, cols := range []int{1, 3, 10, 16, 17, 40} {
		for _, rows := range []int{1, 63, 64, 65, 150} {
			n := rows * cols
			x, labels, oneHot, soft := random[T](rng, n), make([]int, rows), make([]T, n), random[T](rng, n)
			for i := range labels {
				x[rng.IntN(n)] *= 1000
				labels[i] = rng.IntN(cols)
				oneHot[i*cols+labels[i]] = 1
			}
			single := make([]T, n)
			var want, wantSoft float64
			for i, label := range labels {
				var b softmaxBlock[T]
				row := x[i*cols:][:cols]
				b.softmax(single[i*cols:][:cols], row, cols)
				m, logs := float64(b.max[0]), Log(float64(b.sum[0]))
				want += logs + (m - float64(row[label]))
				for j, v := range row {
					w := float64(soft[i*cols+j])
					wantSoft += float64(w * (logs + (m - float64(v))))
				}
			}
			what := fmt.Sprintf("%d rows of %d", rows, cols)
			y, guards := guarded(t, what, make([]T, n))
			losses := []float64{SoftmaxLoss(y, x, labels)}
			sameBits(t, what+", y", y, single)
			clear(y)
			losses = append(losses, SoftmaxSoftLoss(y, x, oneHot, cols))
			sameBits(t, what+", y for targets", y, single)
			losses = append(losses, SoftmaxSoftLoss(y, x, soft, cols))
			sameBits(t, what+", losses", losses, []float64{want, want, wantSoft})
			clear(y)
			SoftmaxRows(y, x, cols)
			sameBits(t, what+", y alone", y, single)
			guards()
		}
	}
	if loss := SoftmaxLoss[T](nil, nil, nil); loss != 0 {
		t.Errorf("the loss of no rows is %v", loss)
	}
}

// Python: from math import *; log(exp(1) + exp(2) + exp(3)) - 2 and log(2) + 1e4.
func TestSoftmaxLossWorked(t *testing.T) {
	inf, nan, y := math.Inf(1), math.NaN(), make([]float64, 6)
	for _, c := range []struct {
		got, want float64
	}{
		{SoftmaxLoss(y[:3], []float64{1, 2, 3}, []int{1}), 1.4076059644443801},
		{SoftmaxLoss(y[:3], []float64{1e4, 1e4, 0}, []int{2}), 10000.69314718056},
		{SoftmaxLoss(y, []float64{0, 0, 0, 0, 0, nan}, []int{0, 1}), nan},
		{SoftmaxLoss(y[:3], []float64{-inf, 0, 0}, []int{0}), inf},
		{SoftmaxSoftLoss(y[:3], []float64{-inf, 0, 0}, []float64{0, 0.5, 0.5}, 3), math.Ln2},
	} {
		if bits(c.got) != bits(c.want) && !(math.Abs(c.got-c.want) <= 4e-16*c.want) {
			t.Errorf("a loss of %v, want %v", c.got, c.want)
		}
	}
}
