package optim

import (
	"sync/atomic"

	"github.com/chainrule-go/chainrule/internal/kernel"
)

// FiniteGrads reports whether every element of every Grad is finite, also for frozen
// parameters. It panics as [Optimizer.Step] does if a Grad has another size than at first.
func (o *Optimizer[T]) FiniteGrads() bool { return o.finite(checkingGrads) }

// FiniteValues reports whether every element of every Value is finite.
func (o *Optimizer[T]) FiniteValues() bool { return o.finite(checkingValues) }

func (o *Optimizer[T]) finite(check task) bool {
	if err := o.checkSizes(); err != nil {
		panic(err.Error())
	}
	o.infinite = 0
	o.each(check)
	return o.infinite == 0
}

func (o *Optimizer[T]) check(x []T) {
	if !kernel.Finite(x) {
		atomic.StoreUint32(&o.infinite, 1)
	}
}
