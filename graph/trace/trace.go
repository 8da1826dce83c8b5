package trace

import (
	"fmt"
	"reflect"
	"sync"

	"github.com/chainrule-go/chainrule/graph"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// A Node is a node of a graph in float64.
type Node = *graph.Node[float64]

// A Formula builds y = f(x) from elementary nodes: the function that the layer l
// computes.
type Formula func(t *Tracer, l nn.Layer[float64], x Node) (y Node)

// A Tracer is the graph of a network while it is built.
type Tracer struct {
	*graph.Graph[float64]

	// Pass has the mode and the Step of the graph, on which random layers depend. Nil
	// evaluates.
	Pass *nn.Pass[float64]

	// Targets are the targets of the loss whose formula runs.
	Targets nn.Targets[float64]

	params   map[*nn.Param[float64]]Node
	building any // the layer or loss whose formula runs
}

func newTracer(p *nn.Pass[float64]) *Tracer {
	return &Tracer{Graph: graph.New[float64](), Pass: p, params: map[*nn.Param[float64]]Node{}}
}

// Network builds the graph of the loss of a network on the samples x with the targets
// t, in the mode and the Step of p (nil evaluates). The nodes of each layer of a Sequential,
// with its parameters, are in a group with the name of the layer; the nodes of the loss are in
// a group with its name. [graph.Graph.Backward] has run: the graph holds all gradients, and its
// Output is the loss.
//
// It is an error if the network or the loss does not take x and t, or if the formula
// of a layer is not known: an *[UnknownError].
func Network(p *nn.Pass[float64], net nn.Layer[float64], loss nn.Loss[float64], x *tensor.Tensor[float64], t nn.Targets[float64]) (*Tracer, error) {
	tr := newTracer(p)
	err := tr.try(func() {
		loss.Forward(nil, net.Forward(nil, x), t)
		y := tr.Layer(net, tr.Input("x", x.Data, x.Shape...))
		tr.Group(loss.String(), func() { y = tr.loss(loss, y, t).As("loss") })
		tr.Backward(y)
	})
	if err != nil {
		return nil, err
	}
	return tr, nil
}

// Layer builds the graph of a layer on x. It returns the nodes of x and of the result
// y; [Tracer.Param] returns the nodes of the parameters. If formula is nil, the registered one
// is used. Errors are as in [Network].
func Layer(p *nn.Pass[float64], l nn.Layer[float64], x *tensor.Tensor[float64], formula Formula) (t *Tracer, in, y Node, err error) {
	t = newTracer(p)
	in = t.Input("x", x.Data, x.Shape...)
	if formula == nil {
		formula = (*Tracer).Layer
	}
	t.building = l
	err = t.try(func() { y = formula(t, l, in) })
	return t, in, y, err
}

// Param returns the node of a parameter: the same one wherever layers share it.
func (t *Tracer) Param(p *nn.Param[float64]) Node {
	if _, known := t.params[p]; !known {
		t.params[p] = t.Input(p.Name, p.Value.Data, p.Value.Shape...)
	}
	return t.params[p]
}

// Layer adds the nodes of a layer, by its registered formula. It is for the formulas of
// containers, and panics if there is none.
func (t *Tracer) Layer(l nn.Layer[float64], x Node) Node {
	formula, known := formulaOf(l)
	if !known {
		panic(&UnknownError{l})
	}
	// Not deferred: after a panic, try names the layer whose formula panicked.
	outer := t.building
	t.building = l
	y := formula.(Formula)(t, l, x)
	t.building = outer
	return y
}

// Chain adds the nodes of layers one after the other, each in a group of its name.
func (t *Tracer) Chain(layers []nn.Named[float64], x Node) Node {
	for _, l := range layers {
		t.Group(l.Name, func() { x = t.Layer(l.Layer, x) })
	}
	return x
}

// loss adds the nodes of a loss of y. Labels are one-hot rows.
func (t *Tracer) loss(l nn.Loss[float64], y Node, targets nn.Targets[float64]) Node {
	formula, known := formulaOf(l)
	if !known {
		panic(&UnknownError{l})
	}
	t.building, t.Targets = l, targets
	return formula.(lossFormula)(t, l, y, t.Input("t", oneHot(targets, y.Shape[len(y.Shape)-1]), y.Shape...))
}

type lossFormula func(t *Tracer, l nn.Loss[float64], y, target Node) Node

// An UnknownError says that a layer or a loss has no formula.
type UnknownError struct {
	Of any // the layer or loss
}

func (e *UnknownError) Error() string {
	register := "Register"
	if _, loss := e.Of.(nn.Loss[float64]); loss {
		register = "RegisterLoss"
	}
	return fmt.Sprintf("there is no graph of a %T; give its formula to trace.%s", e.Of, register)
}

// try returns as an error what build panics with because a shape, a label or a formula
// is wrong or missing. Other panics go on.
func (t *Tracer) try(build func()) (err error) {
	defer func() {
		switch e := recover().(type) {
		case nil:
		case *graph.ShapeError:
			err = fmt.Errorf("the formula of a %T: %w", t.building, e)
		case *UnknownError:
			err = e
		case *tensor.ShapeError:
			err = e
		case *nn.LabelError:
			err = e
		case *nn.TargetsError:
			err = e
		default:
			panic(e)
		}
	}()
	build()
	return nil
}

// formulas holds a Formula or a lossFormula for each type of a layer or loss.
var formulas sync.Map

func formulaOf(of any) (formula any, known bool) { return formulas.Load(reflect.TypeOf(of)) }

// Register makes the formula of a layer known, so that its graph can be drawn and
// compared with the layer. L is the type of the layer in float64. It panics if there is
// a formula of L. Call it in an init function, beside [nn.Register].
func Register[L nn.Layer[float64]](formula func(t *Tracer, l L, x Node) Node) {
	layer(formula).register()
}

// RegisterLoss makes the formula of a loss known: of its outputs y, and of targets of
// the same shape, which are one-hot rows where [nn.Targets] are labels.
func RegisterLoss[L nn.Loss[float64]](formula func(t *Tracer, l L, y, target Node) Node) {
	loss(formula).register()
}

// A typed formula is the formula for the layers or losses of one type.
type typed struct {
	of      reflect.Type
	formula any
}

func layer[L nn.Layer[float64]](formula func(t *Tracer, l L, x Node) Node) typed {
	return typed{reflect.TypeFor[L](), Formula(func(t *Tracer, l nn.Layer[float64], x Node) Node { return formula(t, l.(L), x) })}
}

func loss[L nn.Loss[float64]](formula func(t *Tracer, l L, y, target Node) Node) typed {
	return typed{reflect.TypeFor[L](), lossFormula(func(t *Tracer, l nn.Loss[float64], y, target Node) Node {
		return formula(t, l.(L), y, target)
	})}
}

func (f typed) register() {
	if _, twice := formulas.LoadOrStore(f.of, f.formula); twice {
		panic(fmt.Sprintf("trace: Register: %v has a formula already", f.of))
	}
}

func init() {
	for _, row := range Rows() {
		if row.formula.of != nil {
			row.formula.register()
		}
	}
	Register(func(t *Tracer, net *nn.TwoLayerNet[float64], x Node) Node { return t.Layer(net.Sequential, x) })
	Register(func(t *Tracer, l *lossLayer[float64], x Node) Node { return t.loss(l.loss, x, l.targets(x.Shape[0])) })
}
