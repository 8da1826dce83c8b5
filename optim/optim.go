package optim

import (
	"fmt"
	"math"
	"runtime"
	"slices"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// An Optimizer moves parameters down their gradients by a [Rule]. In a step a parameter w
// with gradient g goes through
//
//	g ← g·min(1, ClipNorm/(‖g‖ + 1e-6))     ‖g‖ of all parameters together
//	g ← g, or ±ClipValue where it is beyond
//	g ← g + λ·w                             weight decay; or, Decoupled, w ← w - η·λ·w
//	w, state ← Rule(w, state, g, η)         η is LR times the factor of the Schedule
//	g ← 0
//
// in one pass over memory, and one more over the gradients for the norm. Its fields are
// free to change between steps.
//
// Clipping by norm limits the length of the step that an exploding gradient takes and
// keeps its direction (Pascanu, Mikolov and Bengio, "On the difficulty of training
// recurrent neural networks", ICML 2013; the 1e-6 is PyTorch's). A norm is summed in
// float64, in an order that does not depend on the threads. Where a gradient is NaN the norm is NaN,
// and with it every parameter.
//
// Decay in the gradient is that of the book, of ONNX and of PyTorch's SGD and Adam, and
// is not clipped. Decoupled decay is not part of what a Rule sees (Loshchilov and Hutter,
// "Decoupled weight decay regularization", ICLR 2019).
type Optimizer[T tensor.Float] struct {
	LR        float64  // learning rate; 0 or more, rounded to T
	Schedule  Schedule // what multiplies LR from step to step; nil: 1
	ClipNorm  float64  // the norm that the gradient has at most; 0: any
	ClipValue float64  // the size that an element of it has at most; 0: any
	Decay     float64  // weight decay λ of the parameters in no Group; 0 or more
	Decoupled bool     // weight decay is not part of the gradient
	Rule      Rule[T]
	Steps     int // steps done
	Threads   int // 0: all of GOMAXPROCS. They change no bit. A training step sets it.

	slots    []slot[T]
	pieces   []piece[T]
	order    []int     // of the pieces, see shareOut
	elements int       // of all parameters
	task     task      // what is being done to the pieces,
	parts    int       // in so many parts
	squares  []float64 // of the gradient in each piece, summed
	scale    T         // of the gradient in this step
	infinite uint32    // 1 if a piece is not finite

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

// New returns an optimizer of the parameters by a rule. It panics if the learning rate
// is refused by [Optimizer.Check], if a parameter is nil or its Grad is not of the shape of
// its Value, or if one is listed twice: it would step twice. The Params of a container list
// a shared parameter once.
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

// Check reports whether the settings are such: each a finite number of 0 or more. A
// negative learning rate would climb.
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

// fits reports whether x as a T is a finite number of 0 or more.
func fits[T tensor.Float](x float64) bool { v := float64(T(x)); return v >= 0 && !math.IsInf(v, 0) }

// Rate returns the learning rate of the next step: LR times the factor of the Schedule.
func (o *Optimizer[T]) Rate() float64 {
	if o.Schedule == nil {
		return o.LR
	}
	return o.LR * o.Schedule.Factor(o.Steps)
}

// Params returns the parameters that the optimizer has, frozen ones too.
func (o *Optimizer[T]) Params() []*nn.Param[T] {
	all := make([]*nn.Param[T], len(o.slots))
	for i, p := range o.slots {
		all[i] = p.Param
	}
	return all
}

// Step changes each parameter by its Grad, which it leaves zero: there is nothing to
// reset before the next Backward. It panics if a setting is refused by
// [Optimizer.Check], or if a Value or a Grad has got another size.
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

// checkSizes reports whether the parameters have the sizes that they had at first.
func (o *Optimizer[T]) checkSizes() error {
	for i := range o.slots {
		if s := &o.slots[i]; len(s.Value.Data) != s.size || len(s.Grad.Data) != s.size {
			return fmt.Errorf("optim: parameter %s has a Value of %d and a Grad of %d elements, want %d as at first", s.Name, len(s.Value.Data), len(s.Grad.Data), s.size)
		}
	}
	return nil
}

// prepare sets what the slots need in this step.
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

// A State is an array that an optimizer has for a parameter.
type State[T tensor.Float] struct {
	Param *nn.Param[T]
	Name  string
	Value *tensor.Tensor[T] // the array itself: to resume a training, copy into its Data
}

// State returns the arrays that the optimizer has, in the order of the parameters. With
// Steps and the settings it is all that a training needs to go on.
func (o *Optimizer[T]) State() (all []State[T]) {
	for _, p := range o.slots {
		for i, name := range o.Rule.State() {
			all = append(all, State[T]{p.Param, name, p.state[i]})
		}
	}
	return all
}
