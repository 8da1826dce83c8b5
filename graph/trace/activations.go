package trace

import (
	"math"
	"math/rand/v2"

	"github.com/chainrule-go/chainrule/graph"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// activationRows are the rows of all activations except ReLU, Sigmoid and Tanh.
func activationRows() []Row {
	return []Row{
		{
			// Of two equal numbers the maximum takes the second: at 0 the gradient is the slope.
			formula: layer(func(t *Tracer, l *nn.LeakyReLU[float64], x Node) Node {
				return t.Maximum(x, t.Mul(x, t.Const(l.Slope(), x.Shape...)))
			}),
			Make:    func(Sizes, *rand.Rand) nn.Layer[float64] { return nn.LeakyReLUOf[float64](0.125) },
			Small:   Sizes{Sample: []int{5, 3}},
			Real:    []Sizes{{Sample: []int{50}}},
			PyTorch: "F.leaky_relu(x, 0.125)",
			Case: Case{
				Name:  "LeakyReLU",
				Ulps:  0.5, // below one: none, for the slope is 1/8
				Kinks: KinksAt(0),
			},
		},
		{
			formula: layer(prelu),
			Make:    func(s Sizes, _ *rand.Rand) nn.Layer[float64] { return nn.NewPReLU[float64](s.Sample[0]) },
			Small:   Sizes{Sample: []int{5, 3}},
			Real:    []Sizes{{Sample: []int{50}}},
			Random:  images,
			PyTorch: "F.prelu(x, slope)",
			Case: Case{
				Name:    "PReLU",
				Ulps:    8, // sums of 12 products
				Kinks:   KinksAt(0),
				Refuses: [][]int{{3, 6, 3}, {5}, {}},
			},
		},
		{
			Make:    func(Sizes, *rand.Rand) nn.Layer[float64] { return nn.NewPReLU[float64](1) },
			Small:   Sizes{Sample: []int{5, 3}},
			PyTorch: "F.prelu(x, slope)",
			Case: Case{
				Name:  "PReLU, shared",
				Ulps:  8, // the sum of 60 products, in 16 lanes
				Kinks: KinksAt(0),
			},
		},
		{
			formula: layer(func(t *Tracer, l *nn.ELU[float64], x Node) Node {
				above := graph.ReLU(t.Graph, x)
				below := t.Sub(t.Exp(t.Sub(x, above)), t.Const(1, x.Shape...)) // 0 where x is above 0
				return t.Add(above, t.Mul(t.Const(l.Alpha(), x.Shape...), below))
			}),
			Make:    func(Sizes, *rand.Rand) nn.Layer[float64] { return nn.ELUOf[float64](1.25) },
			Small:   Sizes{Sample: []int{5, 3}},
			Real:    []Sizes{{Sample: []int{50}}},
			PyTorch: "F.elu(x, 1.25)",
			Case: Case{
				Name:  "ELU",
				Ulps:  4,                                                  // y: exp, and α·; dx: that of y, + and a product
				Terms: elementwise(func(float64) float64 { return 1.25 }), // of y + α
				Kinks: KinksAt(0),
			},
		},
		{
			formula: layer(func(t *Tracer, l *nn.GELU[float64], x Node) Node {
				one, half := t.Const(1, x.Shape...), t.Const(0.5, x.Shape...)
				var s Node
				if l.Tanh() {
					cube := t.Mul(t.Mul(x, x), x)
					u := t.Add(x, t.Mul(t.Const(0.044715, x.Shape...), cube))
					s = t.Tanh(t.Mul(t.Const(math.Sqrt(2/math.Pi), x.Shape...), u))
				} else {
					s = t.Erf(t.Mul(t.Const(math.Sqrt2/2, x.Shape...), x))
				}
				return t.Mul(x, t.Mul(half, t.Add(one, s)))
			}),
			Make:    func(Sizes, *rand.Rand) nn.Layer[float64] { return nn.NewGELU[float64]() },
			Small:   Sizes{Sample: []int{5, 3}},
			Real:    []Sizes{{Sample: []int{50}}},
			PyTorch: "F.gelu(x)",
			Case: Case{
				Name:  "GELU",
				Ulps:  6, // y: 5.4 ulp in float32; dx: 3 ulp of 1, and a product
				Terms: gateTerms,
			},
		},
		{
			Make:    func(Sizes, *rand.Rand) nn.Layer[float64] { return nn.NewGELUTanh[float64]() },
			Small:   Sizes{Sample: []int{5, 3}},
			Real:    []Sizes{{Sample: []int{50}}},
			PyTorch: "F.gelu(x, approximate='tanh')",
			Case: Case{
				Name:  "GELU(tanh)",
				Ulps:  6, // as GELU
				Terms: gateTerms,
			},
		},
		{
			formula: layer(func(t *Tracer, _ *nn.SiLU[float64], x Node) Node { return t.Mul(x, graph.Sigmoid(t.Graph, x)) }),
			Make:    func(Sizes, *rand.Rand) nn.Layer[float64] { return nn.NewSiLU[float64]() },
			Small:   Sizes{Sample: []int{5, 3}},
			Real:    []Sizes{{Sample: []int{50}}},
			PyTorch: "F.silu(x)",
			Case: Case{
				Name:  "SiLU",
				Ulps:  4, // y: 3.3 ulp in float32; dx: 1.6 ulp of 1, and a product
				Terms: gateTerms,
			},
		},
		{
			formula: layer(func(t *Tracer, _ *nn.Softplus[float64], x Node) Node { return graph.Softplus(t.Graph, x) }),
			Make:    func(Sizes, *rand.Rand) nn.Layer[float64] { return nn.NewSoftplus[float64]() },
			Small:   Sizes{Sample: []int{5, 3}},
			Real:    []Sizes{{Sample: []int{50}}},
			PyTorch: "F.softplus(x, threshold=1e9)",
			Case: Case{
				Name: "Softplus",
				Ulps: 4, // y: 2 ulp; dx: that of y, exp and a product
			},
		},
	}
}

// prelu is max(x, 0) + a·min(x, 0), where min(x, 0) = x - max(x, 0) has the derivative 1
// at 0.
func prelu(t *Tracer, l *nn.PReLU[float64], x Node) Node {
	slope := t.Param(l.Slope)
	if l.Features() > 1 {
		shape := make([]int, len(x.Shape)-1) // without the batch axis: (features, 1, ...)
		for i := range shape {
			shape[i] = 1
		}
		shape[0] = l.Features()
		slope = t.Reshape(slope, shape...)
	}
	above := graph.ReLU(t.Graph, x)
	return t.Add(above, t.Mul(t.Broadcast(slope, x.Shape...), t.Sub(x, above)))
}

// gateTerms is Case.Terms of y = x·G(x). Its rounding errors come from |x|·G(-|x|) and from x,
// and its derivative is a sum of numbers near 1 in size.
func gateTerms(_ nn.Layer[float64], x, y, dy *tensor.Tensor[float64]) [][]float64 {
	dx := make([]float64, len(y.Data))
	for i, d := range dy.Data {
		dx[i] = math.Abs(d)
	}
	return [][]float64{y.Data, dx}
}
