package optim

import (
	"fmt"
	"math"
	"runtime"
	"slices"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// An Optimizer moves parameters down their gradients by a [Rule]. In a step, each parameter
// w with gradient g changes by
//
//	g ← g·min(1, ClipNorm/(‖g‖ + 1e-6))     ‖g‖ of all parameters together
//	g ← g, or ±ClipValue where it is beyond
//	g ← g + λ·w                             weight decay; or, Decoupled, w ← w - η·λ·w
//	w, state ← Rule(w, state, g, η)         η is LR times the factor of the Schedule
//	g ← 0
//
// in one pass over memory; ClipNorm needs one more pass over the gradients. The fields may
// change between steps.
//
// Clipping by norm limits the length of the step after an exploding gradient, and keeps its
// direction (Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural
// networks", ICML 2013; the 1e-6 is PyTorch's). The norm is summed in float64, in an order
// that does not depend on the threads. If an element of a gradient is NaN, the norm is NaN,
// and so is every parameter after the step.
//
// Weight decay in the gradient is the form of the book, of ONNX and of PyTorch's SGD and
// Adam. It is not clipped. Decoupled weight decay is not part of the gradient that the Rule
// gets (Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019).
type Optimizer[T tensor.Float] struct {
	LR        float64  // learning rate; 0 or more, rounded to T
	Schedule  Schedule // multiplies LR from step to step; nil: 1
	ClipNorm  float64  // the largest norm of the gradient; 0: no limit
	ClipValue float64  // the largest size of an element of the gradient; 0: no limit
	Decay     float64  // weight decay λ of the parameters without a Group; 0 or more
	Decoupled bool     // weight decay is not part of the gradient
	Rule      Rule[T]
	Steps     int // steps done
	Threads   int // 0: all of GOMAXPROCS. It changes no bit. A training step sets it.

	slots    []slot[T]
	pieces   []piece[T]
	order    []int     // order of the pieces, see shareOut
	elements int       // of all parameters
	task     task      // what is done with the pieces
	parts    int       // the number of parts into which it is divided
	squares  []float64 // for each piece, the sum of the squares of the gradient
	scale    T         // multiplies the gradient in this step
	infinite uint32    // 1 if a piece is found that is not finite

	overflowed bool // a Value was not finite after the last step
}

// slot is a parameter, its state, and its settings in this step.
type slot[T tensor.Float] struct {
	*nn.Param[T]
	size  int // of Value
	state []*tensor.Tensor[T]
	group *Group // or nil

	frozen              bool
	rate, decay, shrink T
}

// New returns an optimizer that changes the parameters by a rule. It panics if
// [Optimizer.Check] refuses the learning rate, if a parameter is nil or its Grad and Value
// differ in shape, or if a parameter is listed twice: it would step twice. The Params of a
// container list a shared parameter once.
func New[T tensor.Float](params []*nn.Param[T], lr float64, rule Rule[T]) *Optimizer[T] {
	o := &Optimizer[T]{LR: lr, Rule: rule}
	if err := o.Check(); err != nil {
		panic(err.Error())
	}
	seen := map[*nn.Param[T]]bool{}
	for i, p := range params {
		if p == nil || p.Value == nil || p.Grad == nil || !slices.Equal(p.Grad.Shape, p.Value.Shape) {
			panic(fmt.Sprintf("optim: parameter %d: want a Value and a Grad of one shape, such as nn.NewParam makes, got %+v", i, p))
		}
		if seen[p] {
			panic(fmt.Sprintf("optim: parameter %d, %s, is listed twice", i, p.Name))
		}
		seen[p] = true
		own := slot[T]{Param: p, size: len(p.Value.Data)}
		for range rule.State() {
			own.state = append(own.state, tensor.New[T](p.Value.Shape...))
		}
		o.pieces = append(o.pieces, own.pieces(i)...)
		o.elements += own.size
		o.slots = append(o.slots, own)
	}
	o.shareOut()
	o.squares = make([]float64, len(o.pieces))
	return o
}

// Check returns an error if a setting is not a finite number of 0 or more, or if the schedule
// lacks its steps. A negative learning rate would climb.
func (o *Optimizer[T]) Check() error {
	for _, c := range [...]struct {
		name  string
		value float64
	}{{"learning rate", o.LR}, {"weight decay", o.Decay}, {"ClipNorm", o.ClipNorm}, {"ClipValue", o.ClipValue}} {
		if !fits[T](c.value) {
			return fmt.Errorf("optim: want a %s of 0 or more, got %v", c.name, c.value)
		}
	}
	if o.ClipValue > 0 && T(o.ClipValue) == 0 {
		return fmt.Errorf("optim: ClipValue %v is 0 as a %T: every gradient would be 0", o.ClipValue, T(0))
	}
	if err := checkSchedule(o.Schedule); err != nil {
		return err
	}
	rate := o.Rate()
	if !fits[T](rate) {
		return fmt.Errorf("optim: want a learning rate of 0 or more, got %v at step %d by the schedule %v", rate, o.Steps, o.Schedule)
	}
	for i := range o.slots {
		if g := o.slots[i].group; g != nil && !(fits[T](g.Decay) && fits[T](g.Rate) && fits[T](g.Rate*rate)) {
			return fmt.Errorf("optim: the group of parameter %s: want a Rate and a Decay of 0 or more, got %v and %v", o.slots[i].Name, g.Rate, g.Decay)
		}
	}
	return nil
}

// fits reports whether x, rounded to T, is a finite number of 0 or more.
func fits[T tensor.Float](x float64) bool { v := float64(T(x)); return v >= 0 && !math.IsInf(v, 0) }

// Rate returns the learning rate of the next step: LR times the factor of the Schedule.
func (o *Optimizer[T]) Rate() float64 {
	if o.Schedule == nil {
		return o.LR
	}
	return o.LR * o.Schedule.Factor(o.Steps)
}

// Params returns the parameters of the optimizer, with frozen ones.
func (o *Optimizer[T]) Params() []*nn.Param[T] {
	all := make([]*nn.Param[T], len(o.slots))
	for i, p := range o.slots {
		all[i] = p.Param
	}
	return all
}

// Step changes each parameter by its Grad and then sets the Grad to zero, so there is
// nothing to reset before the next Backward. It panics if [Optimizer.Check] refuses a
// setting, or if a Value or Grad has another size than at first.
func (o *Optimizer[T]) Step() {
	err := o.Check()
	if err == nil {
		err = o.checkSizes()
	}
	if err != nil {
		panic(err.Error())
	}
	o.prepare()
	o.scale = 1
	if o.ClipNorm > 0 {
		o.scale = T(min(1, o.ClipNorm/(o.norm()+1e-6)))
	}
	o.Steps++
	o.infinite = 0
	o.each(updating)
	o.overflowed = o.infinite != 0
}

func (o *Optimizer[T]) threads() int {
	if o.Threads == 0 {
		return runtime.GOMAXPROCS(0)
	}
	return o.Threads
}

// checkSizes returns an error unless the parameters have the same sizes as at first.
func (o *Optimizer[T]) checkSizes() error {
	for i := range o.slots {
		if s := &o.slots[i]; len(s.Value.Data) != s.size || len(s.Grad.Data) != s.size {
			return fmt.Errorf("optim: parameter %s has a Value of %d and a Grad of %d elements, want %d as at first", s.Name, len(s.Value.Data), len(s.Grad.Data), s.size)
		}
	}
	return nil
}

// prepare sets the fields of the slots for this step.
func (o *Optimizer[T]) prepare() {
	rate := o.Rate()
	for i := range o.slots {
		s := &o.slots[i]
		own, decay := rate, o.Decay
		s.frozen = false
		if g := s.group; g != nil {
			own, decay, s.frozen = rate*g.Rate, g.Decay, g.Frozen
		}
		s.rate, s.decay, s.shrink = T(own), T(decay), 0
		if o.Decoupled {
			s.decay, s.shrink = 0, T(own*decay)
		}
	}
}

// A State is an array that an optimizer keeps for a parameter.
type State[T tensor.Float] struct {
	Param *nn.Param[T]
	Name  string
	Value *tensor.Tensor[T] // the array itself: to resume a training, copy into its Data
}

// State returns the arrays that the optimizer keeps, in the order of the parameters. A
// training can be resumed with these, Steps and the settings.
func (o *Optimizer[T]) State() (all []State[T]) {
	for _, p := range o.slots {
		for i, name := range o.Rule.State() {
			all = append(all, State[T]{p.Param, name, p.state[i]})
		}
	}
	return all
}
