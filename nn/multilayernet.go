package nn

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/chainrule-go/chainrule/tensor"
)

// MultiLayer describes the multi-layer network of chapter 6 of the book: hidden layers of
// Affine and an activation, and an Affine at the end. Weight decay, which the book's has as
// well, is the optimizer's.
type MultiLayer struct {
	Hidden     []int   // units of each hidden layer
	Activation string  // after each hidden Affine, as a line of layers has it; "" is relu
	Init       string  // initial weights: he, xavier, a standard deviation; "" as suits the activation
	BatchNorm  bool    // before each activation
	Dropout    float64 // the rate of a Dropout after each activation; 0 is none
}

// Line returns the line of layers for so many outputs, such as
//
//	affine 100, batchnorm, relu, dropout 0.5, affine 10
func (m MultiLayer) Line(outputs int) string {
	activation, init := "relu", ""
	if m.Activation != "" {
		activation = m.Activation
	}
	if m.Init != "" {
		init = " init=" + m.Init
	}
	var layers []string
	for _, units := range m.Hidden {
		layers = append(layers, fmt.Sprintf("affine %d%s", units, init))
		if m.BatchNorm {
			layers = append(layers, "batchnorm")
		}
		layers = append(layers, activation)
		if m.Dropout > 0 {
			layers = append(layers, fmt.Sprintf("dropout %v", m.Dropout))
		}
	}
	return strings.Join(append(layers, fmt.Sprintf("affine %d%s", outputs, init)), ", ")
}

// NewMultiLayerNet returns the network that m describes, for samples of so many inputs.
// It panics if m cannot be built, such as with no units in a layer.
func NewMultiLayerNet[T tensor.Float](inputs int, m MultiLayer, outputs int, rng *rand.Rand) *Sequential[T] {
	return mustParse[T](m.Line(outputs), []int{inputs}, rng)
}
