package gradcheck

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"unicode"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// gradients compares all gradients of a batch. It also checks that arguments are not
// modified, that Backward adds to Grad, and that the same bits come again.
func (k *check) gradients() {
	t := k.setup(batch)
	again := k.setup(batch)
	x, dy, y := t.x.Clone(), t.dy.Clone(), t.y.Clone()
	k.stays(SameBits, "y", again.y, y, "Forward: the same layer and input give other bits")
	k.stays(XUnmodified, "x", t.x, t.drawn, "Forward modifies x")
	if !guarded(t.x) {
		k.fail(XUnmodified, "Forward writes behind x, as append(x.Data, ...) does: x may be a part of a larger array")
	}
	k.changes(t, "Forward", true)

	t.backward()
	again.backward()
	dx := t.dx.Clone()
	switch {
	case !k.stays(XUnmodified, "x", t.x, x, "Backward modifies x"):
	case !guarded(t.x):
		k.fail(XUnmodified, "Backward writes behind x, as append(x.Data, ...) does: x may be a part of a larger array")
	case !guarded(t.dy):
		k.fail(DYUnmodified, "Backward writes behind dy, as append(dy.Data, ...) does: dy may be a part of a larger array")
	case !k.stays(DYUnmodified, "dy", t.dy, dy, "Backward modifies dy"):
	case !k.stays(YUnmodified, "y", t.y, y, "Backward modifies y, which the next layer may still hold"):
	default:
		k.stays(SameBits, "dx", again.dx, dx, "Backward: the same layer and input give other bits")
	}
	if len(k.Broken) == 0 {
		k.changes(t, "Backward", false)
	}
	k.compare(t, "", "")
	k.unused(t)
	k.show(t)

	k.run(SecondBackward, "a second Backward of the same step", func() {
		k.stays(SecondBackward, "dx", t.layer.Backward(t.pass, t.dy), dx, "a second Backward of the same step returns another dx")
	})

	t, again = k.setup(batch), k.setup(batch)
	if l, ok := again.layer.(nn.ParamsBackward[float64]); ok {
		t.layer.Backward(t.pass, t.dy)
		l.BackwardParams(again.pass, again.dy)
		for i, p := range t.layer.Params() {
			if !same(p.Grad, again.layer.Params()[i].Grad) {
				k.fail(Modes, "BackwardParams and Backward differ in %s", p.Name)
			}
		}
	}
}

// stays reports whether an array has the bits in want; if not, it adds a failure.
func (k *check) stays(clause Clause, name string, got, want *tensor.Tensor[float64], what string) bool {
	d, differs := differ(result[float64]{y: got}, result[float64]{y: want}, nil, 0)
	if differs {
		f := d.failure(clause, what)
		f.Array = name
		k.Broken = append(k.Broken, f)
	}
	return !differs
}

// kinks moves elements of x to places where the layer is not differentiable, and counts all
// kinks.
func (k *check) kinks() {
	if k.Case.Kinks == nil {
		return
	}
	moved := 0
	t := k.setup(batch, func(t *trial) { moved = k.Case.Kinks(t.x) })
	t.backward()
	k.compare(t, "at kinks ", AtKinks)
	found, f := 0, t.objective(nil)
	for i := range t.x.Data {
		if f.lookAt(&t.x.Data[i]).kink {
			found++
		}
	}
	if found != moved {
		k.fail(AtKinks, "Case.Kinks says that %d elements of x are at a kink, and %d kinks were found", moved, found)
	}
}

// one checks a batch of one sample, or that it is refused.
func (k *check) one() {
	if k.RefusesOne {
		k.refused(k.New(rng()), "a batch of one in training", true, func() { k.setup(1) })
		return
	}
	t := k.setup(1)
	t.backward()
	k.changes(t, "Backward", false)
	k.compare(t, "N=1 ", Sizes)
}

// empty checks that a batch of no samples is refused, or changes nothing.
func (k *check) empty() {
	if _, refused := panicOf(func() { k.setup(0) }).(*tensor.ShapeError); refused {
		return
	}
	t := k.setup(0)
	if len(t.y.Shape) == 0 || t.y.Shape[0] != 0 {
		k.fail(Sizes, "N=0: y is %s, want one without samples", tensor.FormatShape(t.y.Shape))
		return
	}
	t.backward()
	if !slices.Equal(t.dx.Shape, t.x.Shape) {
		k.fail(Sizes, "N=0: dx is %s, want %s, the shape of x", tensor.FormatShape(t.dx.Shape), tensor.FormatShape(t.x.Shape))
	}
	for i, p := range t.layer.Params() {
		if slices.ContainsFunc(t.gradient[i], func(g float64) bool { return g != 0 }) {
			k.fail(Sizes, "N=0: Backward adds to %s", p.Name)
		}
	}
}

// evaluation checks that Forward without Keep does not change what a pending Backward needs.
func (k *check) evaluation() {
	t := k.setup(batch)
	want := k.setup(batch)
	want.backward()

	other := tensor.New[float64](append([]int{batch + 1}, k.Sample...)...)
	k.draw(other, rand.New(rand.NewPCG(6, 6)))
	for range 2 {
		t.layer.Forward(nil, other)
		t.layer.Forward(&nn.Pass[float64]{Threads: 1}, other)
		t.layer.Forward(&nn.Pass[float64]{Train: true, Threads: 1}, other)
	}
	const writes = "Forward without Keep writes state: the pending Backward "
	if e := panicOf(t.backward); e != nil {
		k.fail(Modes, writes+"panics: %v", e)
		return
	}
	if !same(t.dx, want.dx) || !slices.EqualFunc(t.gradient, want.gradient, slices.Equal[[]float64]) {
		k.fail(Modes, writes+"gives other gradients")
	}
}

// misuse checks that the layer panics with its name when a program uses it wrongly.
func (k *check) misuse() {
	t := k.setup(batch)
	for _, shape := range k.Refuses {
		e := k.refused(t.layer, "x of shape "+tensor.FormatShape(shape), true, func() { t.layer.Forward(nil, tensor.New[float64](shape...)) })
		if e, ok := e.(*tensor.ShapeError); ok && !slices.Equal(e.Got, shape) {
			k.fail(Refusals, "Forward refuses x of shape %s as %v", tensor.FormatShape(shape), e)
		}
	}
	long := tensor.New[float64](append(slices.Clone(t.dy.Shape), 3)...)
	k.refused(t.layer, "a dy of another shape than y", true, func() { t.layer.Backward(t.pass, long) })
	early := k.New(rng())
	k.refused(early, "Backward before Forward", false, func() { early.Backward(t.pass, t.dy) })
	k.refused(t.layer, "Backward with another Pass", false, func() { t.layer.Backward(&nn.Pass[float64]{Train: true, Keep: true}, t.dy) })
	t.pass.Reset()
	k.refused(t.layer, "Backward after Reset", false, func() { t.layer.Backward(t.pass, t.dy) })
	t.pass.Keep = false
	t.layer.Forward(t.pass, t.x)
	k.refused(t.layer, "Backward after a Forward without Keep", false, func() { t.layer.Backward(t.pass, t.dy) })
}

// refused checks that f, which uses l wrongly, panics and names the layer; with a
// *tensor.ShapeError if a shape is wrong. It returns the value of the panic.
func (k *check) refused(l nn.Layer[float64], mistake string, shape bool, f func()) (e any) {
	want := "save what Backward needs in an nn.Saved, whose Get refuses it"
	if shape {
		want = "want a *tensor.ShapeError; for dy, nn.CheckShape(l, dy, shapeOfY) at the start of Backward does that"
	}
	location, types := "", []string(nil)
	func() {
		defer func() {
			if e = recover(); e != nil {
				location, types = culprit(), receivers()
			}
		}()
		f()
	}()
	_, isShape := e.(*tensor.ShapeError)
	switch _, crash := e.(runtime.Error); {
	case e == nil:
		k.fail(Refusals, "%s is not refused: %s", mistake, want)
	case crash || shape && !isShape:
		k.fail(Refusals, "%s is not refused, but panics: %v%s: %s", mistake, e, location, want)
	case !names(l, types, fmt.Sprint(e)):
		k.fail(Refusals, "%s is refused without the layer's name: %v", mistake, e)
	}
	return e
}

// names reports whether a message names the layer, or a layer inside it: one of the types whose
// methods panicked.
func names(l nn.Layer[float64], types []string, message string) bool {
	all := types
	for _, inner := range append([]nn.Layer[float64]{l}, held(l)...) {
		name := nn.Kind(inner)
		if s, ok := inner.(fmt.Stringer); ok {
			name = s.String()
		}
		all = append(all, strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) })...)
	}
	return slices.ContainsFunc(all, func(word string) bool { return strings.Contains(message, word) })
}

// same reports whether two tensors have the same shape and the same bits.
func same(a, b *tensor.Tensor[float64]) bool {
	return slices.Equal(a.Shape, b.Shape) && slices.EqualFunc(a.Data, b.Data, func(a, b float64) bool {
		return math.Float64bits(a) == math.Float64bits(b)
	})
}

func panicOf(f func()) (e any) {
	defer func() { e = recover() }()
	f()
	return nil
}
