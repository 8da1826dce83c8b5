package nn

import (
	"math"
	"slices"
	"testing"

	"github.com/chainrule-go/chainrule/tensor"
)

// By hand: two features of three samples, of the means 2 and 20 and the variances 2/3 and
// 200/3, whose unbiased forms are 1 and 100.
func TestBatchNormWorked(t *testing.T) {
	l, p := NewBatchNorm[float64](2), training[float64]()
	l.Eps = 0
	copy(l.Gamma.Value.Data, []float64{2, 1})
	copy(l.Beta.Value.Data, []float64{0.5, -1})
	x := of([]float64{1, 10, 2, 20, 3, 30}, 3, 2)
	y := l.Forward(p, x)
	r := math.Sqrt(1.5)
	for i, want := range []float64{0.5 - 2*r, -1 - r, 0.5, -1, 0.5 + 2*r, -1 + r} {
		near(t, "y", y.Data[i], want, 1e-15)
	}
	for i, want := range []float64{0.1 * 2, 0.1 * 20} {
		near(t, "the running mean", l.Mean.Data[i], want, 1e-15)
	}
	for i, want := range []float64{0.9 + 0.1*1, 0.9 + 0.1*100} {
		near(t, "the running variance", l.Var.Data[i], want, 1e-15)
	}

	// Orthogonal to 1 and to h, dy comes through scaled; along either it does not.
	dx := l.Backward(p, of([]float64{1, 1, -2, 1, 1, 1}, 3, 2))
	for i, want := range []float64{2 * r, 0, -4 * r, 0, 2 * r, 0} {
		near(t, "dx", dx.Data[i], want, 1e-15)
	}
	near(t, "dgamma", l.Gamma.Grad.Data[0], 0, 1e-15)
	near(t, "dbeta", l.Beta.Grad.Data[1], 3, 1e-15)

	// In evaluation it is the line through the running statistics.
	q := &Pass[float64]{Keep: true}
	y = l.Forward(q, of([]float64{1.2, 3}, 1, 2))
	near(t, "y in evaluation", y.Data[0], 2*(1.2-0.2)/math.Sqrt(1)+0.5, 1e-15)
	dx = l.Backward(q, of([]float64{1, 1}, 1, 2))
	near(t, "dx in evaluation", dx.Data[1], 1/math.Sqrt(10.9), 1e-15)
}

// Only a pass with Train and Keep moves the running statistics.
func TestBatchNormMovesStatistics(t *testing.T) {
	x := random[float32](newRand(80), 4, 3, 5)
	for _, test := range []struct {
		name  string
		pass  *Pass[float32]
		moves bool
	}{
		{"nil", nil, false},
		{"prediction", &Pass[float32]{}, false},
		{"evaluation, with Keep", &Pass[float32]{Keep: true}, false},
		{"training, without Keep", &Pass[float32]{Train: true}, false},
		{"training", &Pass[float32]{Train: true, Keep: true}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := NewBatchNorm[float32](3)
			l.Forward(test.pass, x)
			if moved := !slices.Equal(l.Mean.Data, make([]float32, 3)) || !slices.Equal(l.Var.Data, []float32{1, 1, 1}); moved != test.moves {
				t.Errorf("the running statistics are %v and %v; moved: %t, want %t", l.Mean, l.Var, moved, test.moves)
			}
		})
	}
}

// Statistics of a batch that is far from 0 are as accurate as of one around it: with a
// mean of 10,000 the differences of x are exact, and the same x less its mean gives the
// same y but for the rounding of that mean.
func TestNormsFarFromZero(t *testing.T) {
	const mean = 1 << 13
	x, far := random[float32](newRand(81), 50, 8), tensor.New[float32](50, 8)
	for i, v := range x.Data {
		x.Data[i] = float32(math.Round(float64(v)*256) / 256)
		far.Data[i] = x.Data[i] + mean // exact
	}
	for _, make := range []func() Layer[float32]{
		func() Layer[float32] { return NewBatchNorm[float32](8) },
		func() Layer[float32] { return NewLayerNorm[float32](8) },
		func() Layer[float32] { return NewGroupNorm[float32](2, 8) },
	} {
		l := make()
		t.Run(nameOf(l), func(t *testing.T) {
			p, q := training[float32](), training[float32]()
			y, want := l.Forward(p, far), make().Forward(q, x)
			for i, v := range y.Data {
				near(t, "y", float64(v), float64(want.Data[i]), 4e-6)
			}
		})
	}
}

// A batch without samples changes nothing.
func TestBatchNormOfNoSamples(t *testing.T) {
	l, p := NewBatchNorm[float64](3), training[float64]()
	y := l.Forward(p, tensor.New[float64](0, 3, 2))
	l.Backward(p, y)
	if l.Mean.Data[0] != 0 || l.Var.Data[0] != 1 || l.Gamma.Grad.Data[0] != 0 {
		t.Errorf("the statistics are %v and %v, the gradient of gamma %v", l.Mean, l.Var, l.Gamma.Grad)
	}
}

func TestNormsRefuse(t *testing.T) {
	x := func(shape ...int) *tensor.Tensor[float64] { return tensor.New[float64](shape...) }
	train := training[float64]()
	mustShapeError(t, "BatchNorm(3).Forward: want 2 or more values of each channel in training, got (1, 3)", func() {
		NewBatchNorm[float64](3).Forward(train, x(1, 3))
	})
	mustShapeError(t, "BatchNorm(3).Forward: want 2 or more values of each channel in training, got (1, 3, 1, 1)", func() {
		NewBatchNorm[float64](3).Forward(train, x(1, 3, 1, 1))
	})
	NewBatchNorm[float64](3).Forward(train, x(1, 3, 1, 2)) // a channel has two values
	NewBatchNorm[float64](3).Forward(nil, x(1, 3))         // and in evaluation one is enough
	mustShapeError(t, "BatchNorm(3).Forward: want (N, 3) or (N, 3, ...), got (3)", func() { NewBatchNorm[float64](3).Forward(nil, x(3)) })
	mustShapeError(t, "GroupNorm(2, 4).Forward: want (N, 4) or (N, 4, ...), got (4, 3)", func() { NewGroupNorm[float64](2, 4).Forward(nil, x(4, 3)) })
	mustShapeError(t, "LayerNorm(4, 3).Forward: want (N, ...) that ends in (4, 3), got (4, 3)", func() { NewLayerNorm[float64](4, 3).Forward(nil, x(4, 3)) })
	mustShapeError(t, "RMSNorm(4).Forward: want (N, ...) that ends in (4), got (4, 3)", func() { NewRMSNorm[float64](4).Forward(nil, x(4, 3)) })
	mustPanic(t, "nn: BatchNorm: features: want an integer of 1 or more, got 0", func() { NewBatchNorm[float64](0) })
	mustPanic(t, "nn: GroupNorm: channels: want a multiple of groups, which is 3, got 4", func() { NewGroupNorm[float64](3, 4) })
	mustPanic(t, "nn: GroupNorm: groups: want an integer of 1 or more, got 0", func() { NewGroupNorm[float64](0, 4) })
	mustPanic(t, "nn: LayerNorm: shape: want one length or more, got none", func() { NewLayerNorm[float64]() })
	mustPanic(t, "nn: RMSNorm: shape: want at most 15 lengths of 1 or more, got 2: (3, 0)", func() { NewRMSNorm[float64](3, 0) })
}

// The axes before the last ones are all of samples.
func TestLastAxes(t *testing.T) {
	x := random[float64](newRand(82), 2, 3, 4)
	for _, l := range []Layer[float64]{NewLayerNorm[float64](4), NewRMSNorm[float64](4)} {
		t.Run(nameOf(l), func(t *testing.T) {
			want := l.Forward(nil, tensor.Of(x.Data, 6, 4))
			sameBits(t, "y", l.Forward(nil, x), tensor.Of(want.Data, 2, 3, 4))
		})
	}
}
