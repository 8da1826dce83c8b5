package nn

import (
	"errors"
	"math"
	"testing"

	"github.com/chainrule-go/chainrule/tensor"
)

// The book, section 5.6.3: for y = (0.3, 0.2, 0.5) and the label 1 the gradient
// is (0.3, -0.8, 0.5), large; for (0.01, 0.99, 0) it is (0.01, -0.01, 0), small.
func TestSoftmaxWithLossOfTheBook(t *testing.T) {
	for _, c := range []struct {
		y, dx []float64
	}{
		{[]float64{0.3, 0.2, 0.5}, []float64{0.3, -0.8, 0.5}},
		{[]float64{0.01, 0.99, 0}, []float64{0.01, -0.01, 0}},
	} {
		logits := tensor.New[float64](1, 3)
		for i, y := range c.y {
			logits.Data[i] = math.Log(y) // -Inf for a class ruled out
		}
		l, p := NewSoftmaxWithLoss[float64](), training[float64]()
		near(t, "loss", l.Forward(p, logits, Labels[float64](1)), -math.Log(c.y[1]), 1e-15)
		for i, dx := range l.Backward(p).Data {
			near(t, "dx", dx, c.dx[i], 1e-15)
		}
	}
}

// Python's decimal module, prec = 50: log Σ e^x - x of (0.3, 2.9, 4.0).
func TestSoftmaxWithLossAgainstDecimal(t *testing.T) {
	x := of([]float64{0.3, 2.9, 4.0}, 1, 3)
	l := NewSoftmaxWithLoss[float64]()
	losses := []float64{4.00571446481245212370, 1.40571446481245212370, 0.30571446481245212370}
	for label, want := range losses {
		near(t, "loss", l.Forward(nil, x, Labels[float64](label)), want, 3e-16)
	}
	// The weighted sum of the three.
	soft := of([]float64{0.2, 0.3, 0.5}, 1, 3)
	near(t, "soft loss", l.Forward(nil, x, Values(soft)), 1.37571446481245212370, 3e-16)
	// The mean over a batch, and 1/N in the gradient.
	three := of([]float64{0.3, 2.9, 4.0, 0.3, 2.9, 4.0, 0.3, 2.9, 4.0}, 3, 3)
	p := training[float64]()
	near(t, "mean loss", l.Forward(p, three, Labels[float64](0, 1, 2)), (losses[0]+losses[1]+losses[2])/3, 3e-16)
	y := []float64{0.01821127329554753298, 0.24519181293507390027, 0.73659691376937856675}
	for i, dx := range l.Backward(p).Data {
		want := y[i%3]
		if i%3 == i/3 {
			want--
		}
		near(t, "dx", dx, want/3, 3e-16)
	}
	p = training[float64]()
	l.Forward(p, x, Values(soft))
	for i, dx := range l.Backward(p).Data {
		near(t, "dx of soft targets", dx, y[i]-soft.Data[i], 3e-16)
	}
}

func TestSoftmaxWithLossOfUniformLogits(t *testing.T) {
	t.Run("float32", testUniformLoss[float32])
	t.Run("float64", testUniformLoss[float64])
}

// A network that knows nothing loses ln 10 = 2.302585092994046.
func testUniformLoss[T tensor.Float](t *testing.T) {
	for _, logit := range []T{0, 1, -1e4, 1e4} {
		x := tensor.New[T](4, 10)
		for i := range x.Data {
			x.Data[i] = logit
		}
		loss := NewSoftmaxWithLoss[T]().Forward(nil, x, Labels[T](0, 3, 9, 5))
		near(t, "loss", loss, 2.302585092994046, 3e-16)
	}
}

func TestSoftmaxWithLossExtremes(t *testing.T) {
	t.Run("float32", testLossExtremes[float32])
	t.Run("float64", testLossExtremes[float64])
}

// Any finite logits have a finite loss; the book's log(y + 1e-7) stops at 16.
func testLossExtremes[T tensor.Float](t *testing.T) {
	for _, c := range []struct {
		x     []T
		label int
		loss  float64
		dx    []T
	}{
		{[]T{1e4, -1e4, 0}, 0, 0, []T{0, 0, 0}},
		{[]T{1e4, -1e4, 0}, 1, 2e4, []T{1, -1, 0}},
		{[]T{1e4, -1e4, 0}, 2, 1e4, []T{1, 0, -1}},
		{[]T{-1e4, -1e4, -1e4}, 1, math.Log(3), []T{T(1) / 3, T(1)/3 - 1, T(1) / 3}},
		{[]T{3e38, -3e38, 0}, 1, 6e38, []T{1, -1, 0}}, // the difference is no float32
	} {
		l, p := NewSoftmaxWithLoss[T](), training[T]()
		near(t, "loss", l.Forward(p, tensor.Of(c.x, 1, 3), Labels[T](c.label)), c.loss, 1e-7)
		sameBits(t, "dx", l.Backward(p), tensor.Of(c.dx, 1, 3))
		target := tensor.New[T](1, 3)
		target.Data[c.label] = 1
		near(t, "soft loss", l.Forward(p, tensor.Of(c.x, 1, 3), Values(target)), c.loss, 1e-7)
	}
}

// One-hot targets are labels, to the bit.
func TestSoftTargetsThatAreOneHot(t *testing.T) {
	t.Run("float32", testOneHotTargets[float32])
	t.Run("float64", testOneHotTargets[float64])
}

func testOneHotTargets[T tensor.Float](t *testing.T) {
	const n, k = 9, 5
	rng := newRand(13)
	x, target, labels := random[T](rng, n, k), tensor.New[T](n, k), make([]int, n)
	for i := range labels {
		labels[i] = rng.IntN(k)
		target.Data[i*k+labels[i]] = 1
	}
	l, p := NewSoftmaxWithLoss[T](), training[T]()
	hard := l.Forward(p, x, Labels[T](labels...))
	dxHard := l.Backward(p)
	soft := l.Forward(p, x, Values(target))
	dxSoft := l.Backward(p)
	if math.Float64bits(hard) != math.Float64bits(soft) {
		t.Errorf("loss %v for labels and %v for their one-hot rows", hard, soft)
	}
	sameBits(t, "dx", dxSoft, dxHard)
}

// Labels after targets, and targets after labels: the last Forward counts.
func TestLossKeepsTheLastTargets(t *testing.T) {
	x, target, labels := of([]float64{0, 0, 0, 0}, 2, 2), of([]float64{0.5, 0.5, 0.25, 0.75}, 2, 2), []int{0, 1}
	soft, hard := of([]float64{0, 0, 0.125, -0.125}, 2, 2), of([]float64{-0.25, 0.25, 0.25, -0.25}, 2, 2)
	l, p := NewSoftmaxWithLoss[float64](), training[float64]()
	for range 2 {
		l.Forward(p, x, Values(target))
		sameBits(t, "dx of targets", l.Backward(p), soft)
		l.Forward(p, x, Labels[float64](labels...))
		sameBits(t, "dx of labels", l.Backward(p), hard)
	}
	// One that keeps nothing does not count.
	l.Forward(nil, x, Values(target))
	sameBits(t, "dx of labels", l.Backward(p), hard)
}

// A class of probability 0 costs nothing, even at a logit of -Inf.
func TestSoftTargetsOfZero(t *testing.T) {
	x, target := of([]float64{0, math.Inf(-1), 0}, 1, 3), of([]float64{0.5, 0, 0.5}, 1, 3)
	l, p := NewSoftmaxWithLoss[float64](), training[float64]()
	near(t, "loss", l.Forward(p, x, Values(target)), math.Ln2, 1e-15)
	sameBits(t, "dx", l.Backward(p), of([]float64{0, 0, 0}, 1, 3))
}

func TestSoftmaxWithLossLetsNaNThrough(t *testing.T) {
	l, p := NewSoftmaxWithLoss[float64](), training[float64]()
	x := of([]float64{0, math.NaN(), 0, 1, 2, 3}, 2, 3)
	if loss := l.Forward(p, x, Labels[float64](0, 0)); loss == loss {
		t.Errorf("loss %v of a NaN logit, want NaN", loss)
	}
	dx := l.Backward(p)
	for i, v := range dx.Data {
		if isNaN := v != v; isNaN != (i < 3) {
			t.Errorf("dx = %v, want NaN in the first row alone", dx.Data)
		}
	}
}

func TestLabelsOutOfRange(t *testing.T) {
	x := tensor.New[float64](3, 4)
	for _, c := range []struct {
		labels []int
		want   LabelError
		text   string
	}{
		{[]int{0, 4, 9}, LabelError{"SoftmaxWithLoss.Forward", 1, 4, 4},
			"SoftmaxWithLoss.Forward: the label of sample 1 is 4, and the classes are 0 to 3"},
		{[]int{0, 1, -1}, LabelError{"SoftmaxWithLoss.Forward", 2, -1, 4},
			"SoftmaxWithLoss.Forward: the label of sample 2 is -1, and the classes are 0 to 3"},
	} {
		func() {
			defer func() {
				err, _ := recover().(error)
				var e *LabelError
				if !errors.As(err, &e) || *e != c.want || e.Error() != c.text {
					t.Errorf("labels %v: panic %v, want %q", c.labels, err, c.text)
				}
			}()
			NewSoftmaxWithLoss[float64]().Forward(nil, x, Labels[float64](c.labels...))
		}()
	}
}

func TestSoftmaxWithLossPanics(t *testing.T) {
	l, p := NewSoftmaxWithLoss[float64](), training[float64]()
	const want = "SoftmaxWithLoss.Forward: want (N, K), both 1 or more, got "
	for _, shape := range [][]int{{3}, {0, 3}, {3, 0}, {1, 2, 3}} {
		t.Run(tensor.FormatShape(shape), func(t *testing.T) {
			mustShapeError(t, want+tensor.FormatShape(shape), func() { l.Forward(p, tensor.New[float64](shape...), Targets[float64]{}) })
		})
	}
	x := tensor.New[float64](2, 3)
	mustShapeError(t, "SoftmaxWithLoss.Forward(labels): want (2), got (1)", func() { l.Forward(p, x, Labels[float64](0)) })
	mustShapeError(t, "SoftmaxWithLoss.Forward(t): want (2, 3), the shape of y, got (3, 2)", func() {
		l.Forward(p, x, Values(tensor.New[float64](3, 2)))
	})
	// None of these was a Forward.
	mustPanic(t, "nn: SoftmaxWithLoss.Backward before a Forward that saves", func() { l.Backward(p) })
	l.Forward(p, x, Labels[float64](0, 1))
	p.Reset()
	mustPanic(t, "nn: SoftmaxWithLoss.Backward after Pass.Reset", func() { l.Backward(p) })
}
