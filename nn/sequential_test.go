package nn

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chainrule-go/chainrule/tensor"
)

func TestSequentialNamesLayersAsTheBook(t *testing.T) {
	rng := newRand(30)
	s := NewSequential[float32](NewAffine[float32](2, 3, rng), NewReLU[float32](), NewAffine[float32](3, 3, rng),
		NewReLU[float32](), NewSigmoid[float32](), NewSequential[float32](), NewAffine[float32](3, 1, rng))
	var names []string
	for _, l := range s.Layers() {
		names = append(names, l.Name)
	}
	want := []string{"Affine1", "ReLU1", "Affine2", "ReLU2", "Sigmoid1", "Sequential1", "Affine3"}
	if !slices.Equal(names, want) {
		t.Errorf("names %v, want %v", names, want)
	}
	const text = "Sequential(Affine(2->3), ReLU, Affine(3->3), ReLU, Sigmoid, Sequential(), Affine(3->1))"
	if s.String() != text {
		t.Errorf("String is %q, want %q", s, text)
	}
}

func TestKind(t *testing.T) {
	for _, c := range []struct {
		l    Layer[float64]
		want string
	}{
		{NewAffine[float64](1, 1, newRand(1)), "Affine"},
		{NewSoftmax[float64](), "Softmax"},
		{NewTwoLayerNet[float64](1, 1, 1, 0.01, newRand(1)), "TwoLayerNet"},
		{failing{}, "failing"}, // no pointer, not generic
		{&opaque[float64]{}, "opaque"},
	} {
		if got := Kind(c.l); got != c.want {
			t.Errorf("Kind(%T) = %q, want %q", c.l, got, c.want)
		}
	}
}

func TestSequentialRefuses(t *testing.T) {
	relu, sigmoid := NewReLU[float64](), NewSigmoid[float64]()
	inner := NewSequential[float64](relu)
	named := func(name string, l Layer[float64]) Named[float64] { return Named[float64]{name, l} }
	for _, c := range []struct {
		name string
		make func()
		want string
	}{
		{"the same layer twice", func() { NewSequential[float64](relu, sigmoid, relu) },
			"ReLU1 and ReLU2 are the same layer"},
		{"twice, once inside", func() { NewSequential[float64](inner, sigmoid, relu) },
			"Sequential1.ReLU1 and ReLU1 are the same layer"},
		{"twice inside, at different depths", func() {
			NewSequential[float64](inner, NewSequential[float64](sigmoid, NewSequential[float64](relu)))
		}, "Sequential1.ReLU1 and Sequential2.Sequential1.ReLU1 are the same layer"},
		{"the same Sequential twice", func() { NewSequential[float64](inner, inner) },
			"Sequential1 and Sequential2 are the same layer"},
		{"nil", func() { NewSequential[float64](relu, nil) }, "layer 1 is nil"},
		{"nil under a name", func() { NewNamed(named("a", nil)) }, "layer 0 is nil"},
		{"a name twice", func() { NewNamed(named("a", relu), named("a", sigmoid)) },
			`the name of layer 1: want one that no layer before has, got "a"`},
		{"a name with a dot", func() { NewNamed(named("a.b", relu)) }, `want a name without a dot, got "a.b"`},
		{"a long name", func() { NewNamed(named(strings.Repeat("a", 256), relu)) }, "want a name of at most 255 bytes, got one of 256"},
		{"no name", func() { NewNamed(named("", relu)) }, "the name of layer 0: want a name, got an empty one"},
	} {
		t.Run(c.name, func(t *testing.T) { mustPanic(t, c.want, c.make) })
	}
}

// The slice given to NewNamed stays the caller's.
func TestNewNamedCopiesItsArguments(t *testing.T) {
	layers := []Named[float64]{{"a", NewReLU[float64]()}}
	s := NewNamed(layers...)
	layers[0] = Named[float64]{"b", nil}
	if got := s.Layers()[0].Name; got != "a" {
		t.Errorf("the layer is now %q, want a", got)
	}
}

func TestSequentialParams(t *testing.T) {
	rng := newRand(31)
	a, b, c := NewAffine[float64](2, 2, rng), NewAffine[float64](2, 2, rng), NewAffine[float64](2, 2, rng)
	shared := AffineOf(a.W, c.B) // one parameter of each
	s := NewSequential[float64](NewReLU[float64](), a, NewSequential[float64](b, shared), c)
	want := []*Param[float64]{a.W, a.B, b.W, b.B, c.B, c.W}
	if got := s.Params(); !slices.Equal(got, want) {
		t.Errorf("%d parameters, want the six in order of the layers, each once", len(got))
	}
	if n := testing.AllocsPerRun(10, func() { s.Params() }); n != 0 {
		t.Errorf("Params allocates %v times, want 0", n)
	}
	if p := NewSequential[float64](NewReLU[float64]()).Params(); p != nil {
		t.Errorf("Params of a chain without parameters is %v, want nil", p)
	}
}

// A chain is its layers called in order.
func TestSequentialIsTheChain(t *testing.T) {
	rng := newRand(32)
	a, r, b := NewAffine[float64](3, 4, rng), NewReLU[float64](), NewAffine[float64](4, 2, rng)
	x, dy := random[float64](rng, 5, 3), random[float64](rng, 5, 2)

	p := training[float64]()
	y := b.Forward(p, r.Forward(p, a.Forward(p, x))).Clone()
	dx := a.Backward(p, r.Backward(p, b.Backward(p, dy))).Clone()
	var grads []*tensor.Tensor[float64]
	s := NewSequential[float64](a, r, b)
	for _, w := range s.Params() {
		grads = append(grads, w.Grad.Clone())
		clear(w.Grad.Data)
	}

	p.Reset()
	sameBits(t, "y", s.Forward(p, x), y)
	sameBits(t, "dx", s.Backward(p, dy), dx)
	for i, w := range s.Params() {
		sameBits(t, "gradient of "+w.Name, w.Grad, grads[i])
	}
}

func TestEmptySequential(t *testing.T) {
	s, p := NewSequential[float64](), training[float64]()
	x := of([]float64{1, 2}, 2)
	sameBits(t, "y", s.Forward(p, x), x)
	sameBits(t, "dx", s.Backward(p, x), x)
	s.BackwardParams(p, x)
}

// BackwardParams gives every parameter the bits that Backward gives it.
func TestBackwardParamsIsBackward(t *testing.T) {
	affine := func(in, out int) Layer[float64] { return NewAffine[float64](in, out, newRand(uint64(in*100+out))) }
	relu := func() Layer[float64] { return NewReLU[float64]() }
	seq := func(l ...Layer[float64]) Layer[float64] { return NewSequential(l...) }
	for _, c := range []struct {
		name string
		new  func() Layer[float64]
	}{
		{"one layer", func() Layer[float64] { return seq(affine(3, 2)) }},
		{"two layers", func() Layer[float64] { return seq(affine(3, 4), relu(), affine(4, 2)) }},
		{"no parameter at first", func() Layer[float64] { return seq(relu(), relu(), affine(3, 4), relu(), affine(4, 2)) }},
		{"nested", func() Layer[float64] { return seq(seq(affine(3, 4), relu()), seq(affine(4, 5), relu(), affine(5, 2))) }},
		{"nested deeper, none at first", func() Layer[float64] {
			return seq(seq(relu(), seq(relu())), seq(relu(), seq(relu(), affine(3, 4), affine(4, 4))), affine(4, 2), relu())
		}},
		{"first with parameters has no BackwardParams", func() Layer[float64] {
			return seq(relu(), &opaque[float64]{Layer: affine(3, 4)}, affine(4, 2))
		}},
		{"no parameters at all", func() Layer[float64] { return seq(relu(), relu()) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := random[float64](newRand(33), 6, 3)
			full, short := c.new(), c.new()
			p, q := training[float64](), training[float64]()
			y := full.Forward(p, x)
			short.Forward(q, x)
			dy := random[float64](newRand(34), y.Shape...)
			full.Backward(p, dy)
			short.(ParamsBackward[float64]).BackwardParams(q, dy)
			for i, w := range full.Params() {
				sameBits(t, fmt.Sprintf("gradient %d, %s", i, w.Name), short.Params()[i].Grad, w.Grad)
				if !slices.ContainsFunc(w.Grad.Data, func(g float64) bool { return g != 0 }) {
					t.Errorf("gradient %d, %s, is all zeros", i, w.Name)
				}
			}
		})
	}
}

// Layers in front of the first parameter are left out: nobody wants their dx.
func TestBackwardParamsStopsAtTheFirstParameters(t *testing.T) {
	front, first := &opaque[float64]{Layer: NewReLU[float64]()}, NewAffine[float64](3, 3, newRand(35))
	behind := &opaque[float64]{Layer: NewReLU[float64]()}
	s := NewSequential[float64](front, NewSequential[float64](first), behind)
	x, p := random[float64](newRand(36), 2, 3), training[float64]()
	s.Forward(p, x)
	lent := p.arrays.next
	s.BackwardParams(p, x)
	if front.backward != 0 || behind.backward != 1 {
		t.Errorf("Backward ran %d times in front of the first parameters and %d behind, want 0 and 1", front.backward, behind.backward)
	}
	if n := p.arrays.next - lent; n != 1 {
		t.Errorf("%d gradients were computed, want the one behind: the first layer makes no dx", n)
	}
	s.Backward(p, x)
	if front.backward != 1 {
		t.Error("Backward left out the layer in front")
	}
}

// Any number of goroutines may predict through one network, each with its own
// Pass or none, while one of them trains.
func TestPredictionsAtTheSameTime(t *testing.T) {
	withProcs(t, 4)
	rng := newRand(37)
	net := NewSequential[float32](NewAffine[float32](64, 48, rng), NewReLU[float32](),
		NewSequential[float32](NewAffine[float32](48, 10, rng), NewSigmoid[float32]()), NewSoftmax[float32]())
	x := random[float32](rng, 32, 64)
	want := net.Forward(nil, x)
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			var p *Pass[float32]
			switch i {
			case 1, 2:
				p = &Pass[float32]{Threads: 2}
			case 3:
				p = &Pass[float32]{Train: true}
			case 4:
				p = &Pass[float32]{Keep: true} // the only one that writes state
			}
			for range 10 {
				if p != nil {
					p.Reset()
				}
				y := net.Forward(p, x)
				if !slices.Equal(y.Data, want.Data) {
					t.Errorf("goroutine %d predicts something else", i)
					return
				}
				if p != nil && p.Keep {
					net.Backward(p, y) // writes gradients, which no Forward reads
				}
			}
		})
	}
	wg.Wait()
}
