package nn

import (
	"slices"
	"testing"

	"github.com/chainrule-go/chainrule/tensor"
)

// affineOf returns a layer of the given weights.
func affineOf(in, out int, w, b []float64) *Affine[float64] {
	l := AffineOf(NewParam[float64]("W", in, out), NewParam[float64]("b", out))
	copy(l.W.Value.Data, w)
	copy(l.B.Value.Data, b)
	return l
}

// Worked by hand: x (2, 2), W (2, 3).
func TestAffineWorked(t *testing.T) {
	l := affineOf(2, 3, []float64{1, 2, 3, 4, 5, 6}, []float64{10, 20, 30})
	p := training[float64]()
	y := l.Forward(p, of([]float64{1, 2, -1, 3}, 2, 2))
	sameBits(t, "y", y, of([]float64{
		1 + 8 + 10, 2 + 10 + 20, 3 + 12 + 30,
		-1 + 12 + 10, -2 + 15 + 20, -3 + 18 + 30,
	}, 2, 3))
	dx := l.Backward(p, of([]float64{1, 2, 3, 4, 5, 6}, 2, 3))
	sameBits(t, "dx = dy·Wᵀ", dx, of([]float64{
		1 + 4 + 9, 4 + 10 + 18,
		4 + 10 + 18, 16 + 25 + 36,
	}, 2, 2))
	sameBits(t, "dW = xᵀ·dy", l.W.Grad, of([]float64{
		1 - 4, 2 - 5, 3 - 6,
		2 + 12, 4 + 15, 6 + 18,
	}, 2, 3))
	// The book, section 5.6.2: the sum over the samples.
	sameBits(t, "db", l.B.Grad, of([]float64{5, 7, 9}, 3))
}

// The book, section 5.6.2: the bias is added to each sample.
func TestAffineBiasOfTheBook(t *testing.T) {
	l := affineOf(1, 3, []float64{0, 10, 0}, []float64{1, 2, 3})
	y := l.Forward(nil, of([]float64{0, 1}, 2, 1))
	sameBits(t, "y", y, of([]float64{1, 2, 3, 1, 12, 3}, 2, 3))
}

// One sample (in) has the bits of a batch of one (1, in).
func TestAffineOneSample(t *testing.T) {
	rng := newRand(4)
	one, batch := NewAffine[float32](7, 5, rng), NewAffine[float32](7, 5, rng)
	copy(batch.W.Value.Data, one.W.Value.Data)
	x, dy := random[float32](rng, 7), random[float32](rng, 5)
	p := training[float32]()
	y1 := one.Forward(p, x)
	y2 := batch.Forward(p, tensor.Of(x.Data, 1, 7))
	sameBits(t, "y", y1, tensor.Of(y2.Data, 5))
	dx1 := one.Backward(p, dy)
	dx2 := batch.Backward(p, tensor.Of(dy.Data, 1, 5))
	sameBits(t, "dx", dx1, tensor.Of(dx2.Data, 7))
	sameBits(t, "dW", one.W.Grad, batch.W.Grad)
	sameBits(t, "db", one.B.Grad, batch.B.Grad)
	for i, v := range x.Data { // the outer product
		for j, d := range dy.Data {
			if one.W.Grad.Data[i*5+j] != v*d {
				t.Errorf("dW[%d, %d] = %v, want x·dy = %v", i, j, one.W.Grad.Data[i*5+j], v*d)
			}
		}
	}
}

func TestAffineEmptyBatch(t *testing.T) {
	l, p := NewAffine[float64](4, 3, newRand(5)), training[float64]()
	if y := l.Forward(p, tensor.New[float64](0, 4)); !slices.Equal(y.Shape, []int{0, 3}) {
		t.Errorf("y has the shape %v, want (0, 3)", y.Shape)
	}
	l.W.Grad.Data[0], l.B.Grad.Data[0] = 7, 8
	if dx := l.Backward(p, tensor.New[float64](0, 3)); !slices.Equal(dx.Shape, []int{0, 4}) {
		t.Errorf("dx has the shape %v, want (0, 4)", dx.Shape)
	}
	sameBits(t, "dW", l.W.Grad, of(append([]float64{7}, make([]float64, 11)...), 4, 3))
	sameBits(t, "db", l.B.Grad, of([]float64{8, 0, 0}, 3))
}

// Each Backward adds: twice the same is twice the gradient.
func TestAffineGradientAccumulates(t *testing.T) {
	l, p := NewAffine[float64](4, 3, newRand(6)), training[float64]()
	x, dy := random[float64](newRand(7), 5, 4), random[float64](newRand(8), 5, 3)
	l.Forward(p, x)
	l.Backward(p, dy)
	once := l.W.Grad.Clone()
	onceB := l.B.Grad.Clone()
	l.BackwardParams(p, dy)
	for i, v := range once.Data {
		near(t, "dW after two Backwards", l.W.Grad.Data[i], 2*v, 1e-15)
	}
	for i, v := range onceB.Data {
		near(t, "db after two Backwards", l.B.Grad.Data[i], 2*v, 1e-15)
	}
	// Over two batches, each with its own Forward.
	l.W.Grad, l.B.Grad = tensor.New[float64](4, 3), tensor.New[float64](3)
	for lo := range 5 {
		p.Reset()
		l.Forward(p, x.Rows(lo, lo+1))
		l.BackwardParams(p, dy.Rows(lo, lo+1))
	}
	for i, v := range once.Data {
		near(t, "dW over five batches of one", l.W.Grad.Data[i], v, 1e-14)
	}
	for i, v := range onceB.Data {
		near(t, "db over five batches of one", l.B.Grad.Data[i], v, 1e-14)
	}
}

// Two layers of the same parameters: the gradients of both places add up.
func TestAffineSharedParameters(t *testing.T) {
	w, b := []float64{1, -2, 0, 3}, []float64{1, 2}
	x, dy := of([]float64{1, 2, 3, 4, 5, -6}, 3, 2), of([]float64{1, -1, 2, 0, 3, 1}, 3, 2)

	first, second := affineOf(2, 2, w, b), affineOf(2, 2, w, b)
	apart := NewSequential[float64](first, second)
	p := training[float64]()
	apart.Forward(p, x)
	dxApart := apart.Backward(p, dy)

	shared := affineOf(2, 2, w, b)
	tied := NewSequential[float64](shared, AffineOf(shared.W, shared.B))
	if n := len(tied.Params()); n != 2 {
		t.Fatalf("Params lists %d parameters, want W and b once each", n)
	}
	tied.Forward(p, x)
	dxTied := tied.Backward(p, dy)
	sameBits(t, "dx", dxTied, dxApart)
	add := func(x, y *tensor.Tensor[float64]) *tensor.Tensor[float64] {
		z := x.Clone()
		for i, v := range y.Data {
			z.Data[i] += v // small integers: exact
		}
		return z
	}
	sameBits(t, "dW", shared.W.Grad, add(first.W.Grad, second.W.Grad))
	sameBits(t, "db", shared.B.Grad, add(first.B.Grad, second.B.Grad))
	if slices.Equal(first.W.Grad.Data, make([]float64, 4)) || slices.Equal(second.W.Grad.Data, make([]float64, 4)) {
		t.Error("one of the two gradients is zero: nothing was added up")
	}
}

func TestAffinePanics(t *testing.T) {
	l, p := NewAffine[float64](784, 50, newRand(9)), training[float64]()
	const op = "Affine(784->50)"
	for _, c := range []struct {
		x    []int
		want string
	}{
		{[]int{100, 28, 28}, op + ".Forward: want (N, 784) or (784), got (100, 28, 28)"},
		{[]int{2, 785}, op + ".Forward: want (N, 784) or (784), got (2, 785)"},
		{[]int{784, 2}, op + ".Forward: want (N, 784) or (784), got (784, 2)"},
		{[]int{50}, op + ".Forward: want (N, 784) or (784), got (50)"},
		{nil, op + ".Forward: want (N, 784) or (784), got ()"},
	} {
		mustShapeError(t, c.want, func() { l.Forward(p, tensor.New[float64](c.x...)) })
	}
	for _, c := range []struct {
		x, dy []int
		want  string
	}{
		{[]int{3, 784}, []int{3, 51}, op + ".Backward: want (3, 50), the shape of y, got (3, 51)"},
		{[]int{3, 784}, []int{2, 50}, op + ".Backward: want (3, 50), the shape of y, got (2, 50)"},
		{[]int{1, 784}, []int{50}, op + ".Backward: want (1, 50), the shape of y, got (50)"},
		{[]int{784}, []int{1, 50}, op + ".Backward: want (50), the shape of y, got (1, 50)"},
	} {
		l.Forward(p, tensor.New[float64](c.x...))
		mustShapeError(t, c.want, func() { l.Backward(p, tensor.New[float64](c.dy...)) })
		mustShapeError(t, c.want, func() { l.BackwardParams(p, tensor.New[float64](c.dy...)) })
	}
	mustShapeError(t, "AffineOf(W): want (in, out), got (3)", func() {
		AffineOf(NewParam[float64]("W", 3), NewParam[float64]("b", 3))
	})
	mustShapeError(t, "AffineOf(b): want (3), got (2)", func() {
		AffineOf(NewParam[float64]("W", 2, 3), NewParam[float64]("b", 2))
	})
	mustShapeError(t, "AffineOf(b): want (3), got (1, 3)", func() {
		AffineOf(NewParam[float64]("W", 2, 3), NewParam[float64]("b", 1, 3))
	})
}

func TestAffineParams(t *testing.T) {
	l := NewAffine[float64](4, 3, newRand(10))
	params := l.Params()
	if len(params) != 2 || params[0] != l.W || params[1] != l.B || l.W.Name != "W" || l.B.Name != "b" {
		t.Errorf("Params are %v, want W and b", params)
	}
	if l.In() != 4 || l.Out() != 3 {
		t.Errorf("In and Out are %d and %d, want 4 and 3", l.In(), l.Out())
	}
	if n := testing.AllocsPerRun(10, func() { l.Params() }); n != 0 {
		t.Errorf("Params allocates %v times, want 0", n)
	}
}
