package optim

import (
	"sync/atomic"

	"github.com/chainrule-go/chainrule/internal/kernel"
)

// FiniteGrads reports whether no element of a Grad is infinite or NaN, of frozen
// parameters too. It panics as [Optimizer.Step] does if a Grad has got another size.
func (o *Optimizer[T]) FiniteGrads() bool {
	if err := o.checkSizes(); err != nil {
		panic(err.Error())
	}
	o.infinite = 0
	o.each(checkingGrads)
	return o.infinite == 0
}

// FiniteValues reports the same of the Value of every parameter after the last
// [Optimizer.Step], which looks at each while it is in the cache.
func (o *Optimizer[T]) FiniteValues() bool { return !o.overflowed }

// check sets infinite if x is not finite.
func (o *Optimizer[T]) check(x []T) {
	if !kernel.Finite(x) {
		atomic.StoreUint32(&o.infinite, 1)
	}
}
