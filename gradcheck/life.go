package gradcheck

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// A step is one use of a layer: a Forward of n samples and, if the Pass keeps, a Backward.
// The random numbers of draw determine x, dy, the parameters and Pass.Step.
type step struct {
	n, draw  int
	evaluate bool // Pass.Train is not set
}

// A result holds copies of the results of a step.
type result[T tensor.Float] struct {
	y, dx  *tensor.Tensor[T]
	grads  [][]T
	failed string // the value of a panic
}

// A life makes layers in one precision, again and again. It compares what a layer computes
// late in its life with what a new one computes in its first step.
type life[T tensor.Float] struct {
	*check
	new      func() nn.Layer[T]
	values   [][]float64 // the values of the parameters of a new layer
	single   bool        // T is float32; then every failure belongs to the clause Float32
	first    map[step]result[T]
	modified bool               // a failure says already that x is modified
	stir     func(dy []float64) // changes each dy; nil for nothing
}

// lives returns the lives of the layer in both precisions, or in float64 alone if there is
// no float32.
func (k *check) lives() (*life[float64], *life[float32]) {
	l := k.New(rng())
	moveOff(l.Params(), rand.New(rand.NewPCG(8, seed)))
	var values [][]float64
	for _, p := range l.Params() {
		for i, v := range p.Value.Data {
			p.Value.Data[i] = float64(float32(v))
		}
		values = append(values, slices.Clone(p.Value.Data))
	}
	double := &life[float64]{check: k, new: func() nn.Layer[float64] { return k.New(rng()) }, values: values, first: map[step]result[float64]{}}
	if l, err := k.NewFloat32(rng()); err != nil || len(l.Params()) != len(values) {
		return double, nil
	}
	single := &life[float32]{check: k, values: values, single: true, first: map[step]result[float32]{}}
	single.new = func() nn.Layer[float32] {
		l, _ := k.NewFloat32(rng())
		return l
	}
	return double, single
}

// fail records a failure of a clause, or of the clause Float32.
func (b *life[T]) fail(f Failure) {
	if b.single {
		f.What = fmt.Sprintf("in float32, %s: %s", f.Clause, f.What)
		f.Clause = Float32
	}
	b.Broken = append(b.Broken, f)
}

func (b *life[T]) failf(clause Clause, format string, args ...any) {
	b.fail(Failure{Clause: clause, What: fmt.Sprintf(format, args...)})
}

// input returns the x of a step, the same in both precisions.
func (b *life[T]) input(s step) *tensor.Tensor[T] {
	x := tensor.New[float64](append([]int{s.n}, b.Sample...)...)
	b.draw(x, rand.New(rand.NewPCG(uint64(100+s.draw), seed)))
	return as[T](x)
}

// as returns x in another precision.
func as[T, From tensor.Float](x *tensor.Tensor[From]) *tensor.Tensor[T] {
	y := tensor.New[T](x.Shape...)
	for i, v := range x.Data {
		y.Data[i] = T(v)
	}
	return y
}

// dy returns the gradient of a y of a step.
func (b *life[T]) dy(s step, y *tensor.Tensor[T]) *tensor.Tensor[T] {
	dy := tensor.New[float64](y.Shape...)
	fill(dy, rand.New(rand.NewPCG(uint64(200+s.draw), seed)))
	if b.stir != nil {
		b.stir(dy.Data)
	}
	return as[T](dy)
}

// set gives the parameters of a layer the values for a step. Training changes them from
// step to step, in place.
func (b *life[T]) set(l nn.Layer[T], s step) {
	rng := rand.New(rand.NewPCG(uint64(300+s.draw), seed))
	for i, p := range l.Params() {
		for j, v := range b.values[i] {
			if s.draw > 0 {
				v += (rng.Float64() - 0.5) / 20
			}
			p.Value.Data[j] = T(v)
		}
	}
}

// do runs a step of a layer with a pass that keeps. x, if not nil, is the memory for the input.
func (b *life[T]) do(l nn.Layer[T], p *nn.Pass[T], s step, x *tensor.Tensor[T]) (r result[T]) {
	defer func() {
		if e := recover(); e != nil {
			r.failed = fmt.Sprintf("panic: %v%s", e, culprit())
		}
	}()
	p.Train, p.Step = !s.evaluate, uint64(s.draw)
	b.set(l, s)
	if x == nil {
		x = b.input(s)
	}
	y := mustFit("Forward", "y", l.Forward(p, x))
	r.y = y.Clone()
	dy := b.dy(s, y)
	for _, param := range l.Params() {
		clear(param.Grad.Data)
	}
	r.dx = mustFit("Backward", "dx", l.Backward(p, dy)).Clone()
	for _, param := range l.Params() {
		r.grads = append(r.grads, slices.Clone(param.Grad.Data))
	}
	return r
}

// mustFit panics if a result is nil, or does not have as many elements as its shape says.
func mustFit[T tensor.Float](by, name string, t *tensor.Tensor[T]) *tensor.Tensor[T] {
	if t == nil {
		panic(fmt.Sprintf("%s returns a nil %s", by, name))
	}
	if n, ok := tensor.Size(t.Shape...); !ok || n != len(t.Data) {
		panic(fmt.Sprintf("%s returns %s of shape %s with %d elements", by, name, tensor.FormatShape(t.Shape), len(t.Data)))
	}
	return t
}

// newPass returns one for a step that keeps.
func newPass[T tensor.Float]() *nn.Pass[T] { return &nn.Pass[T]{Train: true, Keep: true, Threads: 1} }

// firstOf returns the result of a step that is the first of a new layer.
func (b *life[T]) firstOf(s step) result[T] {
	r, known := b.first[s]
	if !known {
		r = b.do(b.new(), newPass[T](), s, nil)
		b.first[s] = r
	}
	return r
}

// poison begins the next step of p, and leaves NaN in its scratch memory.
func poison[T tensor.Float](p *nn.Pass[T]) {
	p.Reset()
	for range 16 {
		t := p.New(1)
		t.Data = t.Data[:cap(t.Data)]
		for i := range t.Data {
			t.Data[i] = T(math.NaN())
		}
		ints := p.Ints(1)
		ints = ints[:cap(ints)]
		for i := range ints {
			ints[i] = math.MinInt32
		}
	}
	p.Reset()
}

// A difference is where two results differ: in one element, or as said.
type difference struct {
	array     string
	index     []int
	got, want float64
	what      string
	values    [2][]float64 // of the array, got and wanted
}

// differ compares a result with the result of a new layer: bit for bit if within is 0, and
// otherwise to within the share within of the largest element.
func differ[T tensor.Float](got, want result[T], names []string, within float64) (d difference, differs bool) {
	if got.failed != want.failed {
		if got.failed == "" {
			return difference{what: "it does not panic, as a new layer does: " + want.failed}, true
		}
		return difference{what: got.failed}, true
	}
	if got.failed != "" {
		return d, false
	}
	arrays := []struct {
		name      string
		got, want *tensor.Tensor[T]
	}{{"y", got.y, want.y}, {"dx", got.dx, want.dx}}
	for i := range want.grads {
		if got.dx == nil {
			break // a step without Backward
		}
		if i >= len(got.grads) {
			return difference{what: "parameters are missing"}, true
		}
		arrays = append(arrays, struct {
			name      string
			got, want *tensor.Tensor[T]
		}{names[i], tensor.Of(got.grads[i], len(got.grads[i])), tensor.Of(want.grads[i], len(want.grads[i]))})
	}
	for _, a := range arrays {
		if a.got == nil || a.want == nil {
			continue // a step without Backward
		}
		if !slices.Equal(a.got.Shape, a.want.Shape) {
			return difference{array: a.name, what: fmt.Sprintf("%s has the shape %s, want %s", a.name, tensor.FormatShape(a.got.Shape), tensor.FormatShape(a.want.Shape))}, true
		}
		g, w := float64s(a.got.Data), float64s(a.want.Data)
		most := within * largest(w)
		worst, at := 0.0, -1
		for i := range g {
			off := math.Abs(g[i] - w[i])
			if math.Float64bits(g[i]) == math.Float64bits(w[i]) || g[i] == w[i] && within > 0 || g[i] != g[i] && w[i] != w[i] {
				continue
			}
			if off <= most && within > 0 {
				continue
			}
			if at < 0 || !(off <= worst) {
				worst, at = off, i
			}
			if off != off {
				break
			}
		}
		if at >= 0 {
			return difference{array: a.name, index: a.got.Index(at), got: g[at], want: w[at], values: [2][]float64{g, w}}, true
		}
	}
	return d, false
}

// float64s converts a slice.
func float64s[T tensor.Float](x []T) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

// failure makes a failure of a difference.
func (d difference) failure(clause Clause, what string) Failure {
	if d.what != "" {
		what += ": " + d.what
	}
	return Failure{Clause: clause, Array: d.array, Index: d.index, Got: d.got, Want: d.want, What: what}
}

// names returns the names of the parameters.
func (b *life[T]) names() []string { return nn.ParamNames(b.new()) }

// live runs steps one after another with one layer. It returns the first step whose result
// differs from the result of a new layer, or -1. As in training, every step uses the scratch
// memory of the step before, and the memory of its x if the number of samples is the same.
func (b *life[T]) live(steps []step) (bad int, d difference) {
	l, p, names := b.new(), newPass[T](), b.names()
	var x *tensor.Tensor[T]
	for i, s := range steps {
		if i > 0 {
			poison(p)
		}
		if next := b.input(s); x == nil || !slices.Equal(x.Shape, next.Shape) {
			x = next
		} else {
			copy(x.Data, next.Data)
		}
		r := b.do(l, p, s, x)
		if d, differs := differ(r, b.firstOf(s), names, 0); differs {
			return i, d
		}
	}
	return -1, d
}

// across checks that no step depends on those before it, and names the fewest that show
// it.
func (b *life[T]) across(clause Clause, kind string, steps []step) (ok bool) {
	bad, d := b.live(steps)
	if bad < 0 {
		return true
	}
	steps = slices.Clone(steps[:bad+1])
	for i := 0; i < len(steps)-1; { // without the step i?
		fewer := slices.Delete(slices.Clone(steps), i, i+1)
		if at, e := b.live(fewer); at == len(fewer)-1 {
			steps, d = fewer, e
		} else {
			i++
		}
	}
	f := d.failure(clause, kind)
	f.Cause = b.stale(steps, d)
	f.Input = "steps of " + sizes(steps) + " samples, the last one of which is wrong"
	b.fail(f)
	return false
}

func sizes(steps []step) string {
	var all []string
	for _, s := range steps {
		all = append(all, fmt.Sprint(s.n))
	}
	return strings.Join(all, ", ")
}

// stale says what of the earlier steps a wrong array may hold.
func (b *life[T]) stale(steps []step, d difference) string {
	got, want := d.values[0], d.values[1]
	if slices.ContainsFunc(got, math.IsNaN) && !slices.ContainsFunc(want, math.IsNaN) {
		return "p.New returns memory that is not cleared, and it relies on what is there"
	}
	for _, s := range steps[:max(0, len(steps)-1)] {
		r := b.firstOf(s)
		for _, old := range append([][]T{dataOf(r.y), dataOf(r.dx)}, r.grads...) {
			if old := float64s(old); len(old) == len(got) && len(got) > 0 {
				if alike(got, old) {
					return "it is that of an earlier step"
				}
				sum := slices.Clone(want)
				for i := range sum {
					sum[i] += old[i]
				}
				if alike(got, sum) {
					return "that of an earlier step is still in it"
				}
			}
		}
	}
	if d.array != "" {
		return "a field of the layer, or memory that it keeps, is from an earlier step"
	}
	return ""
}

func dataOf[T tensor.Float](t *tensor.Tensor[T]) []T {
	if t == nil {
		return nil
	}
	return t.Data
}

// steps checks that nothing of an earlier step is used in a later one.
func (b *life[T]) steps() {
	var same []step
	for i := range 20 {
		same = append(same, step{n: batch, draw: (i*i + i/3) % 5})
	}
	const why = "a later step of the same layer differs from that of a new one"
	if !b.across(Steps, why, same) {
		return
	}
	least := 1
	if b.RefusesOne {
		least = 2
	}
	var varied []step
	for i, n := range []int{4, 7, 2, 5, 1, 6, 3, 1, 8, 4, 9, 1, 2, 16, 3, 17, 2, 4} {
		varied = append(varied, step{n: max(n, least), draw: i % 5})
	}
	if !b.across(Sizes, "a batch of another size than those before differs from that of a new layer", varied) {
		return
	}
	if b.Statistics {
		return
	}
	var both []step
	for i := range 8 {
		both = append(both, step{n: batch - i%2, draw: i % 5, evaluate: i%3 > 0})
	}
	b.across(Modes, "a step in training or evaluation differs from that of a new layer, after steps in the other mode", both)
}

// more checks several Forwards and Backwards in one step.
func (b *life[T]) more() {
	for _, n := range []int{batch, 1, 2, 5} {
		if n == 1 && b.RefusesOne {
			continue
		}
		ok := false
		if e := panicOf(func() { ok = b.moreOf(n) }); e != nil {
			clause := Sizes
			if n == batch {
				clause = SecondBackward
			}
			b.failf(clause, "several Backwards of %d samples: panic: %v", n, e)
		}
		if !ok {
			return
		}
	}
}

// moreOf does so with n samples.
func (b *life[T]) moreOf(n int) (ok bool) {
	l, p, names := b.new(), newPass[T](), b.names()
	one, two := step{n: n, draw: 1}, step{n: n, draw: 2}
	want := b.firstOf(two)
	p.Step = 2
	b.set(l, two)
	// A Forward whose Backward never comes, then one whose Backward comes twice.
	l.Forward(p, b.input(one))
	y := l.Forward(p, b.input(two))
	dy := b.dy(two, y)
	var before [][]float64
	for _, param := range l.Params() {
		for i := range param.Grad.Data {
			param.Grad.Data[i] = T(1 + i%3)
		}
		before = append(before, float64s(param.Grad.Data))
	}
	got := result[T]{y: y.Clone(), dx: l.Backward(p, dy).Clone(), grads: want.grads}
	if d, differs := differ(got, want, names, 0); differs {
		b.fail(d.failure(Steps, "a second Forward in one step differs from a first"))
		return false
	}
	unit := 0x1p-52
	if b.single {
		unit = 0x1p-23
	}
	added := func(clause Clause, times float64, what string) bool {
		for i, param := range l.Params() {
			// Grad may take the terms of all elements of dy one by one, each rounded.
			roundings := 8 + float64(len(dy.Data)/max(len(param.Grad.Data), 1))
			most := roundings * unit * (4 + times*largest(float64s(want.grads[i])))
			for j, g := range param.Grad.Data {
				sum := before[i][j] + times*float64(want.grads[i][j])
				if !(math.Abs(float64(g)-sum) <= most) && !math.IsNaN(sum) {
					b.fail(Failure{Clause: clause, Array: names[i], Index: param.Value.Index(j), Got: float64(g), Want: sum, What: what,
						Cause: addedCause(float64(g), before[i][j], float64(want.grads[i][j]), times)})
					return false
				}
			}
		}
		return true
	}
	if !added(GradAdded, 1, fmt.Sprintf("Backward of %d samples adds to Grad, which was not 0", n)) {
		return false
	}
	l.Backward(p, dy)
	if !added(SecondBackward, 2, "a second Backward adds the same again") {
		return false
	}
	l.Backward(p, dy)
	if !added(SecondBackward, 3, "a third Backward adds the same again") {
		return false
	}
	// Of another dy: what a fresh step gives.
	third := step{n: n, draw: 3}
	fresh := b.new()
	b.set(fresh, two)
	q := newPass[T]()
	q.Step = 2
	want = result[T]{dx: fresh.Backward(q, b.dy(third, fresh.Forward(q, b.input(two))))}
	if d, differs := differ(result[T]{dx: l.Backward(p, b.dy(third, y))}, want, names, 0); differs {
		f := d.failure(SecondBackward, "a Backward of another dy in the same step differs from that of a new layer")
		f.Cause = "dx is computed once and kept"
		b.fail(f)
		return false
	}
	return true
}

func addedCause(got, before, gradient, times float64) string {
	near := func(v float64) bool { return math.Abs(got-v) <= 1e-5*(1+math.Abs(v)) }
	switch {
	case near(gradient):
		return "= in place of +="
	case near(before):
		return "nothing is added"
	case near(before + (times+1)*gradient), near(before + (times-1)*gradient):
		return "the gradient is added once too often or too rarely"
	}
	return ""
}
