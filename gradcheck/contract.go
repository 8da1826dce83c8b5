package gradcheck

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// gradients compares all gradients of a batch, and holds the two directions to
// what they promise: arguments unmodified, Grad added to, the same bits again.
func (k *check) gradients() {
	t := k.setup(batch)
	again := k.setup(batch)
	x, dy, y := t.x.Clone(), t.dy.Clone(), t.y.Clone()
	if !same(y, again.y) {
		k.fail("Forward: the same layer and input give other bits")
	}
	if !same(x, t.drawn) {
		k.fail("Forward modifies x")
	}
	var values [][]float64
	for _, p := range t.layer.Params() {
		values = append(values, slices.Clone(p.Value.Data))
	}

	t.backward()
	again.backward()
	dx := t.dx.Clone()
	switch {
	case !same(t.x, x):
		k.fail("Backward modifies x")
	case !same(t.dy, dy):
		k.fail("Backward modifies dy")
	case !same(t.y, y):
		k.fail("Backward modifies y, which the next layer may still hold")
	case !same(dx, again.dx):
		k.fail("Backward: the same layer and input give other bits")
	}
	for i, p := range t.layer.Params() {
		if !slices.Equal(p.Value.Data, values[i]) {
			k.fail("Backward changes the value of %s", p.Name)
		}
	}
	k.compare(t, "")

	// Once more in the same step, from a Grad that is not 0: the same gradients are
	// added to it.
	var before [][]float64
	for _, p := range t.layer.Params() {
		fill(p.Grad, rand.New(rand.NewPCG(7, seed)))
		before = append(before, slices.Clone(p.Grad.Data))
	}
	if !same(t.layer.Backward(t.pass, t.dy), dx) {
		k.fail("a second Backward returns another dx")
	}
	for i, p := range t.layer.Params() {
		for j, g := range p.Grad.Data {
			added, want := g-before[i][j], t.gradient[i][j]
			// What was in Grad is taken off again, which rounds.
			if math.Abs(added-want) > 1e-12*(1+math.Abs(want)) {
				k.fail("a second Backward adds %v to %s%v, the first %v", added, p.Name, p.Value.Index(j), want)
				break
			}
		}
	}

	t, again = k.setup(batch), k.setup(batch)
	if l, ok := again.layer.(nn.ParamsBackward[float64]); ok {
		t.layer.Backward(t.pass, t.dy)
		l.BackwardParams(again.pass, again.dy)
		for i, p := range t.layer.Params() {
			if !same(p.Grad, again.layer.Params()[i].Grad) {
				k.fail("BackwardParams and Backward differ in %s", p.Name)
			}
		}
	}
}

// reuse runs a second step on the memory of the first, as training does: all of
// it is lent again, and what it holds is not 0.
func (k *check) reuse() {
	t := k.setup(batch)
	t.backward()
	y, dx := t.y.Clone(), t.dx.Clone()
	for _, lent := range []*tensor.Tensor[float64]{t.y, t.dx} {
		for i := range lent.Data {
			lent.Data[i] = math.NaN()
		}
	}
	t.pass.Reset()
	if !same(t.layer.Forward(t.pass, t.x), y) {
		k.fail("Forward gives other bits in a second step: it counts on fresh memory, or on the step before")
	}
	if !same(t.layer.Backward(t.pass, t.dy), dx) {
		k.fail("Backward gives other bits in a second step: it counts on fresh memory, or on the step before")
	}
}

// kinks puts every third element of x at a kink, and counts them all.
func (k *check) kinks() {
	for _, kink := range k.Case.Kinks {
		planted := 0
		t := k.setup(batch, func(t *trial) {
			for i := 0; i < len(t.x.Data); i += 3 {
				t.x.Data[i] = kink
				planted++
			}
		})
		t.backward()
		before := k.Report.Kinks()
		k.compare(t, fmt.Sprintf("at kinks (%g) ", kink))
		if found := k.Report.Kinks() - before; found != planted {
			k.fail("x is %g at %d elements, and %d kinks were found", kink, planted, found)
		}
	}
}

// one checks a batch of one sample.
func (k *check) one() {
	t := k.setup(1)
	t.backward()
	k.compare(t, "N=1 ")
}

// empty checks a batch of no samples: it is refused, or goes through and
// changes nothing.
func (k *check) empty() {
	if e := shapeError(func() { k.setup(0) }); e != nil {
		return
	}
	t := k.setup(0)
	if len(t.y.Shape) == 0 || t.y.Shape[0] != 0 {
		k.fail("N=0: y is %s", tensor.FormatShape(t.y.Shape))
		return
	}
	t.backward()
	if !slices.Equal(t.dx.Shape, t.x.Shape) {
		k.fail("N=0: dx is %s", tensor.FormatShape(t.dx.Shape))
	}
	for i, p := range t.layer.Params() {
		if slices.ContainsFunc(t.gradient[i], func(g float64) bool { return g != 0 }) {
			k.fail("N=0: Backward adds to %s", p.Name)
		}
	}
}

// evaluation checks that Forward without Keep leaves the layer alone, so that
// any number of goroutines may predict while one Backward is pending.
func (k *check) evaluation() {
	t := k.setup(batch)
	want := k.setup(batch)
	want.backward()

	other := tensor.New[float64](t.x.Shape...)
	fill(other, rand.New(rand.NewPCG(6, 6)))
	var wg sync.WaitGroup
	results := make([]*tensor.Tensor[float64], 4)
	t.layer.Forward(nil, other) // a panic in a goroutine could not be reported
	for i := range results {
		wg.Go(func() {
			var pass *nn.Pass[float64]
			if i > 0 {
				pass = &nn.Pass[float64]{Threads: 1}
			}
			results[i] = t.layer.Forward(pass, other)
		})
	}
	wg.Wait()
	for _, y := range results {
		if !same(y, results[0]) {
			k.fail("Forward in several goroutines gives other bits")
			break
		}
	}
	t.backward()
	if !same(t.dx, want.dx) || !slices.EqualFunc(t.gradient, want.gradient, slices.Equal[[]float64]) {
		k.fail("Forward without Keep writes state: the pending Backward gives other gradients")
	}
}

// misuse checks that mistakes of the program are refused by name.
func (k *check) misuse() {
	t := k.setup(batch)
	// A container may name itself or the layer in it that refuses.
	name := nn.Kind(t.layer)
	if s, ok := t.layer.(fmt.Stringer); ok {
		name = s.String()
	}
	names := strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) })
	named := func(what string, e any) {
		if s, ok := e.(*tensor.ShapeError); e == nil || ok && s == nil {
			k.fail("%s is not refused", what)
		} else if !slices.ContainsFunc(names, func(name string) bool { return strings.Contains(fmt.Sprint(e), name) }) {
			k.fail("%s is refused without the layer's name: %v", what, e)
		}
	}
	for _, shape := range k.Refuses {
		e := shapeError(func() { t.layer.Forward(nil, tensor.New[float64](shape...)) })
		if e != nil && !slices.Equal(e.Got, shape) {
			k.fail("Forward refuses x of shape %s as %v", tensor.FormatShape(shape), e)
		}
		named("x of shape "+tensor.FormatShape(shape), e)
	}
	long := append(slices.Clone(t.dy.Shape), 3)
	named("a dy of another shape than y", shapeError(func() { t.layer.Backward(t.pass, tensor.New[float64](long...)) }))
	named("Backward before Forward", panicOf(func() {
		k.New(rand.New(rand.NewPCG(5, seed))).Backward(t.pass, t.dy)
	}))
	named("Backward with another Pass", panicOf(func() {
		t.layer.Backward(&nn.Pass[float64]{Train: true, Keep: true}, t.dy)
	}))
	t.pass.Reset()
	named("Backward after Reset", panicOf(func() { t.layer.Backward(t.pass, t.dy) }))
	t.pass.Keep = false
	t.layer.Forward(t.pass, t.x)
	named("Backward after a Forward without Keep", panicOf(func() { t.layer.Backward(t.pass, t.dy) }))
}

// same reports whether two tensors have one shape and the same bits.
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

// shapeError returns the *tensor.ShapeError f panics with, or nil; other panics
// go on.
func shapeError(f func()) (e *tensor.ShapeError) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case *tensor.ShapeError:
			e = r
		default:
			panic(r)
		}
	}()
	f()
	return nil
}
