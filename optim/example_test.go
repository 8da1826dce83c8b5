package optim_test

import (
	"fmt"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/optim"
)

// Down the slope of f(x, y) = x²/20 + y², as in chapter 6 of the book.
func ExampleSGD() {
	p := nn.NewParam[float64]("xy", 2)
	copy(p.Value.Data, []float64{-7, 2})
	sgd := optim.NewSGD([]*nn.Param[float64]{p}, 0.5)
	for range 3 {
		x, y := p.Value.Data[0], p.Value.Data[1]
		p.Grad.Data[0] += x / 10
		p.Grad.Data[1] += 2 * y
		sgd.Step()
		fmt.Printf("%.4f %.4f, gradient %v\n", p.Value.Data[0], p.Value.Data[1], p.Grad.Data)
	}
	// Output:
	// -6.6500 0.0000, gradient [0 0]
	// -6.3175 0.0000, gradient [0 0]
	// -6.0016 0.0000, gradient [0 0]
}

// Down the same slope with a velocity: slow at first, then faster along x.
func ExampleMomentum() {
	p := nn.NewParam[float64]("xy", 2)
	copy(p.Value.Data, []float64{-7, 2})
	momentum := optim.NewMomentum([]*nn.Param[float64]{p}, 0.1, 0.9)
	for range 3 {
		x, y := p.Value.Data[0], p.Value.Data[1]
		p.Grad.Data[0] += x / 10
		p.Grad.Data[1] += 2 * y
		momentum.Step()
		fmt.Printf("%.4f %.4f, velocity %.4f\n", p.Value.Data[0], p.Value.Data[1], momentum.State()[0].Value.Data)
	}
	// Output:
	// -6.9300 1.6000, velocity [0.0700 -0.4000]
	// -6.7977 0.9200, velocity [0.1323 -0.6800]
	// -6.6107 0.1240, velocity [0.1870 -0.7960]
}
