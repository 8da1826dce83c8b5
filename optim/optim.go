package optim

import (
	"fmt"
	"runtime"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// An Optimizer moves the parameters it was made for down their gradients.
type Optimizer interface {
	// Step changes each parameter by its Grad, which it leaves zero: there is
	// nothing to reset before the next Backward.
	Step()
}

// mustDiffer panics if a parameter is listed twice: it would step twice. The
// Params of a container list a shared parameter once.
func mustDiffer[T tensor.Float](params []*nn.Param[T]) {
	seen := map[*nn.Param[T]]bool{}
	for i, p := range params {
		if seen[p] {
			panic(fmt.Sprintf("optim: parameter %d, %s, is listed twice", i, p.Name))
		}
		seen[p] = true
	}
}

// threads is how many a step of an optimizer uses.
func threads(n int) int {
	if n > 0 {
		return n
	}
	return runtime.GOMAXPROCS(0)
}
