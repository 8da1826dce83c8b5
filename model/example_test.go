package model_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/chainrule-go/chainrule/model"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

func Example() {
	dir, err := os.MkdirTemp("", "model")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "mnist.safetensors")

	rng := rand.New(rand.NewPCG(1, 2))
	net := nn.NewSequential(
		nn.NewAffine[float32](784, 50, rng), nn.NewReLU[float32](),
		nn.NewAffine[float32](50, 10, rng),
	)
	if err := model.Save(path, net, 784); err != nil {
		panic(err)
	}

	m, err := model.Load[float32](path)
	if err != nil {
		panic(err)
	}
	fmt.Println(m.Net, "for samples", m.Input)
	fmt.Println(m.Net.Forward(nil, tensor.New[float32](3, 784)).Shape)

	_, err = model.Load[float64](path)
	fmt.Println(err.(*model.FormatError).Problem)

	// Output:
	// Sequential(Affine(784->50), ReLU, Affine(50->10)) for samples [784]
	// [3 10]
	// want F64, got F32: its weights are float32, and to load them as such takes a program that asks for it (model.Load[float32])
}
