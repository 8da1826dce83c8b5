package nn

import "github.com/chainrule-go/chainrule/tensor"

// Check runs net once on zeros of the given shape, batch axis included, and
// returns the shape of the result. A shape that does not fit is an error, a
// *[tensor.ShapeError]: for networks whose architecture comes from a file or a
// flag.
func Check[T tensor.Float](net Layer[T], shape ...int) (out []int, err error) {
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
