package optim_test

import (
	"fmt"
	"math/rand/v2"

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

// Weight decay on the weights alone, a first layer that stays as it is, clipping, and a
// learning rate that warms up and goes down.
func ExampleOptimizer() {
	rng := rand.New(rand.NewPCG(1, 2))
	net := nn.NewSequential(nn.NewAffine[float32](4, 3, rng), nn.NewReLU[float32](), nn.NewAffine[float32](3, 2, rng))
	o := optim.NewAdamW(net.Params(), 0.001, 0.01)
	o.Group(optim.Vectors(o.Params())...).Decay = 0
	first, err := optim.ParamsIn(net, "Affine1")
	if err != nil {
		fmt.Println(err)
		return
	}
	o.Group(first...).Frozen = true
	o.ClipNorm = 1
	o.Schedule = &optim.Warmup{Steps: 4, Then: &optim.Cosine{Steps: 8}}
	var rates []float64
	for range 12 {
		rates = append(rates, o.Rate())
		o.Step() // after Forward and Backward
	}
	fmt.Printf("%.6f\n%v\n", rates, o.Schedule)
	// Output:
	// [0.000200 0.000400 0.000600 0.000800 0.001000 0.000962 0.000854 0.000691 0.000500 0.000309 0.000146 0.000038]
	// cosine steps=8 end=0 warmup=4
}

func ExampleParseSchedule() {
	for _, text := range []string{"cosine warmup=10%", "step every=1000", "cosine warmup=2000", "cosin"} {
		schedule, err := optim.ParseSchedule(text, 2000)
		fmt.Println(schedule, err)
	}
	// Output:
	// cosine steps=1800 end=0 warmup=200 <nil>
	// step every=1000 gamma=0.1 <nil>
	// <nil> schedule "cosine warmup=2000": the warm-up of 2000 steps leaves none of the training, which has 2000
	// <nil> schedule "cosin": want one of constant, step, milestones, linear, exponential, cosine, onecycle, got "cosin"
}
