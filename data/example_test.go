package data_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/tensor"
)

func fiveSamples() data.Set[float32] {
	return data.Set[float32]{
		X: tensor.Of([]float32{0, 0, 1, 1, 2, 2, 3, 3, 4, 4}, 5, 2),
		T: []int{0, 1, 0, 1, 0},
	}
}

func ExampleSet_Batches() {
	set := fiveSamples()
	for x, t := range set.Batches(2, nil) {
		fmt.Println(x, t)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for x, t := range set.Batches(2, rng) {
		fmt.Println("shuffled", x, t)
	}
	// Output:
	// Tensor(2, 2) [[0 0] [1 1]] [0 1]
	// Tensor(2, 2) [[2 2] [3 3]] [0 1]
	// Tensor(1, 2) [[4 4]] [0]
	// shuffled Tensor(2, 2) [[0 0] [4 4]] [0 0]
	// shuffled Tensor(2, 2) [[2 2] [3 3]] [0 1]
	// shuffled Tensor(1, 2) [[1 1]] [1]
}

// A training stops in the middle of an epoch and goes on in another process.
func ExampleBatcher_Seek() {
	const seed = 7
	b := data.NewBatcher(fiveSamples(), 2, seed)
	b.Next()
	epoch, batch := b.Position() // for the checkpoint
	for x, t, ok := b.Next(); ok; x, t, ok = b.Next() {
		fmt.Println("uninterrupted", x, t)
	}

	b = data.NewBatcher(fiveSamples(), 2, seed)
	if err := b.Seek(epoch, batch); err != nil {
		fmt.Println(err)
	}
	for x, t, ok := b.Next(); ok; x, t, ok = b.Next() {
		fmt.Println("resumed      ", x, t)
	}
	// Output:
	// uninterrupted Tensor(2, 2) [[1 1] [2 2]] [1 0]
	// uninterrupted Tensor(1, 2) [[4 4]] [0]
	// resumed       Tensor(2, 2) [[1 1] [2 2]] [1 0]
	// resumed       Tensor(1, 2) [[4 4]] [0]
}

func ExampleReadIDX() {
	file := []byte{0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6}
	x, err := data.ReadIDX(bytes.NewReader(file), "digits", 1_000_000)
	fmt.Println(x.Shape, x.Data, err)
	_, err = data.ReadIDX(bytes.NewReader(file[:15]), "digits", 1_000_000)
	fmt.Println(err)
	// Output:
	// [2 3] [1 2 3 4 5 6] <nil>
	// digits, byte 15: want 6 elements of shape (2, 3), got the end of the file
}
