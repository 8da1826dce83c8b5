package nn

import (
	"math"
	"slices"
	"testing"

	"github.com/chainrule-go/chainrule/tensor"
)

func TestInitStandardDeviations(t *testing.T) {
	for _, c := range []struct {
		name    string
		init    Init
		in, out int
		want    float64
	}{
		{"Std", Std(0.01), 784, 50, 0.01},
		{"Xavier", Xavier, 300, 200, math.Sqrt(2. / 500)},
		{"Xavier, turned round", Xavier, 200, 300, math.Sqrt(2. / 500)},
		{"He", He, 200, 300, 0.1},
	} {
		if got := c.init(c.in, c.out); got != c.want {
			t.Errorf("%s(%d, %d) = %v, want %v", c.name, c.in, c.out, got, c.want)
		}
		// 60,000 numbers or so: their deviation is known to 0.3 %, their mean to
		// 0.4 % of it. The seed is fixed; four times that is ample.
		l := NewAffine[float64](c.in, c.out, newRand(50))
		l.B.Value.Data[0] = 7
		l.Init(c.init, newRand(51))
		w := l.W.Value.Data
		n := float64(len(w))
		var sum, squares, beyond, pairs float64
		for i, v := range w {
			sum += v
			squares += v * v
			if math.Abs(v) > c.want {
				beyond++
			}
			if i%2 == 1 {
				pairs += v * w[i-1]
			}
		}
		if std := math.Sqrt(squares / n); math.Abs(std/c.want-1) > 4/math.Sqrt(2*n) {
			t.Errorf("%s: standard deviation %v, want %v", c.name, std, c.want)
		}
		if mean := sum / n; math.Abs(mean) > 4*c.want/math.Sqrt(n) {
			t.Errorf("%s: mean %v, want 0", c.name, mean)
		}
		// A normal distribution has 31.73 % beyond one standard deviation; a
		// uniform one 42.3 %.
		if share := beyond / n; math.Abs(share-0.3173) > 0.01 {
			t.Errorf("%s: %.4f of the weights lie beyond one standard deviation, want 0.3173", c.name, share)
		}
		// The two of a pair are independent.
		if r := pairs / (n / 2) / (c.want * c.want); math.Abs(r) > 4/math.Sqrt(n/2) {
			t.Errorf("%s: neighbours have the correlation %v, want 0", c.name, r)
		}
		if l.B.Value.Data[0] != 0 {
			t.Errorf("%s: b = %v, want 0", c.name, l.B.Value.Data[0])
		}
	}
}

// Marsaglia's polar method once more, with the logarithm of package math.
func TestNormalIsThePolarMethod(t *testing.T) {
	for _, n := range []int{0, 1, 2, 7, 100} {
		got, rng := make([]float64, n), newRand(52)
		normal(got, 3, newRand(52))
		var want []float64
		for len(want) < n {
			u, v := 2*rng.Float64()-1, 2*rng.Float64()-1
			if s := u*u + v*v; s > 0 && s < 1 {
				f := 3 * math.Sqrt(-2*math.Log(s)/s)
				want = append(want, u*f, v*f)
			}
		}
		for i, v := range got {
			near(t, "w", v, want[i], 1e-14)
		}
		// float32 are the same numbers, rounded.
		got32 := make([]float32, n)
		normal(got32, 3, newRand(52))
		for i, v := range got32 {
			if v != float32(got[i]) {
				t.Errorf("float32: w[%d] = %v, want %v", i, v, float32(got[i]))
			}
		}
	}
}

func TestInitIsDeterministic(t *testing.T) {
	draw := func(seed uint64) []float32 { return NewAffine[float32](17, 13, newRand(seed)).W.Value.Data }
	if !slices.Equal(draw(1), draw(1)) {
		t.Error("the same seed draws different weights")
	}
	if slices.Equal(draw(1), draw(2)) {
		t.Error("different seeds draw the same weights")
	}
	// A constructor draws what Init draws, by He.
	l := AffineOf(NewParam[float32]("W", 17, 13), NewParam[float32]("b", 13))
	l.Init(He, newRand(1))
	if !slices.Equal(l.W.Value.Data, draw(1)) {
		t.Error("NewAffine does not draw as He")
	}
}

func TestDrawingWithoutRandPanics(t *testing.T) {
	const want = "nn: drawing weights wants a *rand.Rand"
	mustPanic(t, want, func() { NewAffine[float32](2, 3, nil) })
	mustPanic(t, want, func() { NewTwoLayerNet[float64](2, 3, 4, 0.01, nil) })
}

func TestNewParamIsZeroTwice(t *testing.T) {
	p := NewParam[float64]("W", 2, 3)
	zero := tensor.New[float64](2, 3)
	sameBits(t, "Value", p.Value, zero)
	sameBits(t, "Grad", p.Grad, zero)
	p.Value.Data[0], p.Value.Shape[0] = 1, 9
	sameBits(t, "Grad", p.Grad, zero)
}
