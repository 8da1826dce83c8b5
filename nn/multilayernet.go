package nn

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/chainrule-go/chainrule/tensor"
)

// MultiLayer describes the multi-layer network of chapter 6 of the book: hidden layers, each an
// Affine and an activation, and an Affine at the end. The weight decay of the book's network is
// a setting of the optimizer here.
type MultiLayer struct {
	Hidden     []int   // units of each hidden layer
	Activation string  // after each hidden Affine, as in a line of layers; "" is relu
	Init       string  // initial weights: he, xavier or a standard deviation; "" chooses by the activation
	BatchNorm  bool    // before each activation
	Dropout    float64 // the rate of a Dropout after each activation; 0 is none
}

// Line returns the line of layers for a network with the given number of outputs, such as
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

// NewMultiLayerNet returns the network that m describes. A sample has inputs numbers. It panics
// if m cannot be built, for example because a layer has no units.
func NewMultiLayerNet[T tensor.Float](inputs int, m MultiLayer, outputs int, rng *rand.Rand) *Sequential[T] {
	return mustParse[T](m.Line(outputs), []int{inputs}, rng)
}
