package optim

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// An Optimizer moves parameters down their gradients by a [Rule].
type Optimizer[T tensor.Float] struct {
	LR      float64 // learning rate; 0 or more, rounded to T, and free to change between steps
	Threads int     // for large parameters; 0: all of GOMAXPROCS. They change no bit. A training step sets it.
	Rule    Rule[T] // whose settings are free to change between steps
	Steps   int     // steps done

	slots []slot[T]
}

// slot is a parameter and its state.
type slot[T tensor.Float] struct {
	*nn.Param[T]
	state []*tensor.Tensor[T]
	data  [][]T // of state
}

// A Rule is how an optimizer changes a parameter w by its gradient g. A new optimizer of
// this package is a Rule and a row in its table.
type Rule[T tensor.Float] interface {
	// State names the arrays that the rule needs for each parameter, such as
	// "velocity": each of the shape of the parameter, zero at first.
	State() []string

	// Update changes u.W, and leaves u.Grad zero.
	Update(u Update[T])
}

// An Update is one step of one parameter. W, Grad and the arrays of State are of the
// same length.
type Update[T tensor.Float] struct {
	W, Grad []T
	State   [][]T // in the order of Rule.State
	LR      T
	Step    int // counted from 1
	Threads int
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
		own := slot[T]{Param: p}
		for range rule.State() {
			t := tensor.New[T](p.Value.Shape...)
			own.state, own.data = append(own.state, t), append(own.data, t.Data)
		}
		o.slots = append(o.slots, own)
	}
	return o
}

// Check reports whether the learning rate is one: a finite number of 0 or more. A
// negative one would climb.
func (o *Optimizer[T]) Check() error {
	if rate := float64(T(o.LR)); !(rate >= 0) || math.IsInf(rate, 0) {
		return fmt.Errorf("optim: want a learning rate of 0 or more, got %v", o.LR)
	}
	return nil
}

// Params returns the parameters that the optimizer changes.
func (o *Optimizer[T]) Params() []*nn.Param[T] {
	all := make([]*nn.Param[T], len(o.slots))
	for i, p := range o.slots {
		all[i] = p.Param
	}
	return all
}

// Step changes each parameter by its Grad, which it leaves zero: there is nothing to
// reset before the next Backward. It panics if the learning rate is refused by
// [Optimizer.Check].
func (o *Optimizer[T]) Step() {
	if err := o.Check(); err != nil {
		panic(err.Error())
	}
	threads := o.Threads
	if threads == 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	o.Steps++
	for _, p := range o.slots {
		o.Rule.Update(Update[T]{p.Value.Data, p.Grad.Data, p.data, T(o.LR), o.Steps, threads})
	}
}

// A State is an array that an optimizer has for a parameter.
type State[T tensor.Float] struct {
	Param *nn.Param[T]
	Name  string
	Value *tensor.Tensor[T] // the array itself: to resume a training, set its Data
}

// State returns the arrays that the optimizer has, in the order of the parameters. With
// Steps, LR and the settings of the Rule it is all that a training needs to go on.
func (o *Optimizer[T]) State() (all []State[T]) {
	for _, p := range o.slots {
		for i, name := range o.Rule.State() {
			all = append(all, State[T]{p.Param, name, p.state[i]})
		}
	}
	return all
}

// A row of the table: a rule with its usual settings.
type row[T tensor.Float] struct {
	name string
	lr   float64
	rule Rule[T]
}

// table is the optimizers by name.
func table[T tensor.Float]() []row[T] {
	return []row[T]{
		{"sgd", 0.1, SGD[T]{}},
		{"momentum", 0.01, &Momentum[T]{Alpha: 0.9}},
		{"adam", 0.001, usualAdam[T]()},
	}
}

// Names returns the names that [Named] knows.
func Names() (names []string) {
	for _, r := range table[float32]() {
		names = append(names, r.name)
	}
	return names
}

// Named returns the optimizer of that name, such as "momentum", with its usual
// settings and learning rate, which the caller may change. It is an error if there is
// no such optimizer.
func Named[T tensor.Float](name string, params []*nn.Param[T]) (*Optimizer[T], error) {
	rows := table[T]()
	i := slices.IndexFunc(rows, func(r row[T]) bool { return r.name == name })
	if i < 0 {
		return nil, fmt.Errorf("want an optimizer, one of %s, got %q", strings.Join(Names(), ", "), name)
	}
	return New(params, rows[i].lr, rows[i].rule), nil
}
