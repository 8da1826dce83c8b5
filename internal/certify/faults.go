package certify

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/chainrule-go/chainrule/gradcheck"
	"github.com/chainrule-go/chainrule/graph/trace"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// A Fault is a mistake, of a kind that people make, that is planted into a correct layer.
type Fault struct {
	Name string

	// These replace Forward or Backward of the layer.
	forward  func(l *faulty, p *nn.Pass[float64], x array) array
	backward func(l *faulty, p *nn.Pass[float64], dy array) array

	params   bool // only a layer with parameters can have it
	moves    bool // it moves elements of a gradient, so a parameter must have two or more
	gradient bool // it changes the gradients of a single Backward, and so of a network
}

type array = *tensor.Tensor[float64]

// after is a fault at the end of Backward.
func after(name string, params bool, spoil func(l *faulty, dx, dy array)) Fault {
	return Fault{Name: name, params: params, backward: func(l *faulty, p *nn.Pass[float64], dy array) array {
		dx := l.Layer.Backward(p, dy).Clone() // it may share the memory of dy
		spoil(l, dx, dy)
		return dx
	}}
}

// afterForward is a fault at the end of Forward.
func afterForward(name string, spoil func(x, y array)) Fault {
	return Fault{Name: name, forward: func(l *faulty, p *nn.Pass[float64], x array) array {
		y := l.Layer.Forward(p, x).Clone() // it may share the memory of x
		spoil(x, y)
		return y
	}}
}

// inDX is a fault in dx, which spoil changes. n is the number of samples.
func inDX(name string, spoil func(dx array, n int)) Fault {
	f := after("dx: "+name, false, func(l *faulty, dx, _ array) { spoil(dx, l.x.Shape[0]) })
	f.gradient = name != "one element off by 0.1 %" // in a network, its unit may be inactive
	return f
}

// inGradients is a fault in the numbers that Backward adds to each Grad.
func inGradients(name string, spoil func(gradient array, n int)) Fault {
	return Fault{Name: "gradient: " + name, params: true, gradient: true, backward: func(l *faulty, p *nn.Pass[float64], dy array) array {
		before := l.grads()
		for _, param := range l.Params() {
			clear(param.Grad.Data)
		}
		dx := l.Layer.Backward(p, dy)
		for i, param := range l.Params() {
			spoil(param.Grad, l.x.Shape[0])
			for j, g := range before[i].Data {
				param.Grad.Data[j] += g
			}
		}
		return dx
	}}
}

// Faults returns the table of faults. Each must be caught in every layer that can have
// it.
func Faults() []Fault {
	scale := func(f float64) func(array, int) {
		return func(a array, _ int) {
			for i := range a.Data {
				a.Data[i] *= f
			}
		}
	}
	timesBatch := func(a array, n int) { scale(float64(n))(a, n) }
	// The last row keeps what was there: nothing.
	staleRow := func(a array, _ int) {
		if len(a.Shape) > 0 && a.Shape[0] > 0 {
			clear(a.Data[len(a.Data)-len(a.Data)/a.Shape[0]:])
		}
	}
	// One element, and not the largest, is off by a thousandth.
	oneElement := func(a array, _ int) {
		for i := len(a.Data) / 2; i < len(a.Data); i++ {
			if a.Data[i] != 0 {
				a.Data[i] *= 1.001
				return
			}
		}
	}
	// Every element is off by a random amount up to a limit.
	noise := func(most float64) func(array, int) {
		return func(a array, _ int) {
			for i := range a.Data {
				a.Data[i] *= 1 + most*(1-float64(i%4)/2.5)
			}
		}
	}
	transposed := func(a array, _ int) {
		if len(a.Shape) < 2 {
			slices.Reverse(a.Data)
			return
		}
		rows, cols := a.Shape[0], len(a.Data)/max(a.Shape[0], 1)
		old := slices.Clone(a.Data)
		for i := range old {
			a.Data[i] = old[i%rows*cols+i/rows]
		}
	}
	var faults []Fault
	for _, f := range []struct {
		name  string
		spoil func(a array, n int)
	}{
		{"wrong sign", scale(-1)},
		{"off by a factor of 1.01", scale(1.01)},
		{"1/N missing", timesBatch},
		{"transposed", transposed},
		{"last row stale", staleRow},
		{"one element off by 0.1 %", oneElement},
		{"noise of 1e-5", noise(1e-5)},
		{"noise of 1e-7", noise(1e-7)},
	} {
		inGradients := inGradients(f.name, f.spoil)
		inGradients.moves = f.name == "transposed"
		faults = append(faults, inDX(f.name, f.spoil), inGradients)
	}
	return append(faults, []Fault{
		inGradients("forgotten", scale(0)),
		{Name: "dx: shape of another", backward: func(l *faulty, p *nn.Pass[float64], dy array) array {
			dx := l.Layer.Backward(p, dy)
			return tensor.Of(dx.Data, len(dx.Data))
		}},
		{Name: "gradient: = in place of +=", params: true, backward: func(l *faulty, p *nn.Pass[float64], dy array) array {
			for _, param := range l.Params() {
				clear(param.Grad.Data)
			}
			return l.Layer.Backward(p, dy)
		}},
		{Name: "gradient: sum over the batch missing", params: true, gradient: true, backward: func(l *faulty, p *nn.Pass[float64], dy array) array {
			// dx is of all samples, the gradients of the last one alone.
			before := l.grads()
			dx := l.Layer.Backward(p, dy)
			for i, param := range l.Params() {
				copy(param.Grad.Data, before[i].Data)
			}
			last := dy.Clone()
			if n := last.Shape[0]; n > 0 {
				clear(last.Data[:len(last.Data)/n*(n-1)])
			}
			l.Layer.Backward(p, last)
			return dx
		}},
		{Name: "Backward adds to scratch memory", backward: func(l *faulty, p *nn.Pass[float64], dy array) array {
			dx := p.New(l.x.Shape...)
			for i, d := range l.Layer.Backward(p, dy).Data {
				dx.Data[i] += d
			}
			return dx
		}},
		after("Backward writes into dy", false, func(_ *faulty, _, dy array) { scale(2)(dy, 0) }),
		after("Backward writes into x", false, func(l *faulty, _, _ array) { scale(2)(l.x, 0) }),
		after("Backward changes a parameter", true, func(l *faulty, _, _ array) { scale(0.99)(l.Params()[0].Value, 0) }),
		after("Backward differs the second time", false, func(l *faulty, dx, _ array) {
			scale(float64(1+l.calls))(dx, 0)
			l.calls++
		}),
		afterForward("Forward writes into x", func(x, _ array) { scale(2)(x, 0) }),
		afterForward("Forward off by a factor of 1.01", func(_, y array) { scale(1.01)(y, 0) }),
		// It is the derivative of its forward, but of another function than it should be.
		{Name: "another function, and its derivative",
			forward: func(l *faulty, p *nn.Pass[float64], x array) array { return l.Layer.Forward(p, twice(p, x)) },
			backward: func(l *faulty, p *nn.Pass[float64], dy array) array {
				return twice(p, l.Layer.Backward(p, dy))
			}},
		{Name: "Forward without Keep disturbs Backward", forward: func(l *faulty, p *nn.Pass[float64], x array) array {
			if l.pass != nil && (p == nil || !p.Keep) {
				l.Layer.Forward(l.pass, x) // saves, whatever p says
			}
			return l.Layer.Forward(p, x)
		}},
	}...)
}

// twice is 2·x.
func twice(p *nn.Pass[float64], x array) array {
	y := p.New(x.Shape...)
	for i, v := range x.Data {
		y.Data[i] = 2 * v
	}
	return y
}

// Plant returns the case with the fault in its layer. It returns false if the layer cannot
// have the fault.
func Plant(f Fault, c gradcheck.Case) (gradcheck.Case, bool) {
	correct := c.New
	params := correct(rand.New(rand.NewPCG(0, 0))).Params()
	two := func(p *nn.Param[float64]) bool { return len(p.Value.Data) > 1 }
	if f.params && len(params) == 0 || f.moves && !slices.ContainsFunc(params, two) {
		return c, false
	}
	c.Name += ", " + f.Name
	c.New = func(rng *rand.Rand) nn.Layer[float64] { return &faulty{Layer: correct(rng), fault: f} }
	c.AsDrawn = true
	c.Float32 = nil // it would not have the fault; the references have to find it
	return c, true
}

// faulty is a layer with a fault.
type faulty struct {
	nn.Layer[float64]
	fault Fault

	x     array             // of the last Forward that saved
	pass  *nn.Pass[float64] // its pass
	calls int               // of Backward, where it matters
	mu    sync.Mutex        // a fault may be a data race, which would stop the program
}

// The formula is the formula of the correct layer.
func init() {
	trace.Register(func(t *trace.Tracer, l *faulty, x trace.Node) trace.Node { return t.Layer(l.Layer, x) })
}

// Fields visits the fields of the correct layer, so that parameters have the same names.
func (l *faulty) Fields(f *nn.Fields[float64]) {
	if correct, ok := l.Layer.(nn.Fielder[float64]); ok {
		correct.Fields(f)
	}
}

func (l *faulty) Forward(p *nn.Pass[float64], x array) array {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p != nil && p.Keep {
		l.x, l.pass = x, p
	}
	if l.fault.forward != nil {
		return l.fault.forward(l, p, x)
	}
	return l.Layer.Forward(p, x)
}

func (l *faulty) Backward(p *nn.Pass[float64], dy array) array {
	if l.fault.backward != nil && l.x != nil {
		return l.fault.backward(l, p, dy)
	}
	return l.Layer.Backward(p, dy)
}

func (l *faulty) String() string { return fmt.Sprint(l.Layer) }

// grads copies the Grad of every parameter.
func (l *faulty) grads() (grads []array) {
	for _, param := range l.Params() {
		grads = append(grads, param.Grad.Clone())
	}
	return grads
}
