package nn

import (
	"fmt"
	"slices"

	"github.com/chainrule-go/chainrule/tensor"
)

// mustFit panics if x, the argument of Forward or Backward of a layer or loss, is nil. It
// panics with a *[tensor.ShapeError] if x does not have as many elements as its shape says,
// because the program changed only one of the two.
func mustFit[T tensor.Float](layer any, direction string, x *tensor.Tensor[T]) {
	if x == nil {
		panic(fmt.Sprintf("nn: %s.%s of a nil tensor", nameOf(layer), direction))
	}
	if n, ok := tensor.Size(x.Shape...); !ok || n != len(x.Data) {
		panic(&tensor.ShapeError{
			Op:   nameOf(layer) + "." + direction,
			Want: fmt.Sprintf("a shape of %d elements, as many as Data has", len(x.Data)),
			Got:  slices.Clone(x.Shape),
		})
	}
}
