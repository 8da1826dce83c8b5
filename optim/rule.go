package optim

import (
	"fmt"
	"slices"
	"strings"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// A Rule is how an optimizer changes a parameter w by its gradient g, element by element.
// A new optimizer of this package is a Rule and a row in its table. The settings of a Rule
// are free to change between steps.
type Rule[T tensor.Float] interface {
	// State names the arrays that the rule needs for each parameter, such as
	// "velocity": each of the shape of the parameter, zero at first.
	State() []string

	// Update changes u.W, and leaves u.Grad zero. It is called for a piece of a
	// parameter at a time, for several of them at once.
	Update(u Update[T])
}

// An Update is one step of a piece of a parameter. W, Grad and the arrays of State are of
// the same length.
type Update[T tensor.Float] struct {
	W, Grad []T   // the gradient is clipped, and has the weight decay in it
	State   [][]T // in the order of Rule.State
	LR      T     // learning rate of this step
	Step    int   // counted from 1
}

// A row of the table: a rule with its usual settings.
type row[T tensor.Float] struct {
	name      string
	lr        float64
	decay     float64
	decoupled bool
	rule      Rule[T]
}

// table is the optimizers by name.
func table[T tensor.Float]() []row[T] {
	return []row[T]{
		{"sgd", 0.1, 0, false, SGD[T]{}},
		{"momentum", 0.01, 0, false, &Momentum[T]{Alpha: 0.9}},
		{"nesterov", 0.01, 0, false, &Nesterov[T]{Alpha: 0.9}},
		{"adagrad", 0.01, 0, false, usualAdaGrad[T]()},
		{"rmsprop", 0.001, 0, false, usualRMSProp[T]()},
		{"adam", 0.001, 0, false, usualAdam[T]()},
		{"adamw", 0.001, 0.01, true, usualAdam[T]()},
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
	o := New(params, rows[i].lr, rows[i].rule)
	o.Decay, o.Decoupled = rows[i].decay, rows[i].decoupled
	return o, nil
}
