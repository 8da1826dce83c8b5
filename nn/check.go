package nn

import (
	"fmt"

	"github.com/chainrule-go/chainrule/tensor"
)

// Check runs net once on zeros of the given shape, which includes the batch axis, and returns
// the shape of the result. It is for networks whose architecture comes from a file or a flag:
// a shape that does not fit is an error, a *[MismatchError] if net is a [Sequential], and
// otherwise a *[tensor.ShapeError].
func Check[T tensor.Float](net Layer[T], shape ...int) (out []int, err error) {
	if chain, ok := net.(*Sequential[T]); ok {
		for _, l := range chain.layers {
			if shape, err = Check(l.Layer, shape...); err != nil {
				return nil, inLayer(l.Name, err)
			}
		}
		return shape, nil
	}
	defer func() {
		switch e := recover().(type) {
		case nil:
		case *tensor.ShapeError:
			out, err = nil, e
		default:
			panic(e)
		}
	}()
	return net.Forward(nil, tensor.New[T](shape...)).Shape, nil
}

// A MismatchError names the layer of a network that does not take the output of the layer
// before it.
type MismatchError struct {
	Layer Path
	Err   error // a *tensor.ShapeError
}

func (e *MismatchError) Error() string { return fmt.Sprintf("layer %s: %v", e.Layer, e.Err) }

// Unwrap returns e.Err.
func (e *MismatchError) Unwrap() error { return e.Err }

// inLayer adds the name of the outer layer to the path of a mismatch.
func inLayer(name string, err error) error {
	if e, ok := err.(*MismatchError); ok {
		return &MismatchError{append(Path{name}, e.Layer...), e.Err}
	}
	return &MismatchError{Path{name}, err}
}
