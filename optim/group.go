package optim

import (
	"fmt"
	"slices"
	"strings"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// A Group is the settings of some parameters that differ from the others. They are free
// to change between steps.
type Group struct {
	Rate   float64 // multiplies the learning rate; 1 at first
	Decay  float64 // weight decay; that of the optimizer at first
	Frozen bool    // the parameters and their state stay as they are, and count in no norm
}

// Group puts parameters of the optimizer in a new group, and returns it. A parameter is
// in the last group that it was put in. It panics if one is not the optimizer's.
//
//	o := optim.NewAdamW(net.Params(), 0.001, 0.01)
//	o.Group(optim.Vectors(net.Params())...).Decay = 0 // of biases and normalisation
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

// GroupOf returns the group that a parameter is in, or nil if it is in none.
func (o *Optimizer[T]) GroupOf(p *nn.Param[T]) *Group {
	if at := slices.IndexFunc(o.slots, func(s slot[T]) bool { return s.Param == p }); at >= 0 {
		return o.slots[at].group
	}
	return nil
}

// Vectors returns the parameters of at most one dimension, on which weight decay is
// usually 0: biases, and the scale and shift of normalisation.
func Vectors[T tensor.Float](params []*nn.Param[T]) (vectors []*nn.Param[T]) {
	for _, p := range params {
		if len(p.Value.Shape) < 2 {
			vectors = append(vectors, p)
		}
	}
	return vectors
}

// ParamsIn returns the parameters of the layers of net with these paths, as in
// "Block1.Affine1": each once, of layers inside them too. It is an error if there is no
// such layer. To freeze layers:
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
