package trace

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/chainrule-go/chainrule/graph"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// A Row describes a layer or a loss of package nn: its formula, and how it is checked. Its Case is of the sizes Small.
type Row struct {
	Case
	Make    func(s Sizes, rng *rand.Rand) nn.Layer[float64]
	Small   Sizes
	Real    []Sizes // those in training
	PyTorch string  // y in Python, of x, of the parameters by name, and of the targets t of a loss; "" if there is none

	// Random draws the sizes at which PyTorch is asked. Nil means a sample of one axis.
	Random func(rng *rand.Rand) Sizes

	// python is in place of PyTorch, of a layer that has settings.
	python  func(l nn.Layer[float64]) string
	formula typed
	// Of a loss, in place of Make: in both precisions, and the targets of n samples.
	loss    func(outputs int) (nn.Loss[float64], nn.Loss[float32])
	targets func(n, outputs int) nn.Targets[float64]
}

// Sizes are the sizes of a layer. A layer ignores sizes that it does not have.
type Sizes struct {
	Sample      []int // the shape of one sample
	Hidden, Out int
	Groups      int       // of a convolution
	Window      nn.Window // of a convolution or pool
}

// Of returns the case of a layer of other sizes. If there are several Real sizes, it is
// named as the layer calls itself.
func (r Row) Of(s Sizes) Case {
	c := r.Case
	c.New = func(rng *rand.Rand) nn.Layer[float64] { return r.Make(s, rng) }
	if r.loss != nil {
		var known sync.Map // by n: every Forward asks for them
		targets := func(n int) nn.Targets[float64] {
			t, ok := known.Load(n)
			if !ok {
				t, _ = known.LoadOrStore(n, r.targets(n, s.Sample[0]))
			}
			return t.(nn.Targets[float64])
		}
		c.New = func(*rand.Rand) nn.Layer[float64] {
			loss, _ := r.loss(s.Sample[0])
			return LossLayer(loss, targets)
		}
		c.Float32 = func(*rand.Rand) nn.Layer[float32] {
			_, loss32 := r.loss(s.Sample[0])
			return LossLayer(loss32, func(n int) nn.Targets[float32] { return float32Targets(targets(n)) })
		}
	}
	c.Sample, c.Refuses = s.Sample, nil
	if len(r.Real) > 1 {
		c.Name = fmt.Sprint(c.New(rand.New(rand.NewPCG(0, 0))))
	}
	return c
}

// Python returns y in Python, with the settings of l in it; "" if there is none.
func (r Row) Python(l nn.Layer[float64]) string {
	if r.python != nil {
		return r.python(l)
	}
	return r.PyTorch
}

// Rows returns the table of the layers and losses of package nn. Every one passes
// gradcheck.Layer. A new one is one more row.
//
// Ulps counts the roundings on the longest way to an element, half a unit each.
func Rows() []Row {
	rows := []Row{
		{
			formula: layer(func(t *Tracer, l *nn.Affine[float64], x Node) Node {
				return graph.Affine(t.Graph, x, t.Param(l.W), t.Param(l.B))
			}),
			Make:    func(s Sizes, rng *rand.Rand) nn.Layer[float64] { return nn.NewAffine[float64](s.Sample[0], s.Out, rng) },
			Small:   Sizes{Sample: []int{5}, Out: 7},
			Real:    []Sizes{{Sample: []int{784}, Out: 50}, {Sample: []int{50}, Out: 10}},
			PyTorch: "x @ W + b",
			Case: Case{
				Name:    "Affine",
				Ulps:    4, // sums of 7 products, or of 5 and b
				Linear:  true,
				Refuses: [][]int{{3, 6}, {6}, {3, 5, 1}, {}},
			},
		},
		{
			formula: layer(func(t *Tracer, _ *nn.ReLU[float64], x Node) Node { return graph.ReLU(t.Graph, x) }),
			Make:    func(Sizes, *rand.Rand) nn.Layer[float64] { return nn.NewReLU[float64]() },
			Small:   Sizes{Sample: []int{5, 3}},
			Real:    []Sizes{{Sample: []int{50}}},
			PyTorch: "torch.relu(x)",
			Case: Case{
				Name:   "ReLU",
				Ulps:   0.5, // below one: none
				Linear: true,
				Flat:   true,
				Kinks:  KinksAt(0),
			},
		},
		{
			formula: layer(func(t *Tracer, _ *nn.Sigmoid[float64], x Node) Node { return graph.Sigmoid(t.Graph, x) }),
			Make:    func(Sizes, *rand.Rand) nn.Layer[float64] { return nn.NewSigmoid[float64]() },
			Small:   Sizes{Sample: []int{5, 3}},
			Real:    []Sizes{{Sample: []int{50}}},
			PyTorch: "torch.sigmoid(x)",
			Case: Case{
				Name:  "Sigmoid",
				Ulps:  6,                                                 // y: exp (1 ulp), + and /; dx: that of y twice, and two products
				Terms: elementwise(func(y float64) float64 { return y }), // of y - y²
			},
		},
		{
			formula: layer(func(t *Tracer, _ *nn.Tanh[float64], x Node) Node { return graph.Tanh(t.Graph, x) }),
			Make:    func(Sizes, *rand.Rand) nn.Layer[float64] { return nn.NewTanh[float64]() },
			Small:   Sizes{Sample: []int{5, 3}},
			Real:    []Sizes{{Sample: []int{50}}},
			PyTorch: "torch.tanh(x)",
			Case: Case{
				Name:  "Tanh",
				Ulps:  8,                                               // y: 2.1 ulp in float64, 1.91 in float32; dx: that of y² twice, and two roundings
				Terms: elementwise(func(float64) float64 { return 1 }), // of 1 - y²
			},
		},
		{
			formula: layer(func(t *Tracer, _ *nn.Softmax[float64], x Node) Node { return graph.Softmax(t.Graph, x) }),
			Make:    func(Sizes, *rand.Rand) nn.Layer[float64] { return nn.NewSoftmax[float64]() },
			Small:   Sizes{Sample: []int{7}},
			Real:    []Sizes{{Sample: []int{10}}},
			PyTorch: "torch.softmax(x, 1)",
			Case: Case{
				Name:    "Softmax",
				Ulps:    10, // x-max (up to 4, of which half an ulp is 4 ulp of e^x), exp, a sum of 7, /
				Terms:   softmaxTerms,
				Refuses: [][]int{{3, 7, 2}, {}},
			},
		},
		{
			formula: layer(func(t *Tracer, l *nn.Dropout[float64], x Node) Node {
				if t.Pass == nil || !t.Pass.Train {
					return x
				}
				return t.Mul(x, t.Input("mask", l.Mask(t.Pass, x.Shape...).Data, x.Shape...))
			}),
			Make:  func(_ Sizes, rng *rand.Rand) nn.Layer[float64] { return nn.NewDropout[float64](0.75, rng) },
			Small: Sizes{Sample: []int{5, 3}},
			Real:  []Sizes{{Sample: []int{50}}},
			Case: Case{
				Name:   "Dropout",
				Ulps:   0.5, // below one: none, for the mask is 0 or 4
				Linear: true,
				Flat:   true,
				Random: true,
			},
		},
		{
			formula: layer(func(t *Tracer, l *nn.Sequential[float64], x Node) Node { return t.Chain(l.Layers(), x) }),
			Make: func(s Sizes, rng *rand.Rand) nn.Layer[float64] {
				return nn.NewSequential[float64](
					nn.NewSigmoid[float64](),                                                 // its dx is not needed in training
					nn.NewAffine[float64](s.Sample[0], s.Hidden, rng), nn.NewReLU[float64](), // computed together
					nn.NewSequential[float64](nn.NewAffine[float64](s.Hidden, s.Out, rng)),
					nn.NewSoftmax[float64](),
				)
			},
			Small:   Sizes{Sample: []int{6}, Hidden: 5, Out: 7},
			PyTorch: "torch.softmax(torch.relu(torch.sigmoid(x) @ Affine1_W + Affine1_b) @ Sequential1_Affine1_W + Sequential1_Affine1_b, 1)",
			Case: Case{
				Name:    "Sequential",
				Ulps:    16, // its layers together, of the largest element
				Refuses: [][]int{{3, 5}},
			},
		},
		{
			Make: func(s Sizes, rng *rand.Rand) nn.Layer[float64] {
				return nn.NewTwoLayerNet[float64](s.Sample[0], s.Hidden, s.Out, 0.1, rng).Sequential
			},
			Small:   Sizes{Sample: []int{6}, Hidden: 5, Out: 7},
			Real:    []Sizes{{Sample: []int{784}, Hidden: 50, Out: 10}},
			PyTorch: "torch.relu(x @ W1 + b1) @ W2 + b2",
			Case:    Case{Name: "TwoLayerNet", Ulps: 16, Refuses: [][]int{{3, 5}}},
		},
	}
	rows = slices.Concat(rows, activationRows(), convolutionRows(), normRows(), structureRows(), lossRows())
	for i, r := range rows {
		rows[i].Case = r.Of(r.Small)
		rows[i].Name, rows[i].Refuses = r.Name, r.Refuses
	}
	return rows
}

// elementwise is Case.Terms of a layer whose derivative is a sum, the largest term of
// which is a function of y.
func elementwise(term func(y float64) float64) func(_ nn.Layer[float64], x, y, dy *tensor.Tensor[float64]) [][]float64 {
	return func(_ nn.Layer[float64], _, y, dy *tensor.Tensor[float64]) [][]float64 {
		dx := make([]float64, len(y.Data))
		for i, y := range y.Data {
			dx[i] = math.Abs(dy.Data[i] * term(y))
		}
		return [][]float64{y.Data, dx}
	}
}

// softmaxTerms: dxₖ = yₖ·dyₖ - yₖ·Σⱼ dyⱼ·yⱼ.
func softmaxTerms(_ nn.Layer[float64], _, y, dy *tensor.Tensor[float64]) [][]float64 {
	classes := y.Shape[1]
	dx := make([]float64, len(y.Data))
	for i, p := range y.Data {
		var sum float64
		for j := i / classes * classes; j < (i/classes+1)*classes; j++ {
			sum += math.Abs(dy.Data[j]) * y.Data[j]
		}
		dx[i] = p * (math.Abs(dy.Data[i]) + sum)
	}
	return [][]float64{y.Data, dx}
}
