package nn

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/chainrule-go/chainrule/tensor"
)

// scale is a layer as a program of its own would write it, with state and a layer
// inside.
type scale[T tensor.Float] struct {
	features int
	factor   *Param[T]
	seen     *tensor.Tensor[T]
	body     Layer[T]
	params   []*Param[T]
}

func init() { Register[scale[float32], scale[float64]]("test.scale") }

func newScale[T tensor.Float](features int, body Layer[T]) *scale[T] {
	l := &scale[T]{features: features, body: body}
	MustBuild(l)
	return l
}

func (l *scale[T]) Fields(f *Fields[T]) {
	f.Size("features", &l.features)
	f.Param("factor", &l.factor, l.features)
	f.State("seen", &l.seen, l.features)
	f.Layer("body", &l.body)
	f.Params(&l.params)
}

func (l *scale[T]) Forward(p *Pass[T], x *tensor.Tensor[T]) *tensor.Tensor[T] {
	return l.body.Forward(p, x)
}
func (l *scale[T]) Backward(p *Pass[T], dy *tensor.Tensor[T]) *tensor.Tensor[T] {
	return l.body.Backward(p, dy)
}
func (l *scale[T]) Params() []*Param[T] { return l.params }

// nested is a network with a layer in a layer, and one weight in two places.
func nested(rng *rand.Rand) (*Sequential[float32], *Affine[float32]) {
	affine := NewAffine[float32](3, 3, rng)
	tied := AffineOf(affine.W, NewParam[float32]("b", 3))
	return NewSequential[float32](affine, NewSequential[float32](newScale[float32](3, tied), NewReLU[float32]()), NewDropout[float32](0.5, rng)), affine
}

func TestWalk(t *testing.T) {
	net, _ := nested(newRand(64))
	var got []string
	for path, l := range Walk[float32](net) {
		got = append(got, fmt.Sprintf("%v=%s", path, Kind(l)))
	}
	want := []string{"=Sequential", "Affine1=Affine", "Sequential1=Sequential", "Sequential1.scale1=scale",
		"Sequential1.scale1.body=Affine", "Sequential1.ReLU1=ReLU", "Dropout1=Dropout"}
	if !slices.Equal(got, want) {
		t.Errorf("walked\n%v, want\n%v", got, want)
	}
	n := 0
	for range Walk[float32](net) {
		if n++; n == 3 {
			break
		}
	}
	if n != 3 {
		t.Errorf("%d layers after a break at the third", n)
	}
}

func TestStates(t *testing.T) {
	net := NewSequential[float32](NewBatchNorm[float32](3), NewSequential[float32](NewReLU[float32](), NewBatchNorm[float32](2)))
	var got []string
	for path, state := range States[float32](net) {
		got = append(got, fmt.Sprint(path, " ", len(state.Data)))
	}
	want := []string{"BatchNorm1.mean 3", "BatchNorm1.var 3", "Sequential1.BatchNorm1.mean 2", "Sequential1.BatchNorm1.var 2"}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	n := 0
	for range States[float32](net) {
		if n++; n == 1 {
			break
		}
	}
	if n != 1 {
		t.Errorf("%d arrays after a break at the first", n)
	}
}

func TestParamNames(t *testing.T) {
	net, affine := nested(newRand(65))
	want := []string{"Affine1.W", "Affine1.b", "Sequential1.scale1.factor", "Sequential1.scale1.body.b"}
	if got := ParamNames[float32](net); !slices.Equal(got, want) {
		t.Errorf("names %v, want %v", got, want)
	}
	if got := ParamNames[float32](affine); !slices.Equal(got, []string{"W", "b"}) {
		t.Errorf("names of one layer %v, want W and b", got)
	}
}

// A copy has the bits of the original, shares nothing with it, and shares inside what
// the original shares.
func TestClone(t *testing.T) {
	net, affine := nested(newRand(66))
	inner := net.layers[1].Layer.(*Sequential[float32]).layers[0].Layer.(*scale[float32])
	copy(inner.seen.Data, []float32{7, 8, 9})
	clone, err := Clone[float32](net)
	if err != nil {
		t.Fatal(err)
	}
	twin := clone.(*Sequential[float32])
	x := random[float32](newRand(67), 4, 3)
	pass := func() *Pass[float32] { return &Pass[float32]{Train: true, Step: 5} }
	want := net.Forward(pass(), x)
	if got := twin.Forward(pass(), x); !slices.Equal(got.Data, want.Data) {
		t.Error("the copy computes something else in training: the key of Dropout is not copied")
	}
	innerTwin := twin.layers[1].Layer.(*Sequential[float32]).layers[0].Layer.(*scale[float32])
	if !slices.Equal(innerTwin.seen.Data, inner.seen.Data) || &innerTwin.seen.Data[0] == &inner.seen.Data[0] {
		t.Errorf("the state of the copy is %v, want a copy of %v", innerTwin.seen, inner.seen)
	}
	if twin.layers[0].Layer.(*Affine[float32]).W != innerTwin.body.(*Affine[float32]).W {
		t.Error("the weight that two layers share is two in the copy")
	}
	if len(twin.Params()) != len(net.Params()) {
		t.Errorf("%d parameters, want %d", len(twin.Params()), len(net.Params()))
	}
	affine.W.Value.Data[0]++
	if got := twin.Forward(pass(), x); !slices.Equal(got.Data, want.Data) {
		t.Error("a change of the original changes the copy")
	}
}

func TestConvertIsExactThereAndBack(t *testing.T) {
	net, _ := nested(newRand(68))
	double, err := Convert[float64](Layer[float32](net))
	if err != nil {
		t.Fatal(err)
	}
	back, err := Convert[float32](double)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range net.Params() {
		if q := back.Params()[i]; q.Name != p.Name || !slices.Equal(q.Value.Data, p.Value.Data) || q.Grad == nil {
			t.Errorf("%s is %v after both conversions, was %v", p.Name, q.Value, p.Value)
		}
	}
}

// loose has a parameter that no field names.
type loose struct {
	ReLU[float32]
	params []*Param[float32]
}

func newLoose() *loose { return &loose{params: []*Param[float32]{NewParam[float32]("w", 1)}} }

func (l *loose) Params() []*Param[float32] { return l.params }

type loose64 struct{ ReLU[float64] }

func TestCloneRefuses(t *testing.T) {
	_, err := Clone[float32](NewSequential[float32](NewSequential[float32](newLoose())))
	if err == nil || !strings.Contains(err.Error(), `layer "Sequential1.loose1": want one of the kinds Affine`) || !strings.Contains(err.Error(), "nn.Register") {
		t.Errorf("an unknown kind: %v", err)
	}
	Register[loose, loose64]("test.loose")
	_, err = Clone[float32](newLoose())
	if err == nil || !strings.Contains(err.Error(), "a test.loose has parameters, but no method Fields that names them") {
		t.Errorf("a kind without fields: %v", err)
	}
	mustPanic(t, `nn: Register: the name "test.scale" is empty or taken`, func() { Register[other, other64]("test.scale") })
	mustPanic(t, `nn: Register: the name "" is empty`, func() { Register[other, other64]("") })
	mustPanic(t, `nn: Register: "test.embedded": the method Fields of a new *nn.embedded[float32] panics`, func() {
		Register[embedded[float32], embedded[float64]]("test.embedded")
	})
	mustPanic(t, "its type is registered already", func() { Register[other, loose64]("test.other") })
}

// embedded has the method Fields of a pointer that is nil in a new layer.
type embedded[T tensor.Float] struct{ *Affine[T] }

type other struct{ ReLU[float32] }
type other64 struct{ ReLU[float64] }

// What a constructor refuses is a panic that names the field.
func TestConstructorsRefuse(t *testing.T) {
	for _, c := range []struct {
		name string
		make func()
		want string
	}{
		{"no inputs", func() { NewAffine[float32](0, 3, newRand(1)) }, "nn: Affine: in: want an integer of 1 or more, got 0"},
		{"too many elements", func() { NewAffine[float32](math.MaxInt, math.MaxInt, newRand(1)) }, "nn: Affine: W: want a number of elements that fits an integer"},
		{"no body", func() { newScale[float32](3, nil) }, "nn: scale: body: want a layer, got nil"},
		{"no features", func() { newScale[float32](-1, NewReLU[float32]()) }, "nn: scale: features: want an integer of 1 or more, got -1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			defer func() {
				err, _ := recover().(error)
				var e *FieldError
				if !errors.As(err, &e) || !strings.Contains(err.Error(), c.want) {
					t.Errorf("panic %v, want %q", err, c.want)
				}
			}()
			c.make()
		})
	}
}

// odd is a layer whose fields are what a test makes them.
type odd[T tensor.Float] struct {
	ReLU[T]
	n      int
	w      *Param[T]
	state  *tensor.Tensor[T]
	inner  Layer[T]
	inners []Named[T]
	params []*Param[T]
	fields func(l *odd[T], f *Fields[T])
}

func (l *odd[T]) Fields(f *Fields[T]) {
	if l.fields != nil {
		l.fields(l, f)
	} else if l.n == 0 { // a copy that is built
		f.Int("n", &l.n, 0, 9)
	}
}
func (l *odd[T]) Params() []*Param[T] { return l.params }

func init() { Register[odd[float32], odd[float64]]("test.odd") }

// A layer whose fields contradict each other is refused, with a message that says how.
func TestCloneRefusesFields(t *testing.T) {
	w := NewParam[float32]("w", 2)
	for _, c := range []struct {
		name   string
		layer  odd[float32]
		fields func(l *odd[float32], f *Fields[float32])
		want   string
	}{
		{"an empty name", odd[float32]{n: 1}, func(l *odd[float32], f *Fields[float32]) { f.Size("", &l.n) },
			"the name of a field: want a name, got an empty one"},
		{"a dot", odd[float32]{n: 1}, func(l *odd[float32], f *Fields[float32]) { f.Size("a.b", &l.n) },
			"the name of a field: want a name without a dot"},
		{"the name of the kind", odd[float32]{n: 1}, func(l *odd[float32], f *Fields[float32]) { f.Size("kind", &l.n) },
			"nn: odd: kind: want another name"},
		{"the name of the name", odd[float32]{n: 1}, func(l *odd[float32], f *Fields[float32]) { f.Size("name", &l.n) },
			"nn: odd: name: want another name"},
		{"a name twice", odd[float32]{n: 1}, func(l *odd[float32], f *Fields[float32]) { f.Size("n", &l.n); f.Int("n", &l.n, 0, 9) },
			"nn: odd: n: want one field of this name, got two"},
		{"a path twice", odd[float32]{inner: NewReLU[float32](), inners: []Named[float32]{{"body", NewReLU[float32]()}}},
			func(l *odd[float32], f *Fields[float32]) { f.Layer("body", &l.inner); f.Layers("layers", &l.inners) },
			`nn: odd: layers: the name of layer 0: want one that no layer before has, got "body"`},
		{"no parameter", odd[float32]{}, func(l *odd[float32], f *Fields[float32]) { f.Param("w", &l.w, 2) },
			"nn: odd: w: want an array of shape (2), got nil"},
		{"no value", odd[float32]{w: &Param[float32]{}}, func(l *odd[float32], f *Fields[float32]) { f.Param("w", &l.w, 2) },
			"nn: odd: w: want an array of shape (2), got nil"},
		{"no state", odd[float32]{}, func(l *odd[float32], f *Fields[float32]) { f.State("mean", &l.state, 2) },
			"nn: odd: mean: want an array of shape (2), got nil"},
		{"no layer", odd[float32]{}, func(l *odd[float32], f *Fields[float32]) { f.Layer("body", &l.inner) },
			"nn: odd: body: want a layer, got nil"},
		{"a parameter that is no field", odd[float32]{n: 1, params: []*Param[float32]{w}}, func(l *odd[float32], f *Fields[float32]) { f.Size("n", &l.n) },
			`a test.odd has the parameter "w", which neither its method Fields names`},
		{"fewer fields when built", odd[float32]{n: 1}, func(l *odd[float32], f *Fields[float32]) { f.Int("n", &l.n, 0, 9); f.Int("m", &l.n, 0, 9) },
			"nn: test.odd: m: want the method Fields to name the same fields in the same order every time"},
		{"more fields when built", odd[float32]{n: -1}, func(l *odd[float32], f *Fields[float32]) {},
			"nn: odd: n: want the method Fields to name the same fields in the same order every time"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := &c.layer
			l.fields = c.fields
			_, err := Clone[float32](NewSequential[float32](l))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want it to say %s", err, c.want)
			}
		})
	}
}

// A layer without a String prints its kind and settings.
func TestDescribe(t *testing.T) {
	net, _ := nested(newRand(1))
	const want = "Sequential(Affine(3->3), Sequential(scale(features=3, Affine(3->3)), ReLU), Dropout(0.5))"
	if got := net.String(); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
