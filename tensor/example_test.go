package tensor_test

import (
	"fmt"
	"math"

	"github.com/chainrule-go/chainrule/tensor"
)

func Example() {
	x := tensor.Of([]float32{1, 2, 3, 4, 5, 6}, 3, 2)
	fmt.Println(x)

	// The last two rows, sharing memory with x.
	rows := x.Rows(1, 3)
	rows.Data[0] = 30
	fmt.Println(rows)
	fmt.Println(x)

	// Output:
	// Tensor(3, 2) [[1 2] [3 4] [5 6]]
	// Tensor(2, 2) [[30 4] [5 6]]
	// Tensor(3, 2) [[1 2] [30 4] [5 6]]
}

func ExampleTensor_Index() {
	x := tensor.New[float64](2, 3, 4)
	fmt.Println(x.Index(23))
	// Output: [1 2 3]
}

func ExampleSize() {
	fmt.Println(tensor.Size(100, 28, 28))
	fmt.Println(tensor.Size(math.MaxInt, 2))
	// Output:
	// 78400 true
	// 0 false
}
