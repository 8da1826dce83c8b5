package optim

import (
	"sync/atomic"

	"github.com/chainrule-go/chainrule/internal/kernel"
)

// FiniteGrads reports whether every element of every Grad is finite, also for frozen
// parameters. It panics as [Optimizer.Step] does if a Grad has another size than at first.
func (o *Optimizer[T]) FiniteGrads() bool {
	if err := o.checkSizes(); err != nil {
		panic(err.Error())
	}
	o.infinite = 0
	o.each(checkingGrads)
	return o.infinite == 0
}

// FiniteValues reports whether every element of every Value was finite after the last
// [Optimizer.Step], which looks at each while it is in the cache.
func (o *Optimizer[T]) FiniteValues() bool { return !o.overflowed }

// check sets infinite if x is not finite.
func (o *Optimizer[T]) check(x []T) {
	if !kernel.Finite(x) {
		atomic.StoreUint32(&o.infinite, 1)
	}
}
