package nn

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/chainrule-go/chainrule/tensor"
)

// of is tensor.Of in float64, for numbers worked by hand.
func of(data []float64, shape ...int) *tensor.Tensor[float64] { return tensor.Of(data, shape...) }

// training returns a Pass that keeps.
func training[T tensor.Float]() *Pass[T] { return &Pass[T]{Train: true, Keep: true} }

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }

// random returns a tensor of normal numbers.
func random[T tensor.Float](rng *rand.Rand, shape ...int) *tensor.Tensor[T] {
	x := tensor.New[T](shape...)
	for i := range x.Data {
		x.Data[i] = T(rng.NormFloat64())
	}
	return x
}

// sameBits fails unless got has the shape and the bits of want; all NaN are
// one.
func sameBits[T tensor.Float](t *testing.T, what string, got, want *tensor.Tensor[T]) {
	t.Helper()
	if !slices.Equal(got.Shape, want.Shape) {
		t.Fatalf("%s has the shape %v, want %v", what, got.Shape, want.Shape)
	}
	for i, v := range got.Data {
		w := want.Data[i]
		if v != w && (v == v || w == w) || v == 0 && math.Signbit(float64(v)) != math.Signbit(float64(w)) {
			t.Fatalf("%s: element %v is %v, want %v\n got %v\nwant %v", what, want.Index(i), v, w, got, want)
		}
	}
}

// near fails unless got is within tol of want, relatively to the larger of 1
// and |want|.
func near(t *testing.T, what string, got, want, tol float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tol*max(1, math.Abs(want))) {
		t.Errorf("%s = %.17g, want %.17g within %g", what, got, want, tol)
	}
}

func mustPanic(t *testing.T, want string, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if got := fmt.Sprint(recover()); !strings.Contains(got, want) {
			t.Errorf("panic %q, want one with %q", got, want)
		}
	}()
	f()
}

// mustShapeError is mustPanic for the text of a *tensor.ShapeError.
func mustShapeError(t *testing.T, want string, f func()) {
	t.Helper()
	defer func() {
		t.Helper()
		v := recover()
		if e, ok := v.(*tensor.ShapeError); !ok || e.Error() != want {
			t.Errorf("panic %v (%T), want the *tensor.ShapeError %q", v, v, want)
		}
	}()
	f()
}

// withProcs sets GOMAXPROCS for the length of a test.
func withProcs(t *testing.T, n int) {
	old := runtime.GOMAXPROCS(n)
	t.Cleanup(func() { runtime.GOMAXPROCS(old) })
}

// opaque hides what a layer can do besides being a Layer, and counts calls.
type opaque[T tensor.Float] struct {
	Layer[T]
	forward, backward int
}

func (l *opaque[T]) Forward(p *Pass[T], x *tensor.Tensor[T]) *tensor.Tensor[T] {
	l.forward++
	return l.Layer.Forward(p, x)
}

func (l *opaque[T]) Backward(p *Pass[T], dy *tensor.Tensor[T]) *tensor.Tensor[T] {
	l.backward++
	return l.Layer.Backward(p, dy)
}

// failing panics with what it is given.
type failing struct {
	Layer[float64]
	with any
}

func (l failing) Forward(*Pass[float64], *tensor.Tensor[float64]) *tensor.Tensor[float64] {
	panic(l.with)
}
