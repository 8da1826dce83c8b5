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

	// Float32 returns the layer in float32, with parameters of the same shapes. Nil means
	// [nn.Convert], which copies layers of known kinds only. The results in both precisions
	// must agree to within Ulps units in the last place, 0 meaning 64, of the numbers that
	// Terms returns: for y, dx and the gradient of each parameter, in this order, how large
	// the numbers are whose sum each element is. Nil means the largest element of an array
	// or, if Linear is set, the sum of the magnitudes.
	Float32 func(rng *rand.Rand) nn.Layer[float32]
	Ulps    float64
	Terms   func(l nn.Layer[float64], x, y, dy *tensor.Tensor[float64]) [][]float64

	// Linear says that the layer is piecewise linear in x and in each parameter, and
	// exact for whole numbers.
	Linear bool

	// Flat says that the layer is constant in parts, as ReLU is, so that dx rightly has
	// zeros. Kinks moves some elements of x to places where the layer is not
	// differentiable, and returns their number; see [KinksAt]. There, dx must lie between
	// the one-sided derivatives.
	Flat  bool
	Kinks func(x *tensor.Tensor[float64]) int

	// Draw fills x, a batch, with inputs from the layer's domain, such as positive numbers,
	// probabilities, or samples of your own; see [DrawFrom]. Nil means any numbers, also
	// zeros and large ones. Discrete says that the layer is not differentiable in x, for
	// example because x holds indices: no element of x is moved, and dx must be 0.
	Draw     func(x *tensor.Tensor[float64], rng *rand.Rand)
	Discrete bool

	// Random says that the layer draws random numbers in training, from the Step of the
	// Pass. Statistics says that it uses the statistics of the batch in training, and keeps
	// running statistics for evaluation. A layer with neither computes the same in training
	// and in evaluation.
	Random     bool
	Statistics bool

	// Unused names the parameters on which y does not depend, so that their gradient is 0.
	Unused []string

	// Refuses are shapes, with the batch axis, that Forward must refuse with a
	// *tensor.ShapeError. RefusesOne says that it refuses a batch of one sample in training
	// in the same way.
	Refuses    [][]int
	RefusesOne bool

	// AsDrawn turns off the search for the plainest input that shows a mistake. Where
	// mistakes are expected, this search takes most of the time.
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
