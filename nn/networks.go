package nn

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/chainrule-go/chainrule/internal/spelling"
	"github.com/chainrule-go/chainrule/tensor"
)

// networks is the table of the networks with a name: for each, the function that returns its
// line of layers for a given number of outputs.
var networks = []struct {
	name, about string
	line        func(outputs int) string
}{
	{"multilayer", "layers of Affine and ReLU; of one hidden layer of 50 units, as in chapter 5 of the book", func(outputs int) string { return MultiLayer{Hidden: []int{50}}.Line(outputs) }},
	{"simpleconv", "SimpleConvNet of chapter 7: one convolution", simpleConvNet},
	{"deepconv", "DeepConvNet of chapter 8: six convolutions, He's initial weights, dropout", deepConvNet},
	{"resnet20", "ResNet-20 for small images: 19 convolutions in residual blocks, batch norm", resNet20},
}

// NetworkNames returns the names of the networks that [NetworkLine] knows.
func NetworkNames() (names []string) {
	for _, n := range networks {
		names = append(names, n.name)
	}
	return names
}

// NetworkAbout describes the network of the given name in a few words. It returns "" if there
// is none.
func NetworkAbout(name string) string {
	for _, n := range networks {
		if n.name == name {
			return n.about
		}
	}
	return ""
}

// NetworkLine returns the line of layers of the network with the given name and number of
// outputs.
func NetworkLine(name string, outputs int) (string, error) {
	for _, n := range networks {
		if n.name == name {
			return n.line(outputs), nil
		}
	}
	return "", fmt.Errorf("there is no network %s%s; there are %s", clip(name), spelling.Suggest(name, NetworkNames()), strings.Join(NetworkNames(), ", "))
}

// mustParse is [Parse] for constructors: it panics instead of returning an error.
func mustParse[T tensor.Float](line string, sample []int, rng *rand.Rand) *Sequential[T] {
	net, err := Parse[T](line, sample, rng)
	if err != nil {
		panic(fmt.Sprintf("nn: %v", err))
	}
	return net
}
