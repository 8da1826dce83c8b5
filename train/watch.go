package train

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/chainrule-go/chainrule/internal/kernel"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// A DivergedError says that a loss, a gradient or a parameter is not finite although the
// samples are.
type DivergedError struct {
	Step   int
	Loss   float64
	Param  string  // a parameter that is not finite before the step; "" if all are finite
	Origin *Origin // nil if it is not known
}

func (e *DivergedError) Error() string {
	const remedy = "; try a smaller learning rate or smaller initial weights"
	switch {
	case e.Param != "" && e.Step <= 1:
		return fmt.Sprintf("training cannot begin: the loss is %v, for the parameter %s is not finite", e.Loss, e.Param)
	case e.Origin == nil:
		return fmt.Sprintf("training diverged: the loss at step %d is %v%s", e.Step, e.Loss, remedy)
	case finite(e.Loss):
		return fmt.Sprintf("training diverged at step %d, whose loss is %.4g: %v%s", e.Step, e.Loss, e.Origin, remedy)
	}
	return fmt.Sprintf("training diverged: the loss at step %d is %v: first, %v%s", e.Step, e.Loss, e.Origin, remedy)
}

// An Origin is the first place in a step where a number is not finite.
type Origin struct {
	What    string // such as "the output of Affine1"
	Element []int  // its index there; nil for the loss
	Value   float64
}

func (o *Origin) String() string {
	if o.Element == nil {
		return fmt.Sprintf("%s is %v", o.What, o.Value)
	}
	return fmt.Sprintf("element %s of %s is %v", tensor.FormatShape(o.Element), o.What, o.Value)
}

// originIn returns the first element of t that is not finite, or nil.
func originIn[T tensor.Float](what string, t *tensor.Tensor[T]) *Origin {
	if t == nil || kernel.Finite(t.Data) {
		return nil
	}
	i := slices.IndexFunc(t.Data, func(v T) bool { return v-v != 0 })
	return &Origin{What: what, Element: t.Index(i), Value: float64(t.Data[i])}
}

// A layerState is an array that a layer changes in Forward, and a copy of it from before
// the current step.
type layerState[T tensor.Float] struct {
	live   *tensor.Tensor[T]
	before []T
}

// layerStates returns the state of all layers.
func layerStates[T tensor.Float](net nn.Layer[T]) (all []layerState[T]) {
	for _, state := range nn.States(net) {
		all = append(all, layerState[T]{state, make([]T, len(state.Data))})
	}
	return all
}

// diverged explains why the loss or a gradient is not finite: it computes the step again
// and checks every result.
func (s *Step[T]) diverged(x *tensor.Tensor[T], t nn.Targets[T], loss float64) error {
	if e := notFinite("batch", x, t); e != nil {
		return e
	}
	e := &DivergedError{Step: int(s.Pass.Step), Loss: loss, Param: badParam(s.Net)}
	s.undo()
	e.Origin = s.trace(x, t)
	return e
}

// undo restores the state of the layers and the number of steps from before the step, and
// sets all Grad to zero.
func (s *Step[T]) undo() {
	s.Pass.Step--
	for _, state := range s.state {
		copy(state.live.Data, state.before)
	}
	for _, p := range s.Net.Params() {
		clear(p.Grad.Data)
	}
}

// trace computes the step again, layer by layer, and returns the first place that is not finite.
func (s *Step[T]) trace(x *tensor.Tensor[T], t nn.Targets[T]) (first *Origin) {
	p := s.Pass
	look := func(what string, t *tensor.Tensor[T]) {
		if first == nil {
			first = originIn(what, t)
		}
	}
	p.Unfused = true
	p.Observe = func(l nn.Layer[T], forward bool, result *tensor.Tensor[T]) {
		path := pathOf(s.Net, l)
		if forward {
			look("the output of "+path, result)
			return
		}
		for i, param := range l.Params() {
			look("the gradient of "+path+"."+nn.ParamNames(l)[i], param.Grad)
		}
		look("the gradient of the input of "+path, result)
	}
	p.Reset() // sets the number of the step, and so the same random numbers
	y := s.Net.Forward(p, x)
	look("the output of the network", y)
	if loss := s.Loss.Forward(p, y, t); first != nil {
		return first
	} else if !finite(loss) {
		return &Origin{What: "the loss of outputs that are finite", Value: loss}
	}
	dy := s.Loss.Backward(p)
	look("the gradient of the output of the network", dy)
	s.Net.Backward(p, dy)
	for i, param := range s.Net.Params() {
		look("the gradient of "+nn.ParamNames(s.Net)[i], param.Grad)
	}
	return first
}

// pathOf returns the path of a layer in a network.
func pathOf[T tensor.Float](net, l nn.Layer[T]) string {
	for path, other := range nn.Walk(net) {
		if reflect.TypeOf(l).Comparable() && l == other {
			return path.String()
		}
	}
	return nn.Kind(l)
}

// overflowed returns an error if a parameter is not finite after a step.
func (s *Step[T]) overflowed(loss float64) error {
	if s.Optimizer.FiniteValues() {
		return nil
	}
	for _, p := range s.params {
		if !kernel.Finite(p.Value.Data) {
			what := "the parameter " + nn.ParamPaths(s.Net)[p] + " after the step"
			return &DivergedError{Step: int(s.Pass.Step), Loss: loss, Origin: originIn(what, p.Value)}
		}
	}
	return nil
}
