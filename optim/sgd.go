package optim

import (
	"slices"

	"github.com/chainrule-go/chainrule/internal/kernel"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// SGD is stochastic gradient descent.
//
//	w ← w - η·g
//
// η is LR, the learning rate: above 0, rounded to T, and free to change between
// steps. (Robbins and Monro, "A stochastic approximation method", Annals of
// Mathematical Statistics 22, 1951; chapter 6 of the book.)
type SGD[T tensor.Float] struct {
	LR      float64
	Threads int // for large parameters; 0: all of GOMAXPROCS. They change no bit.
	params  []*nn.Param[T]
}

// NewSGD returns the optimizer of the parameters. It panics if one is listed
// twice.
func NewSGD[T tensor.Float](params []*nn.Param[T], lr float64) *SGD[T] {
	mustDiffer(params)
	return &SGD[T]{LR: lr, params: slices.Clone(params)}
}

func (o *SGD[T]) Step() {
	n := threads(o.Threads)
	for _, p := range o.params {
		kernel.SGD(n, p.Value.Data, p.Grad.Data, T(o.LR))
	}
}
