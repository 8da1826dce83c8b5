package optim

import (
	"fmt"
	"slices"
	"strings"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// A Group holds the settings of some parameters that differ from the settings of the
// others. They may change between steps.
type Group struct {
	Rate   float64 // multiplies the learning rate; initially 1
	Decay  float64 // weight decay; initially the weight decay of the optimizer
	Frozen bool    // the parameters and their state do not change, and do not count in the norm
}

// Group puts parameters of the optimizer into a new group, and returns it. A parameter that
// was in another group leaves it. It panics if a parameter does not belong to the
// optimizer.
//
//	o := optim.NewAdamW(net.Params(), 0.001, 0.01)
//	o.Group(optim.Vectors(net.Params())...).Decay = 0 // for biases and normalization
func (o *Optimizer[T]) Group(params ...*nn.Param[T]) *Group {
	g := &Group{Rate: 1, Decay: o.Decay}
	for i, p := range params {
		at := slices.IndexFunc(o.slots, func(s slot[T]) bool { return s.Param == p })
		if at < 0 {
			panic(fmt.Sprintf("optim: parameter %d of the group is none of the optimizer: %+v", i, p))
		}
		o.slots[at].group = g
	}
	return g
}

// GroupOf returns the group of a parameter, or nil if it has none.
func (o *Optimizer[T]) GroupOf(p *nn.Param[T]) *Group {
	if at := slices.IndexFunc(o.slots, func(s slot[T]) bool { return s.Param == p }); at >= 0 {
		return o.slots[at].group
	}
	return nil
}

// Vectors returns the parameters with at most one axis, for which weight decay is usually
// 0: biases, and the scale and shift of normalization.
func Vectors[T tensor.Float](params []*nn.Param[T]) (vectors []*nn.Param[T]) {
	for _, p := range params {
		if len(p.Value.Shape) < 2 {
			vectors = append(vectors, p)
		}
	}
	return vectors
}

// ParamsIn returns the parameters of the layers of net with the given paths, such as
// "Block1.Affine1", and of the layers inside these. Each parameter occurs once. It is an
// error if there is no such layer. To freeze layers:
//
//	first, err := optim.ParamsIn(net, "Affine1", "Affine2")
//	...
//	o.Group(first...).Frozen = true
func ParamsIn[T tensor.Float](net nn.Layer[T], paths ...string) (params []*nn.Param[T], err error) {
	layers := map[string]nn.Layer[T]{}
	var all []string
	for path, l := range nn.Walk(net) {
		if len(path) > 0 {
			layers[path.String()] = l
			all = append(all, path.String())
		}
	}
	for _, path := range paths {
		l, ok := layers[path]
		if !ok {
			return nil, fmt.Errorf("optim: the network has no layer %q; want one of %s", path, strings.Join(all, ", "))
		}
		for _, p := range l.Params() {
			if !slices.Contains(params, p) {
				params = append(params, p)
			}
		}
	}
	return params, nil
}
