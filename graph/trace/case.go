package trace

import (
	"math/rand/v2"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// A Case is a layer to be checked by package gradcheck. Name, New and Sample are
// enough; each of the other fields lets it be checked more closely.
type Case struct {
	Name   string
	New    func(rng *rand.Rand) nn.Layer[float64] // a new layer, the same for the same rng
	Sample []int                                  // the shape of one sample; sides that differ catch transposes

	// Graph is the function that the layer computes. With it, the graph and the complex
	// step are references too. Nil means the registered formula; see [Register].
	Graph Formula

	// Float32 returns the layer in float32, with parameters of the same shapes. Nil
	// means [nn.Convert], which copies layers of known kinds only. Both precisions are
	// compared, to within Ulps units in the last place of what Terms says, where 0 means
	// 64. Terms returns how large the numbers are of which each element is the sum, of
	// y, dx and the gradient of each parameter, in that order. Nil means the largest
	// element of an array or, where Linear is set, the sum of the magnitudes.
	Float32 func(rng *rand.Rand) nn.Layer[float32]
	Ulps    float64
	Terms   func(l nn.Layer[float64], x, y, dy *tensor.Tensor[float64]) [][]float64

	// Linear says that the layer is piecewise linear in x and in each parameter, and
	// exact for whole numbers.
	Linear bool

	// Flat says that the layer is constant in parts, as ReLU is, so that dx has zeros
	// where it is right. Kinks moves some elements of x to where the layer is not
	// differentiable, and returns how many those are; see [KinksAt]. There, dx must lie
	// between the one-sided derivatives.
	Flat  bool
	Kinks func(x *tensor.Tensor[float64]) int

	// Draw fills x, a batch, with inputs of the layer's domain: positive numbers,
	// probabilities, or samples of your own; see [DrawFrom]. Nil means any numbers, zeros
	// and large ones among them. Discrete says that the layer is not differentiable in x,
	// which holds indices for example: no element of x is moved, and dx must be 0.
	Draw     func(x *tensor.Tensor[float64], rng *rand.Rand)
	Discrete bool

	// What a layer does otherwise in training than in evaluation, and how its results
	// may vary, is declared: Random says that in training it draws random numbers, from
	// the Step of the Pass, and Statistics that in training it uses the statistics of the
	// batch and keeps running ones for evaluation. A layer with neither computes the same
	// in both.
	Random     bool
	Statistics bool

	// Unused are the names of the parameters that y does not depend on, so that their
	// gradient is 0.
	Unused []string

	// Refuses are shapes, batch axis included, that Forward must refuse with a
	// *tensor.ShapeError. RefusesOne says that in training it so refuses a batch of one.
	Refuses    [][]int
	RefusesOne bool

	// AsDrawn says not to look for the plainest input that shows a mistake: where
	// mistakes are expected, that is most of the time.
	AsDrawn bool
}

// DrawFrom returns Case.Draw for a domain of numbers from least to most.
func DrawFrom(least, most float64) func(x *tensor.Tensor[float64], rng *rand.Rand) {
	return func(x *tensor.Tensor[float64], rng *rand.Rand) {
		for i := range x.Data {
			x.Data[i] = least + float64((most-least)*rng.Float64())
		}
	}
}

// KinksAt returns Case.Kinks for kinks at a value, such as 0 for ReLU: it sets every
// third element to it.
func KinksAt(value float64) func(x *tensor.Tensor[float64]) int {
	return func(x *tensor.Tensor[float64]) (kinks int) {
		for i := 0; i < len(x.Data); i += 3 {
			x.Data[i] = value
			kinks++
		}
		return kinks
	}
}

// NewFloat32 returns the layer in float32. It is an error if the layer cannot be
// converted.
func (c Case) NewFloat32(rng *rand.Rand) (nn.Layer[float32], error) {
	if c.Float32 != nil {
		return c.Float32(rng), nil
	}
	return nn.Convert[float32](c.New(rng))
}
