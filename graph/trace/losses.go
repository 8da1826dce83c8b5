package trace

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/chainrule-go/chainrule/graph"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// lossRows are the rows of the losses.
func lossRows() []Row {
	empty := [][]int{{0, 7}, {3, 0}}
	rows := []Row{
		crossEntropyRow("SoftmaxWithLoss", 0, false, ""),
		soft(crossEntropyRow("SoftmaxWithLoss, soft targets", 0, false, "")),
		crossEntropyRow("SoftmaxWithLoss, smoothed", 0.125, false, ", label_smoothing=0.125"),
		crossEntropyRow("SoftmaxWithLoss, weighted", 0, true, pytorchWeights),
		crossEntropyRow("SoftmaxWithLoss, both", 0.25, true, pytorchWeights+", label_smoothing=0.25"),
		soft(crossEntropyRow("SoftmaxWithLoss, soft, both", 0.25, true, pytorchWeights+", label_smoothing=0.25")),
		{
			formula: loss(func(t *Tracer, _ *nn.SigmoidWithLoss[float64], y, target Node) Node {
				return t.mean(t.Sub(graph.Softplus(t.Graph, y), t.Mul(target, y)))
			}),
			loss: func(int) (nn.Loss[float64], nn.Loss[float32]) {
				return nn.NewSigmoidWithLoss[float64](), nn.NewSigmoidWithLoss[float32]()
			},
			targets: answers,
			Small:   Sizes{Sample: []int{7}},
			Real:    []Sizes{{Sample: []int{10}}},
			PyTorch: "F.binary_cross_entropy_with_logits(x, t)",
			Case: Case{
				Name: "SigmoidWithLoss",
				Ulps: 6, // y: Softplus; dx: sigmoid, -, / and a product
				Terms: func(l nn.Layer[float64], x, y, dy *tensor.Tensor[float64]) [][]float64 {
					t := l.(*lossLayer[float64]).targets(x.Shape[0]).Values
					return [][]float64{y.Data, perElement(x, dy, func(i int) float64 { return 1 + t.Data[i] })}
				},
				Refuses: empty,
			},
		},
		{
			formula: loss(func(t *Tracer, _ *nn.MeanSquaredError[float64], y, target Node) Node {
				return graph.MeanSquaredError(t.Graph, y, target)
			}),
			loss: func(int) (nn.Loss[float64], nn.Loss[float32]) {
				return nn.NewMeanSquaredError[float64](), nn.NewMeanSquaredError[float32]()
			},
			targets: values,
			Small:   Sizes{Sample: []int{7}},
			Real:    []Sizes{{Sample: []int{10}}},
			PyTorch: "F.mse_loss(x, t)",
			Case: Case{
				Name:    "MeanSquaredError",
				Ulps:    2, // y: one rounding of the sum in float64; dx: -, the factor 2/M and two products
				Terms:   differenceTerms(2),
				Refuses: empty,
			},
		},
		{
			// max(d, 0) + max(-d, 0), whose derivative at 0 is 0.
			formula: loss(func(t *Tracer, _ *nn.MeanAbsoluteError[float64], y, target Node) Node {
				return t.mean(t.Add(graph.ReLU(t.Graph, t.Sub(y, target)), graph.ReLU(t.Graph, t.Sub(target, y))))
			}),
			loss: func(int) (nn.Loss[float64], nn.Loss[float32]) {
				return nn.NewMeanAbsoluteError[float64](), nn.NewMeanAbsoluteError[float32]()
			},
			targets: values,
			Small:   Sizes{Sample: []int{7}},
			Real:    []Sizes{{Sample: []int{10}}},
			PyTorch: "F.l1_loss(x, t)",
			Case: Case{
				Name:    "MeanAbsoluteError",
				Ulps:    2, // y: one rounding of the sum in float64; dx: 1/M and a product
				Refuses: empty,
			},
		},
		{
			// c·(d - c/2), where c is d between -δ and δ.
			formula: loss(func(t *Tracer, l *nn.HuberLoss[float64], y, target Node) Node {
				d := t.Sub(y, target)
				delta, minus := t.Const(l.Delta(), d.Shape...), t.Const(-1, d.Shape...)
				least := t.Maximum(d, t.Mul(delta, minus))
				c := t.Mul(t.Maximum(t.Mul(least, minus), t.Mul(delta, minus)), minus)
				return t.mean(t.Mul(c, t.Sub(d, t.Mul(c, t.Const(0.5, d.Shape...)))))
			}),
			loss: func(int) (nn.Loss[float64], nn.Loss[float32]) {
				return nn.NewHuberLoss[float64](0.75), nn.NewHuberLoss[float32](0.75)
			},
			targets: values,
			Small:   Sizes{Sample: []int{7}},
			Real:    []Sizes{{Sample: []int{10}}},
			PyTorch: "F.huber_loss(x, t, delta=0.75)",
			Case: Case{
				Name:    "HuberLoss",
				Ulps:    2, // as MeanSquaredError
				Terms:   differenceTerms(1),
				Refuses: empty,
			},
		},
	}
	rows[0].formula = loss(softmaxWithLoss)
	return rows
}

// crossEntropyRow is the row of SoftmaxWithLoss with its settings, which are the arguments
// in Python of PyTorch's. The class weights are all above 0.
func crossEntropyRow(name string, smoothing float64, weighted bool, arguments string) Row {
	return Row{
		loss: func(classes int) (nn.Loss[float64], nn.Loss[float32]) {
			l, single := nn.NewSoftmaxWithLoss[float64](), nn.NewSoftmaxWithLoss[float32]()
			l.LabelSmoothing = smoothing
			for k := 0; weighted && k < classes; k++ {
				l.ClassWeights = append(l.ClassWeights, float64(1+3*k%5)/4)
			}
			single.LabelSmoothing, single.ClassWeights = l.LabelSmoothing, l.ClassWeights
			return l, single
		},
		targets: labels,
		Small:   Sizes{Sample: []int{6}},
		Real:    []Sizes{{Sample: []int{10}}},
		PyTorch: "F.cross_entropy(x, t" + arguments + ")",
		Case: Case{
			Name:    name,
			Ulps:    10, // as Softmax
			Terms:   crossEntropyTerms,
			Refuses: [][]int{{3, 7, 2}, {7}, {0, 7}, {3, 0}},
		},
	}
}

// soft is a row with distributions as targets.
func soft(r Row) Row {
	r.targets, r.Real = distributions, nil
	return r
}

const pytorchWeights = ", weight=(1 + 3 * torch.arange(x.shape[1]) % 5).to(x.dtype) / 4"

// softmaxWithLoss is the formula with the targets u in place of t, divided by the sum of
// the weights of the labels in place of their number.
func softmaxWithLoss(t *Tracer, l *nn.SoftmaxWithLoss[float64], x, target Node) Node {
	u := target
	if l.LabelSmoothing != 0 {
		classes := float64(x.Shape[len(x.Shape)-1])
		u = t.Add(t.Mul(u, t.Const(1-l.LabelSmoothing, u.Shape...)), t.Const(l.LabelSmoothing/classes, u.Shape...))
	}
	if l.ClassWeights == nil {
		return graph.SoftmaxWithLoss(t.Graph, x, u)
	}
	weights := t.Broadcast(t.Input("weights", l.ClassWeights, len(l.ClassWeights)), u.Shape...)
	y := graph.SoftmaxWithLoss(t.Graph, x, t.Mul(u, weights))
	if t.Targets.Labels == nil {
		return y
	}
	samples := t.Const(float64(len(t.Targets.Labels)))
	return t.Div(t.Mul(y, samples), t.Sum(t.Mul(target, weights)))
}

// mean is the mean of all elements.
func (t *Tracer) mean(x Node) Node { return t.Div(t.Sum(x), t.Const(float64(len(x.Value)))) }

// answers are targets that are 0, 1, or between.
func answers(n, outputs int) nn.Targets[float64] {
	rng := rand.New(rand.NewPCG(5, 7))
	t := tensor.New[float64](n, outputs)
	for i := range t.Data {
		t.Data[i] = float64(rng.IntN(2))
		if rng.IntN(4) == 0 {
			t.Data[i] = float64(float32(rng.Float64()))
		}
	}
	return nn.Values(t)
}

// crossEntropyTerms: dx = dy·(softmax(x)·Σu - u)/D, and the loss is of the size of the
// largest logit at least.
func crossEntropyTerms(l nn.Layer[float64], x, y, dy *tensor.Tensor[float64]) [][]float64 {
	n, classes := x.Shape[0], x.Shape[1]
	loss := l.(*lossLayer[float64])
	t, of := loss.targets(n), loss.loss.(*nn.SoftmaxWithLoss[float64])
	size := max(y.Data[0], slices.Max(x.Data), -slices.Min(x.Data))
	dx := slices.Clone(oneHot(t, classes))
	most := 1.0 // the largest weight
	if of.ClassWeights != nil {
		most = slices.Max(of.ClassWeights)
	}
	for i, p := range nn.NewSoftmax[float64]().Forward(nil, x).Data {
		dx[i] = most * math.Abs(dy.Data[0]) * (p + dx[i] + of.LabelSmoothing) / of.Weight(t)
	}
	return [][]float64{{size}, dx}
}

// differenceTerms is Case.Terms of a loss with the gradient factor·(y - t)/M.
func differenceTerms(factor float64) func(l nn.Layer[float64], x, y, dy *tensor.Tensor[float64]) [][]float64 {
	return func(l nn.Layer[float64], x, y, dy *tensor.Tensor[float64]) [][]float64 {
		t := l.(*lossLayer[float64]).targets(x.Shape[0]).Values
		return [][]float64{y.Data, perElement(x, dy, func(i int) float64 {
			return factor * (math.Abs(x.Data[i]) + math.Abs(t.Data[i]))
		})}
	}
}

// perElement is the size of dx = dy·term/M.
func perElement(x, dy *tensor.Tensor[float64], term func(i int) float64) []float64 {
	dx := make([]float64, len(x.Data))
	for i := range dx {
		dx[i] = math.Abs(dy.Data[0]/float64(len(dx))) * term(i)
	}
	return dx
}
