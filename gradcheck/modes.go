package gradcheck

import (
	"fmt"
	"sync"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// two checks that two layers, and two calls of one, do not share memory: their steps are
// done in turns, and every result must stay.
func (b *life[T]) two() {
	names := b.names()
	s1, s2 := step{n: batch, draw: 1}, step{n: batch, draw: 2}
	want1, want2 := b.firstOf(s1), b.firstOf(s2)
	if want1.failed != "" || want2.failed != "" {
		return // as other parts say
	}
	l1, l2, p1, p2 := b.new(), b.new(), newPass[T](), newPass[T]()
	b.set(l1, s1)
	b.set(l2, s2)
	p1.Step, p2.Step = 1, 2
	check := func(what string, got, want result[T]) bool {
		d, differs := differ(got, want, names, 0)
		if differs {
			f := d.failure(Sharing, what)
			f.Cause = "memory that is not the layer's own, or not from p.New: a variable of the package, for example"
			b.fail(f)
		}
		return !differs
	}
	only := func(y, dx *tensor.Tensor[T], grads [][]T) result[T] { return result[T]{y: y, dx: dx, grads: grads} }

	y1 := l1.Forward(p1, b.input(s1))
	y2 := l2.Forward(p2, b.input(s2))
	if !check("y of one layer changes when another of its kind runs Forward", only(y1, nil, nil), only(want1.y, nil, nil)) {
		return
	}
	dx1 := l1.Backward(p1, b.dy(s1, y1))
	dx2 := l2.Backward(p2, b.dy(s2, y2))
	grads := func(l nn.Layer[T]) (all [][]T) {
		for _, p := range l.Params() {
			all = append(all, p.Grad.Data)
		}
		return all
	}
	if !check("the results of one layer change when another of its kind runs", only(y1, dx1, grads(l1)), want1) ||
		!check("the results of one layer change when another of its kind ran", only(y2, dx2, grads(l2)), want2) {
		return
	}

	// One layer, two calls of Forward: without Reset, and with passes of their own.
	for _, c := range []struct {
		name   string
		first  *nn.Pass[T]
		second *nn.Pass[T]
	}{
		{"with a nil Pass", nil, nil},
		{"with two Passes", &nn.Pass[T]{Threads: 1}, &nn.Pass[T]{Threads: 1}},
		{"with one Pass and no Reset", p1, p1},
	} {
		l := b.new()
		b.set(l, s1)
		y := l.Forward(c.first, b.input(s1))
		first := y.Clone()
		l.Forward(c.second, b.input(s2))
		if d, differs := differ(only(y, nil, nil), only(first, nil, nil), names, 0); differs {
			f := d.failure(Sharing, "y changes in a second Forward "+c.name)
			f.Cause = "a buffer of the layer's own in place of p.New"
			b.fail(f)
			return
		}
	}
	l := b.new()
	b.set(l, s1)
	p := newPass[T]()
	p.Step = 1
	y := l.Forward(p, b.input(s1))
	dx := l.Backward(p, b.dy(s1, y))
	first := dx.Clone()
	l.Backward(p, b.dy(s2, y))
	if d, differs := differ(only(nil, dx, nil), only(nil, first, nil), names, 0); differs {
		f := d.failure(Sharing, "dx changes in a second Backward of the same step")
		f.Cause = "a buffer of the layer's own in place of p.New"
		b.fail(f)
		return
	}
	// A result lives until Reset of its own Pass, not of another.
	p.Reset()
	p.Step = 1
	y = l.Forward(p, b.input(s1))
	first = y.Clone()
	other := &nn.Pass[T]{Threads: 1}
	l.Forward(other, b.input(s2))
	poison(other)
	l.Forward(other, b.input(s2))
	if d, differs := differ(only(y, nil, nil), only(first, nil, nil), names, 0); differs {
		b.fail(d.failure(Sharing, "y changes in a Forward with another Pass"))
		return
	}
	other.Keep, other.Step = true, 1
	y = l.Forward(other, b.input(s1))
	first = y.Clone()
	poison(p)
	if d, differs := differ(only(y, nil, nil), only(first, nil, nil), names, 0); differs {
		f := d.failure(Sharing, "y changes when another Pass is Reset")
		f.Cause = "y is scratch memory of the Pass of an earlier step, which the layer keeps"
		b.fail(f)
		return
	}
	b.inputsStay()
}

// inputsStay checks that no step writes into the x of one before, which may be the data.
func (b *life[T]) inputsStay() {
	l, p := b.new(), newPass[T]()
	var inputs []*tensor.Tensor[T]
	for i := range 4 {
		s := step{n: batch, draw: i}
		x := b.input(s)
		inputs = append(inputs, x)
		b.do(l, p, s, x)
		for j, old := range inputs {
			want := b.input(step{n: batch, draw: j})
			if d, differs := differ(result[T]{y: old}, result[T]{y: want}, nil, 0); differs {
				d.array = "x"
				b.fail(d.failure(XUnmodified, fmt.Sprintf("the x of step %d is changed in step %d", j+1, i+1)))
				return
			}
		}
		p.Reset()
	}
}

// A mode is a setting of a Pass.
type mode struct {
	train, keep, none, unfused bool
	threads                    int
	step                       uint64
}

func (m mode) String() string {
	if m.none {
		return "a nil Pass"
	}
	s := fmt.Sprintf("Train=%t, Keep=%t, Threads=%d", m.train, m.keep, m.threads)
	if m.unfused {
		s += ", Unfused"
	}
	if m.step != 1 {
		s += fmt.Sprintf(", Step=%d", m.step)
	}
	return s
}

// in runs a step in a mode, in a new layer. change is the field that a Forward that does
// not keep writes, or "".
func (b *life[T]) in(m mode, s step) (r result[T], change string) {
	l := b.new()
	b.set(l, s)
	x := b.input(s)
	var p *nn.Pass[T]
	if !m.none {
		p = &nn.Pass[T]{Train: m.train, Keep: m.keep, Threads: m.threads, Unfused: m.unfused, Step: m.step}
	}
	if m.keep {
		r.y = l.Forward(p, x)
		r.dx = l.Backward(p, b.dy(s, r.y))
		for _, param := range l.Params() {
			r.grads = append(r.grads, param.Grad.Data)
		}
		return r, ""
	}
	// What only the first Forward computes, such as a table, is no state. Another input
	// than x comes first, so that one that is saved shows.
	l.Forward(p, b.input(step{n: s.n, draw: s.draw + 1}))
	before := stateOf(l)
	r.y = l.Forward(p, x)
	if d, differs := differ(result[T]{y: x}, result[T]{y: b.input(s)}, nil, 0); differs && !b.modified {
		d.array, b.modified = "x", true
		b.fail(d.failure(XUnmodified, fmt.Sprintf("Forward with %s modifies x", m)))
	}
	return r, before.changed(stateOf(l))
}

// modes compares what must agree between the settings of a Pass: y of a Forward that
// keeps and of one that does not, on any number of threads; and training and evaluation,
// but for what the case declares. A Forward without Keep must leave the layer as it is.
func (b *life[T]) modes() {
	names, s := b.names(), step{n: batch, draw: 1}
	train, _ := b.in(mode{train: true, keep: true, threads: 1, step: 1}, s)
	eval, _ := b.in(mode{keep: true, threads: 1, step: 1}, s)
	rounding := 1e-12
	if b.single {
		rounding = 1e-5
	}
	for _, c := range []struct {
		mode
		want *result[T]
	}{
		{mode{train: true, threads: 1, step: 1}, &train},
		{mode{none: true}, &eval},
		{mode{threads: 1, step: 1}, &eval},
		{mode{threads: 1, step: 5}, &eval},
		{mode{keep: true, threads: 1, step: 5}, &eval},
		{mode{train: true, keep: true, threads: 2, step: 1}, &train},
		{mode{train: true, keep: true, threads: 3, step: 1}, &train},
		{mode{train: true, keep: true, threads: 16, step: 1}, &train},
		{mode{train: true, keep: true, step: 1}, &train},
		{mode{train: true, keep: true, threads: 1, unfused: true, step: 1}, &train},
		{mode{keep: true, threads: 2, step: 1}, &eval},
	} {
		got, change := b.in(c.mode, s)
		if change != "" {
			b.failf(Modes, "Forward with %s writes into the layer (the field %s): only a Pass with Keep may", c.mode, change)
			return
		}
		if d, differs := differ(got, *c.want, names, 0); differs {
			with := mode{train: c.train, keep: true, threads: 1, step: 1}
			b.fail(d.failure(Modes, fmt.Sprintf("with %s it differs from that with %s", c.mode, with)))
			return
		}
	}
	if !b.Random {
		other, _ := b.in(mode{train: true, keep: true, threads: 1, step: 5}, s)
		if d, differs := differ(other, train, names, 0); differs {
			b.fail(d.failure(Modes, "it changes with Pass.Step; a layer that draws random numbers is declared by Case.Random"))
			return
		}
	}
	if b.Random {
		varies := false
		for step := range uint64(8) {
			other, _ := b.in(mode{train: true, keep: true, threads: 1, step: step}, s)
			_, differs := differ(other, train, names, 0)
			varies = varies || differs
		}
		if !varies {
			b.failf(Modes, "it is declared Case.Random, and computes the same in nine values of Pass.Step: what it draws is to be a function of that, as Pass.Random is")
			return
		}
	}
	if !b.alike(names) {
		return
	}
	if !b.Random && !b.Statistics {
		if d, differs := differ(eval, train, names, rounding); differs {
			b.fail(d.failure(Modes, "in evaluation it is another than in training; declare what differs by Case.Random or Case.Statistics"))
			return
		}
	}
	b.running(names)
}

// alike checks that the same mode gives the same bits every time, with several threads
// too, whichever of them ends first.
func (b *life[T]) alike(names []string) bool {
	s := step{n: 33, draw: 1}
	first, _ := b.in(mode{train: true, keep: true, threads: 1, step: 1}, s)
	for _, m := range []mode{{train: true, keep: true, threads: 1, step: 1}, {train: true, keep: true, threads: 3, step: 1}} {
		for range 12 {
			again, _ := b.in(m, s)
			if d, differs := differ(again, first, names, 0); differs {
				f := d.failure(SameBits, fmt.Sprintf("with %s the same x gives other bits than at first, with one thread", m))
				f.Cause = "sums in the order in which goroutines end, or random numbers that are no function of Pass.Step"
				b.fail(f)
				return false
			}
		}
	}
	return true
}

// running checks the state of a layer, such as running statistics: only a Forward with
// both Train and Keep may change it.
func (b *life[T]) running(names []string) {
	l, s := b.new(), step{n: batch, draw: 1}
	b.set(l, s)
	tensors := func() (all []*tensor.Tensor[T]) {
		for _, state := range nn.States(l) {
			all = append(all, state.Clone())
		}
		return all
	}
	predict := func() result[T] { return result[T]{y: l.Forward(nil, b.input(s)).Clone()} }
	before, y := tensors(), predict()
	p := &nn.Pass[T]{Keep: true, Threads: 1, Step: 1}
	l.Backward(p, b.dy(s, l.Forward(p, b.input(step{n: batch, draw: 2}))))
	l.Forward(&nn.Pass[T]{Train: true, Threads: 1, Step: 1}, b.input(step{n: batch, draw: 3}))
	for i, t := range tensors() {
		if d, differs := differ(result[T]{y: t}, result[T]{y: before[i]}, names, 0); differs {
			d.array = "the state"
			b.fail(d.failure(Modes, "a Forward without Train, or without Keep, changes it"))
			return
		}
	}
	if d, differs := differ(predict(), y, names, 0); differs {
		b.fail(d.failure(Modes, "a prediction changes after a Forward without Train, or without Keep"))
		return
	}
	p.Train = true
	p.Reset()
	l.Backward(p, b.dy(s, l.Forward(p, b.input(step{n: batch, draw: 2}))))
	if b.Statistics {
		none := b.input(step{n: 0, draw: 1})
		trained := predict()
		if panicOf(func() { l.Forward(p, none) }) == nil {
			if d, differs := differ(predict(), trained, names, 0); differs {
				b.fail(d.failure(Sizes, "a prediction changes after a step of training on no samples"))
				return
			}
		}
		if _, differs := differ(trained, y, names, 0); !differs {
			b.failf(Modes, "it is declared Case.Statistics, and a step of training changes no prediction: are the running statistics updated?")
			return
		}
		b.byThemselves(l, names)
		return
	}
	if d, differs := differ(predict(), y, names, 0); differs {
		b.fail(d.failure(Modes, "a prediction changes after a step of training with the same parameters; running statistics are declared by Case.Statistics"))
	}
}

// byThemselves checks that in evaluation a sample does not depend on those beside it:
// statistics are then the running ones.
func (b *life[T]) byThemselves(l nn.Layer[T], names []string) {
	x := b.input(step{n: 3, draw: 1})
	y := l.Forward(nil, x)
	if len(y.Shape) == 0 || y.Shape[0] != 3 {
		return
	}
	for i := range 3 {
		alone := l.Forward(nil, x.Rows(i, i+1))
		if d, differs := differ(result[T]{y: alone}, result[T]{y: y.Rows(i, i+1)}, names, 1e-5); differs {
			b.fail(d.failure(Modes, fmt.Sprintf("in evaluation, sample %d alone differs from itself in a batch: the statistics are to be the running ones", i)))
			return
		}
	}
}

// predictions checks that goroutines may predict at once, each with an input and a Pass of
// its own.
func (b *life[T]) predictions() {
	l, names := b.new(), b.names()
	b.set(l, step{draw: 1})
	const goroutines, times = 4, 4
	inputs := make([]*tensor.Tensor[T], goroutines)
	want := make([]result[T], goroutines)
	for i := range inputs {
		inputs[i] = b.input(step{n: batch + i%2, draw: i})
		want[i].y = l.Forward(nil, inputs[i]).Clone() // a panic in a goroutine could not be reported
	}
	got := make([][]*tensor.Tensor[T], goroutines)
	panics := make([]any, goroutines)
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range goroutines {
		wg.Go(func() {
			panics[i] = panicOf(func() {
				<-start
				for range times {
					var p *nn.Pass[T]
					if i > 0 {
						p = &nn.Pass[T]{Threads: 1}
					}
					got[i] = append(got[i], l.Forward(p, inputs[i]))
				}
			})
		})
	}
	close(start)
	wg.Wait()
	for i := range goroutines {
		if panics[i] != nil {
			b.failf(Sharing, "goroutines that predict at once, each with its own input and Pass: panic: %v", panics[i])
			return
		}
		for _, y := range got[i] {
			if d, differs := differ(result[T]{y: y}, want[i], names, 0); differs {
				f := d.failure(Sharing, "goroutines that predict at once, each with its own input and Pass, get other results than one by one")
				f.Cause = "Forward writes into memory that calls share"
				b.fail(f)
				return
			}
		}
	}
}
