package nn

import (
	"math"
	"runtime"
	"slices"
	"testing"

	"github.com/chainrule-go/chainrule/tensor"
)

func TestPassLendsUntilReset(t *testing.T) {
	p := &Pass[float32]{}
	a, b := p.New(2, 3), p.New(4)
	if !slices.Equal(a.Shape, []int{2, 3}) || len(a.Data) != 6 || !slices.Equal(b.Shape, []int{4}) || len(b.Data) != 4 {
		t.Fatalf("New lends %v and %v", a, b)
	}
	for i := range a.Data {
		a.Data[i] = 1
	}
	for i := range b.Data {
		b.Data[i] = 2
	}
	if slices.Contains(a.Data, 2) {
		t.Error("two lent tensors overlap")
	}
	if x := p.New(); len(x.Data) != 1 {
		t.Errorf("New() has %d elements, want a scalar", len(x.Data))
	}
	if x := p.New(0, 5); len(x.Data) != 0 || !slices.Equal(x.Shape, []int{0, 5}) {
		t.Errorf("New(0, 5) = %v", x)
	}
	mustShapeError(t, "tensor.New: want lengths of 0 or more whose product fits an int, got (2, -1)", func() { p.New(2, -1) })
}

func TestPassReusesMemory(t *testing.T) {
	if poison {
		t.Skip("poisoned memory is dropped on Reset")
	}
	p := &Pass[float32]{}
	a, b := p.New(2, 3), p.New(4)
	atA, atB := &a.Data[0], &b.Data[0]
	p.Reset()
	// In the order of asking; a smaller one fits in.
	a, b = p.New(5), p.New(2, 2)
	if &a.Data[0] != atA || &b.Data[0] != atB || len(a.Data) != 5 || !slices.Equal(b.Shape, []int{2, 2}) {
		t.Error("after Reset the memory is not lent again")
	}
	p.Reset()
	if a = p.New(7); len(a.Data) != 7 || !slices.Equal(a.Shape, []int{7}) { // a larger one does not
		t.Errorf("New(7) where 6 were = %v", a)
	}
	if b = p.New(4); &b.Data[0] != atB {
		t.Error("a larger first tensor lost the memory of the second")
	}
	step := func() {
		p.Reset()
		p.New(7)
		p.New(3)
		p.New(2, 2)
	}
	step()
	if n := testing.AllocsPerRun(10, step); n != 0 {
		t.Errorf("%v allocations a step, want 0", n)
	}
}

// With -tags poison old memory shows: it is NaN, and never lent again.
func TestPassPoisons(t *testing.T) {
	if !poison {
		t.Skip("only with -tags poison")
	}
	p := &Pass[float64]{}
	x := p.New(3)
	clear(x.Data)
	p.Reset()
	for _, v := range x.Data {
		if v == v {
			t.Fatalf("after Reset the memory is %v, want NaN", x.Data)
		}
	}
	if y := p.New(3); &y.Data[0] == &x.Data[0] {
		t.Error("poisoned memory was lent again")
	}
}

func TestNilPassMakesMemory(t *testing.T) {
	var p *Pass[float64]
	a := p.New(2)
	a.Data[0] = 1
	if b := p.New(2); b.Data[0] != 0 || &a.Data[0] == &b.Data[0] {
		t.Error("a nil Pass returns the same memory twice")
	}
	if n := p.threads(); n != 1 {
		t.Errorf("a nil Pass uses %d threads, want 1", n)
	}
	p.Reset() // does nothing
}

func TestPassThreads(t *testing.T) {
	withProcs(t, 3)
	for _, c := range []struct {
		p    Pass[float32]
		want int
	}{
		{Pass[float32]{}, 1},
		{Pass[float32]{Keep: true}, 1},
		{Pass[float32]{Train: true}, runtime.GOMAXPROCS(0)},
		{Pass[float32]{Train: true, Threads: 1}, 1},
		{Pass[float32]{Threads: 2}, 2},
	} {
		if got := c.p.threads(); got != c.want {
			t.Errorf("Train %t, Threads %d: %d threads, want %d", c.p.Train, c.p.Threads, got, c.want)
		}
	}
}

// Every layer that keeps something refuses to use it when it is not, or no
// longer, there, and says so with its name.
func TestBackwardAtTheWrongTime(t *testing.T) {
	x := random[float64](newRand(14), 2, 3)
	for _, c := range []struct {
		name string
		new  func() Layer[float64]
	}{
		{"Affine(3->3)", func() Layer[float64] { return NewAffine[float64](3, 3, newRand(15)) }},
		{"ReLU", func() Layer[float64] { return NewReLU[float64]() }},
		{"Sigmoid", func() Layer[float64] { return NewSigmoid[float64]() }},
		{"Softmax", func() Layer[float64] { return NewSoftmax[float64]() }},
		{"ReLU", func() Layer[float64] { return NewSequential[float64](NewReLU[float64]()) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			const (
				before = ".Backward before a Forward that saves (Pass.Keep)"
				other  = ".Backward wants the Pass of its Forward, with Keep set"
				after  = ".Backward after Pass.Reset; run Forward again first"
			)
			for _, w := range []struct {
				when, want string
				run        func(l Layer[float64])
			}{
				{"before Forward", before, func(l Layer[float64]) { l.Backward(training[float64](), x) }},
				{"before Forward, nil Pass", before, func(l Layer[float64]) { l.Backward(nil, x) }},
				{"after Forward with a nil Pass", before, func(l Layer[float64]) {
					l.Forward(nil, x)
					l.Backward(nil, x)
				}},
				{"after Forward with Keep false", before, func(l Layer[float64]) {
					p := &Pass[float64]{Train: true}
					l.Forward(p, x)
					l.Backward(p, x)
				}},
				{"after Reset", after, func(l Layer[float64]) {
					p := training[float64]()
					l.Forward(p, x)
					p.Reset()
					l.Backward(p, x)
				}},
				{"with another Pass", other, func(l Layer[float64]) {
					l.Forward(training[float64](), x)
					l.Backward(training[float64](), x)
				}},
				{"with a nil Pass", other, func(l Layer[float64]) {
					l.Forward(training[float64](), x)
					l.Backward(nil, x)
				}},
				{"with Keep switched off", other, func(l Layer[float64]) {
					p := training[float64]()
					l.Forward(p, x)
					p.Keep = false
					l.Backward(p, x)
				}},
			} {
				t.Run(w.when, func(t *testing.T) {
					mustPanic(t, "nn: "+c.name+w.want, func() { w.run(c.new()) })
				})
			}
		})
	}
}

// A prediction between Forward and Backward, with a Pass of its own or none,
// leaves what was kept alone.
func TestPredictionBetweenForwardAndBackward(t *testing.T) {
	net := func() *Sequential[float64] {
		return NewSequential[float64](NewAffine[float64](3, 4, newRand(16)), NewReLU[float64](),
			NewAffine[float64](4, 2, newRand(17)), NewSigmoid[float64](), NewSoftmax[float64]())
	}
	x, dy, other := random[float64](newRand(18), 5, 3), random[float64](newRand(19), 5, 2), random[float64](newRand(20), 7, 3)
	plain, p := net(), training[float64]()
	plain.Forward(p, x)
	want := plain.Backward(p, dy)

	disturbed, q := net(), training[float64]()
	disturbed.Forward(q, x)
	disturbed.Forward(nil, other)
	disturbed.Forward(&Pass[float64]{}, other)
	disturbed.Forward(&Pass[float64]{Train: true}, other)
	sameBits(t, "dx", disturbed.Backward(q, dy), want)
	for i, w := range plain.Params() {
		sameBits(t, "gradient of "+w.Name, disturbed.Params()[i].Grad, w.Grad)
	}
}

// Train and Keep are independent: a Pass that keeps but does not train still
// has a Backward.
func TestBackwardInEvaluation(t *testing.T) {
	l, p := NewReLU[float64](), &Pass[float64]{Keep: true}
	l.Forward(p, of([]float64{1, -1}, 2))
	sameBits(t, "dx", l.Backward(p, of([]float64{3, 4}, 2)), of([]float64{3, 0}, 2))
}

// Nothing of an old step is left in the next: a smaller batch after a larger
// one has the bits it has on its own.
func TestStepsDoNotLeakIntoEachOther(t *testing.T) {
	build := func() (*Sequential[float64], *SoftmaxWithLoss[float64]) {
		return NewSequential[float64](NewAffine[float64](3, 8, newRand(21)), NewSigmoid[float64](),
			NewAffine[float64](8, 4, newRand(22))), NewSoftmaxWithLoss[float64]()
	}
	step := func(net *Sequential[float64], loss *SoftmaxWithLoss[float64], p *Pass[float64], n int) float64 {
		labels := make([]int, n)
		for _, w := range net.Params() {
			clear(w.Grad.Data)
		}
		p.Reset()
		l := loss.Forward(p, net.Forward(p, random[float64](newRand(uint64(n)), n, 3)), Labels[float64](labels...))
		net.Backward(p, loss.Backward(p))
		return l
	}
	net, loss := build()
	p := training[float64]()
	for _, n := range []int{9, 2, 9, 17, 1, 4} {
		got := step(net, loss, p, n)
		fresh, freshLoss := build()
		if want := step(fresh, freshLoss, training[float64](), n); math.Float64bits(got) != math.Float64bits(want) {
			t.Errorf("batch of %d: loss %v, want %v", n, got, want)
		}
		for i, w := range fresh.Params() {
			sameBits(t, "gradient of "+w.Name, net.Params()[i].Grad, w.Grad)
		}
	}
}

// A view has the memory of its tensor, and integers their own; both are taken back by
// Reset and lent again without an allocation.
func TestPassViewsAndInts(t *testing.T) {
	p := &Pass[float32]{}
	step := func() {
		p.Reset()
		x := p.New(2, 3)
		v := p.View(x, 3, 2)
		v.Data[5] = 7
		if x.Data[5] != 7 || !slices.Equal(v.Shape, []int{3, 2}) || !slices.Equal(x.Shape, []int{2, 3}) {
			t.Fatalf("a view of %v is %v", x, v)
		}
		a, b := p.Ints(4), p.Ints(2)
		a[3], b[0] = 1, 2
		if len(a) != 4 || len(b) != 2 || a[3] != 1 {
			t.Fatalf("integers %v and %v", a, b)
		}
		if y := p.New(6); &y.Data[0] == &x.Data[0] {
			t.Fatal("a view made its tensor free")
		}
	}
	step()
	if !poison {
		if n := testing.AllocsPerRun(10, step); n != 0 {
			t.Errorf("%v allocations a step, want 0", n)
		}
	}
	mustShapeError(t, "tensor.Of: want a shape of 6 elements, got (4)", func() { p.View(tensor.New[float32](2, 3), 4) })
	var none *Pass[float32]
	if v := none.View(tensor.New[float32](2, 3), 6); len(v.Shape) != 1 || len(none.Ints(3)) != 3 {
		t.Error("a nil Pass makes no views or integers")
	}
}

// Reset begins the next step, whose random numbers are others.
func TestResetCountsSteps(t *testing.T) {
	p := &Pass[float32]{Step: 41}
	p.Reset()
	if p.Step != 42 {
		t.Errorf("step %d after Reset in step 41", p.Step)
	}
}
