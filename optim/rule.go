package optim

import (
	"fmt"
	"slices"
	"strings"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// A Rule defines how an optimizer changes a parameter w by its gradient g, element by
// element. To add an optimizer to this package, add a Rule and a row in the table. The
// settings of a Rule may change between steps.
type Rule[T tensor.Float] interface {
	// State names the arrays that the rule needs for each parameter, such as "velocity". Each
	// has the shape of the parameter and is zero at first.
	State() []string

	// Update changes u.W and sets u.Grad to zero. u is a piece of a parameter; several calls may
	// run at the same time.
	Update(u Update[T])
}

// An Update is one step for a piece of a parameter. W, Grad and the arrays of State have
// the same length.
type Update[T tensor.Float] struct {
	W, Grad []T   // the gradient is clipped, and includes the weight decay
	State   [][]T // in the order of Rule.State
	LR      T     // learning rate of this step
	Step    int   // counted from 1
}

// A row of the table is a rule with its usual settings.
type row[T tensor.Float] struct {
	name      string
	lr        float64
	decay     float64
	decoupled bool
	rule      Rule[T]
}

// table lists the optimizers by name.
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

// Named returns the optimizer with the given name, such as "momentum", with its usual
// settings and learning rate, which the caller may change. It is an error if there is no
// such optimizer.
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
