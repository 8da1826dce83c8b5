package train

import (
	"encoding/json"
	"math"

	"github.com/chainrule-go/chainrule/internal/kernel"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// A LayerHealth describes the state of a layer in a step. Numbers that a layer does not have are
// NaN, and left out in JSON.
type LayerHealth struct {
	Name         string  // "name": the path, such as Block1.Affine1
	GradientNorm float64 // "gradient_norm": the root of the sum of the squares of all gradients of its parameters
	Dead         float64 // "dead": the share of the outputs of a ReLU that are 0 for every sample of the batch
}

type layerHealthJSON struct {
	Name         string   `json:"name"`
	GradientNorm *float64 `json:"gradient_norm,omitempty"`
	Dead         *float64 `json:"dead,omitempty"`
}

// MarshalJSON implements [json.Marshaler].
func (l LayerHealth) MarshalJSON() ([]byte, error) {
	return json.Marshal(layerHealthJSON{l.Name, orNil(l.GradientNorm), orNil(l.Dead)})
}

// UnmarshalJSON implements [json.Unmarshaler].
func (l *LayerHealth) UnmarshalJSON(text []byte) error {
	var j layerHealthJSON
	err := json.Unmarshal(text, &j)
	*l = LayerHealth{j.Name, orNaN(j.GradientNorm), orNaN(j.Dead)}
	return err
}

// health measures the layers in a step.
type health[T tensor.Float] struct {
	layers  []LayerHealth
	params  [][]*nn.Param[T]                           // of each layer
	relus   []*nn.ReLU[T]                              // each layer, or nil if it is not a ReLU
	alive   []bool                                     // for each unit of a ReLU
	outputs func(nn.Layer[T], bool, *tensor.Tensor[T]) // records the outputs of the ReLUs, for nn.Pass.Observe
}

func newHealth[T tensor.Float](net nn.Layer[T]) *health[T] {
	h := &health[T]{}
	for path, l := range nn.Walk(net) {
		var params []*nn.Param[T]
		if _, ok := l.(nn.Fielder[T]); !ok {
			params = l.Params()
		}
		nn.VisitFields(l, func(f nn.Field[T]) error {
			if p, ok := f.Value.(**nn.Param[T]); ok {
				params = append(params, *p)
			}
			return nil
		})
		if relu, ok := l.(*nn.ReLU[T]); ok || len(params) > 0 {
			h.layers = append(h.layers, LayerHealth{path.String(), math.NaN(), math.NaN()})
			h.params, h.relus = append(h.params, params), append(h.relus, relu)
		}
	}
	h.outputs = h.observe
	return h
}

func (h *health[T]) observe(l nn.Layer[T], forward bool, y *tensor.Tensor[T]) {
	relu, ok := l.(*nn.ReLU[T])
	if !ok || !forward || len(y.Shape) == 0 || len(y.Data) == 0 {
		return
	}
	units := len(y.Data) / y.Shape[0]
	if cap(h.alive) < units {
		h.alive = make([]bool, units)
	}
	alive := h.alive[:units]
	clear(alive)
	for i, v := range y.Data {
		if v != 0 {
			alive[i%units] = true
		}
	}
	dead := 0
	for _, a := range alive {
		if !a {
			dead++
		}
	}
	for i := range h.layers {
		if h.relus[i] == relu {
			h.layers[i].Dead = float64(dead) / float64(units)
		}
	}
}

// gradients records the norms of the gradients.
func (h *health[T]) gradients() {
	for i := range h.layers {
		if len(h.params[i]) == 0 {
			continue
		}
		sum := 0.0
		for _, p := range h.params[i] {
			sum += kernel.SumSquares(p.Grad.Data)
		}
		h.layers[i].GradientNorm = math.Sqrt(sum)
	}
}
