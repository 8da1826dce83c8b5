package nn

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/chainrule-go/chainrule/tensor"
)

// Sequential is a chain of layers, itself a Layer.
//
//	forward   x → layer 1 → layer 2 → ... → y
//	backward  dx ← layer 1 ← layer 2 ← ... ← dy
//
// Some neighbors are computed together, to the same bits: an Affine and the ReLU after it;
// a Convolution, the ReLU after it, and the MaxPool after that. Less memory is read and
// written. A prediction (a Pass without Keep) computes such convolutions that follow each
// other image by image, from a copy of their weights in another order. The Pass has the copy,
// and checks in each Forward that the weights are still the same: predict with the same Pass
// again. [Pass.Unfused] runs the layers one by one.
type Sequential[T tensor.Float] struct {
	layers  []Named[T]
	params  []*Param[T]
	given   plan[T]        // the layers as given
	fused   plan[T]        // what runs in their place
	chained []forwarder[T] // and to predict
}

// plan is a chain of layers in the form in which it runs.
type plan[T tensor.Float] struct {
	layers []Layer[T]
	first  int // index of the first layer with parameters; len(layers) if there is none
}

func newPlan[T tensor.Float](layers []Layer[T]) plan[T] {
	first := slices.IndexFunc(layers, func(l Layer[T]) bool { return len(l.Params()) > 0 })
	if first < 0 {
		first = len(layers)
	}
	return plan[T]{layers, first}
}

func (s *Sequential[T]) plan(p *Pass[T]) *plan[T] {
	if p != nil && p.Unfused {
		return &s.given
	}
	return &s.fused
}

// Named is a layer and its name in a container, such as a [Sequential] or a [Concat].
type Named[T tensor.Float] struct {
	Name  string
	Layer Layer[T]
}

// NewSequential chains layers. They are named by kind and number, as in the
// book: Affine1, ReLU1, Affine2. It panics as [NewNamed] does.
func NewSequential[T tensor.Float](layers ...Layer[T]) *Sequential[T] {
	return NewNamed(numbered(layers)...)
}

// numbered names layers by kind and number.
func numbered[T tensor.Float](layers []Layer[T]) []Named[T] {
	named := make([]Named[T], len(layers))
	count := map[string]int{}
	for i, l := range layers {
		if l == nil {
			continue // Fields.Layers refuses it
		}
		kind := Kind(l)
		count[kind]++
		named[i] = Named[T]{fmt.Sprint(kind, count[kind]), l}
	}
	return named
}

// NewNamed chains layers with the given names. It panics with a *[FieldError] if a layer is
// nil, or if a name is refused by [CheckName] or used twice. It also panics if the same layer
// occurs twice, at any depth: its second Forward would overwrite what the first saved. Two
// layers may share their parameters instead ([AffineOf]).
func NewNamed[T tensor.Float](layers ...Named[T]) *Sequential[T] {
	s := &Sequential[T]{layers: slices.Clone(layers)}
	MustBuild(s)
	mustDiffer(s)
	return s
}

// mustDiffer panics if the same layer occurs in a container twice.
func mustDiffer[T tensor.Float](container Layer[T]) {
	if first, second, twice := sameTwice(container); twice {
		panic(fmt.Sprintf("nn: %s: %s and %s are the same layer; make a second one that shares its parameters", Kind(container), first, second))
	}
}

func (s *Sequential[T]) Fields(f *Fields[T]) {
	f.Layers("layers", &s.layers)
	f.Params(&s.params)
	if !f.Building() {
		return
	}
	given := make([]Layer[T], len(s.layers))
	for i, l := range s.layers {
		given[i] = l.Layer
	}
	s.given, s.fused = newPlan(given), newPlan(fuse(given))
	s.chained = chainConvolutions(s.fused.layers)
}

// sameTwice returns two paths to the same layer in root, if there are any.
func sameTwice[T tensor.Float](root Layer[T]) (first, second string, twice bool) {
	seen := map[Layer[T]]bool{}
	for path, l := range Walk(root) {
		// Only pointers to types with a size are compared: a layer of size 0 saves nothing
		// that a second Forward could overwrite.
		if t := reflect.TypeOf(l); t.Kind() != reflect.Pointer || t.Elem().Size() == 0 {
			continue
		}
		if seen[l] {
			return pathOf(root, l), path.String(), true
		}
		seen[l] = true
	}
	return "", "", false
}

// pathOf returns the path of the first occurrence of l in root.
func pathOf[T tensor.Float](root, l Layer[T]) string {
	for path, other := range Walk(root) {
		if reflect.TypeOf(other).Kind() == reflect.Pointer && other == l {
			return path.String()
		}
	}
	return ""
}

// Layers returns the layers in order, with their names. The slice is shared: do not change it.
func (s *Sequential[T]) Layers() []Named[T] { return s.layers }

func (s *Sequential[T]) Forward(p *Pass[T], x *tensor.Tensor[T]) *tensor.Tensor[T] {
	if p.predicts() {
		for _, l := range s.chained {
			x = l.Forward(p, x)
		}
		return x
	}
	for _, l := range s.plan(p).layers {
		x = l.Forward(p, x)
		p.observed(l, true, x)
	}
	return x
}

func (s *Sequential[T]) Backward(p *Pass[T], dy *tensor.Tensor[T]) *tensor.Tensor[T] {
	for _, l := range slices.Backward(s.plan(p).layers) {
		dy = l.Backward(p, dy)
		p.observed(l, false, dy)
	}
	return dy
}

// BackwardParams is Backward without dx. It stops at the first layer that has parameters.
func (s *Sequential[T]) BackwardParams(p *Pass[T], dy *tensor.Tensor[T]) {
	plan := s.plan(p)
	for i, l := range slices.Backward(plan.layers) {
		if i < plan.first {
			return
		}
		if pb, ok := l.(ParamsBackward[T]); ok && i == plan.first {
			pb.BackwardParams(p, dy)
			return
		}
		dy = l.Backward(p, dy)
		p.observed(l, false, dy)
	}
}

// Params returns the parameters of all layers in order. A shared parameter occurs once.
func (s *Sequential[T]) Params() []*Param[T] { return s.params }

func (s *Sequential[T]) String() string {
	return "Sequential" + describeAll(s.layers)
}
