package gradcheck

import (
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// parameters checks what Params returns. What it finds ends the check: gradients could
// not be told apart.
func (k *check) parameters() {
	l := k.New(rng())
	params := l.Params()
	bad := func(format string, args ...any) { k.fail(Parameters, format, args...) }
	first := map[*nn.Param[float64]]int{}
	for i, p := range params {
		if p == nil || p.Value == nil || p.Grad == nil {
			bad("Params()[%d] is nil, or its Value or its Grad is", i)
			return
		}
		if at, twice := first[p]; twice {
			bad("Params lists %s twice, at %d and at %d: an optimizer would step twice", p.Name, at, i)
			return
		}
		first[p] = i
		if n, ok := tensor.Size(p.Value.Shape...); !ok || n != len(p.Value.Data) {
			bad("the Value of %s has the shape %s and %d elements", p.Name, tensor.FormatShape(p.Value.Shape), len(p.Value.Data))
			return
		}
		if !slices.Equal(p.Value.Shape, p.Grad.Shape) || len(p.Value.Data) != len(p.Grad.Data) {
			bad("the Grad of %s has the shape %s, want %s, that of its Value", p.Name, tensor.FormatShape(p.Grad.Shape), tensor.FormatShape(p.Value.Shape))
			return
		}
		for _, q := range params[:i] {
			if overlap(p.Value.Data, q.Value.Data) || overlap(p.Grad.Data, q.Grad.Data) {
				bad("%s and %s share memory; share the *nn.Param instead", q.Name, p.Name)
				return
			}
		}
		if overlap(p.Value.Data, p.Grad.Data) {
			bad("the Value and the Grad of %s are the same memory", p.Name)
			return
		}
	}
	// The same, after a step too.
	again := func(when string) bool {
		for range 40 { // a map of two has either order
			now := l.Params()
			if slices.Equal(now, params) {
				continue
			}
			switch {
			case len(now) != len(params):
				bad("Params returns %d parameters, %s %d", len(params), when, len(now))
			case !slices.ContainsFunc(now, func(p *nn.Param[float64]) bool { _, known := first[p]; return !known }):
				bad("Params returns the parameters in another order %s: want a fixed one", when)
			default:
				bad("Params returns other objects %s, which an optimizer does not know: want the same *nn.Param each time", when)
			}
			return false
		}
		return true
	}
	if !again("at a second call") {
		return
	}
	if panicOf(func() {
		p := newPass[float64]()
		x := tensor.New[float64](append([]int{batch}, k.Sample...)...)
		k.draw(x, rng())
		y := l.Forward(p, x)
		l.Backward(p, y.Clone())
	}) == nil && !again("after a step") {
		return
	}
	for i, p := range params {
		if p.Value == nil || p.Grad == nil || !slices.Equal(p.Value.Shape, p.Grad.Shape) {
			bad("after a step, the Value and the Grad of Params()[%d] have other shapes", i)
			return
		}
	}
	second := k.New(rng())
	if !again("after another layer is made") {
		return
	}
	for i, p := range second.Params() {
		if len(second.Params()) != len(params) || p.Name != params[i].Name || !slices.Equal(p.Value.Shape, params[i].Value.Shape) {
			bad("Params of two layers made alike differ in order, names or shapes")
			return
		}
		if q := params[i]; p == q || overlap(p.Value.Data, q.Value.Data) || overlap(p.Grad.Data, q.Grad.Data) {
			k.fail(Sharing, "two layers of New have the same parameter %s", p.Name)
			return
		}
	}
	k.forgotten(l, first)
}

// forgotten looks for parameters in the fields of the layer that Params omits and that y
// depends on.
func (k *check) forgotten(l nn.Layer[float64], listed map[*nn.Param[float64]]int) {
	x := tensor.New[float64](append([]int{batch}, k.Sample...)...)
	k.draw(x, rng())
	held := reachable(l)
	for _, p := range slices.SortedFunc(maps.Keys(held), func(p, q *nn.Param[float64]) int { return strings.Compare(held[p], held[q]) }) {
		if _, ok := listed[p]; ok || p.Value == nil || slices.Contains(k.Unused, p.Name) {
			continue
		}
		if k.depends(l, p, x) {
			k.fail(Parameters, "Params omits %s (the field %s), on which y depends: no optimizer would train it", p.Name, held[p])
		}
	}
}

// depends reports whether y depends on p.
func (k *check) depends(l nn.Layer[float64], p *nn.Param[float64], x *tensor.Tensor[float64]) (yes bool) {
	forward := func() *tensor.Tensor[float64] {
		return l.Forward(&nn.Pass[float64]{Train: true, Threads: 1}, x).Clone()
	}
	defer func() {
		if recover() != nil {
			yes = false // which gradients will tell
		}
	}()
	others := append([]*nn.Param[float64]{p}, l.Params()...)
	for _, q := range others {
		old := slices.Clone(q.Value.Data)
		defer copy(q.Value.Data, old)
	}
	for try := range 8 {
		rng := rand.New(rand.NewPCG(uint64(try), seed))
		move := func(q *nn.Param[float64]) {
			for i := range q.Value.Data {
				q.Value.Data[i] += 2 * (rng.Float64() - 0.5)
			}
		}
		// From the second on at another x, and with other parameters: the first may be
		// those of a unit that nothing activates.
		if try > 0 {
			x = x.Clone()
			k.draw(x, rng)
			for _, q := range others {
				move(q)
			}
		}
		y := forward()
		move(p)
		if !same(y, forward()) {
			return true
		}
	}
	return false
}

// unused checks that y depends on every parameter whose gradient is 0, unless the case
// says otherwise.
func (k *check) unused(t *trial) {
	for i, p := range t.layer.Params() {
		if nonzero(t.gradient[i]) > 0 || len(t.gradient[i]) == 0 || slices.Contains(k.Unused, p.Name) {
			continue
		}
		if !k.depends(t.layer, p, t.x) {
			k.fail(Parameters, "y does not depend on %s, whose gradient is 0: Params need not list it, or Case.Unused declares it", p.Name)
		}
	}
}

// overlap reports whether two slices share an element.
func overlap(a, b []float64) bool {
	begin := func(s []float64) uintptr { return reflect.ValueOf(s).Pointer() }
	end := func(s []float64) uintptr { return begin(s) + uintptr(8*len(s)) }
	return len(a) > 0 && len(b) > 0 && begin(a) < end(b) && begin(b) < end(a)
}
