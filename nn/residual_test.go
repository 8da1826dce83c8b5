package nn

import (
	"testing"

	"github.com/chainrule-go/chainrule/tensor"
)

// By hand: body 2x + 1, shortcut x.
func TestResidual(t *testing.T) {
	body := AffineOf(&Param[float64]{"W", of([]float64{2}, 1, 1), of([]float64{0}, 1, 1)}, &Param[float64]{"b", of([]float64{1}, 1), of([]float64{0}, 1)})
	l, p := NewResidual[float64](body, nil), training[float64]()
	sameBits(t, "y", l.Forward(p, of([]float64{3, 5}, 2, 1)), of([]float64{10, 16}, 2, 1))
	sameBits(t, "dx", l.Backward(p, of([]float64{1, -10}, 2, 1)), of([]float64{3, -30}, 2, 1))
	sameBits(t, "dW", body.W.Grad, of([]float64{3 - 50}, 1, 1))
	if want := "Residual(Affine(1->1), Identity)"; l.String() != want {
		t.Errorf("String is %q, want %q", l, want)
	}
}

// containers are a Residual and a Concat of two Affines that share b, for x (N, 4).
func containers() map[string]Layer[float64] {
	pair := func() (a, b Layer[float64]) {
		rng := newRand(3)
		first, second := NewAffine[float64](4, 5, rng), NewAffine[float64](4, 5, rng)
		return first, AffineOf(second.W, first.B)
	}
	a, b := pair()
	c, d := pair()
	return map[string]Layer[float64]{
		"Residual": NewResidual(a, b),
		"Concat":   NewConcat(c, NewSequential(d), NewReLU[float64]()),
	}
}

// BackwardParams adds what Backward adds, and computes no dx; a shared parameter is
// one parameter.
func TestContainersBackwardParams(t *testing.T) {
	for name, l := range containers() {
		t.Run(name, func(t *testing.T) {
			if n := len(l.Params()); n != 3 {
				t.Fatalf("%d parameters, want 3: b is shared", n)
			}
			p := training[float64]()
			y := l.Forward(p, random[float64](newRand(4), 3, 4))
			dy := random[float64](newRand(5), y.Shape...)
			l.Backward(p, dy)
			var want []*tensor.Tensor[float64]
			for _, param := range l.Params() {
				want = append(want, param.Grad.Clone())
				clear(param.Grad.Data)
			}
			l.(ParamsBackward[float64]).BackwardParams(p, dy)
			for i, param := range l.Params() {
				sameBits(t, param.Name, param.Grad, want[i])
			}
		})
	}
}

// A layer that only knows Backward, and one without parameters, inside a container
// whose dx nobody wants.
func TestContainersSkipWhatNobodyWants(t *testing.T) {
	affine, sigmoid := &opaque[float64]{Layer: NewAffine[float64](4, 4, newRand(6))}, &opaque[float64]{Layer: NewSigmoid[float64]()}
	l, p := NewResidual[float64](affine, sigmoid), training[float64]()
	l.Forward(p, ones(2, 4))
	l.BackwardParams(p, ones(2, 4))
	if affine.backward != 1 || sigmoid.backward != 0 {
		t.Errorf("Backward ran %d times with parameters and %d times without, want 1 and 0", affine.backward, sigmoid.backward)
	}
}

func TestContainersRefuse(t *testing.T) {
	affine := func(in, out int) Layer[float64] { return NewAffine[float64](in, out, newRand(1)) }
	relu := NewReLU[float64]()
	mustPanic(t, "nn: Residual: body: want a layer, got nil", func() { NewResidual[float64](nil, relu) })
	mustPanic(t, "nn: Residual: body and shortcut are the same layer", func() { NewResidual[float64](relu, relu) })
	mustPanic(t, "nn: Concat: ReLU1 and Sequential1.ReLU1 are the same layer", func() { NewConcat(relu, Layer[float64](NewSequential[float64](relu))) })
	mustPanic(t, "nn: Concat: branches: want one or more, got none", func() { NewConcat[float64]() })
	mustShapeError(t, "Residual(Affine(4->5), Identity).Forward: the result of the body: want (2, 4), the shape of the result of the shortcut, got (2, 5)", func() {
		NewResidual(affine(4, 5), nil).Forward(nil, ones(2, 4))
	})
	mustShapeError(t, "Concat(Identity, Flatten).Forward: the result of Flatten1: want (2, 3, 4) with any length of axis 1, as the result of Identity1, got (2, 12)", func() {
		NewConcat(nil, Layer[float64](NewFlatten[float64]())).Forward(nil, ones(2, 3, 4))
	})
	mustShapeError(t, "Concat(Identity).Forward: the result of Identity1: want (N, C) or (N, C, ...), got (5)", func() {
		NewConcat[float64](nil).Forward(nil, ones(5))
	})
	for name, l := range containers() {
		t.Run(name, func(t *testing.T) {
			mustPanic(t, ".Backward before a Forward that saves", func() { l.Backward(training[float64](), ones(2, 14)) })
			p := training[float64]()
			l.Forward(p, ones(2, 4))
			mustPanic(t, "the shape of y, got (2, 3)", func() { l.Backward(p, ones(2, 3)) })
		})
	}
}
