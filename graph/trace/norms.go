package trace

import (
	"math/rand/v2"

	"github.com/chainrule-go/chainrule/nn"
)

// normRows are the layers that normalize.
func normRows() []Row {
	return []Row{
		{
			formula: layer(batchNorm),
			Make:    func(s Sizes, _ *rand.Rand) nn.Layer[float64] { return nn.NewBatchNorm[float64](s.Sample[0]) },
			Small:   Sizes{Sample: []int{5}},
			Real:    []Sizes{{Sample: []int{50}}},
			PyTorch: "F.batch_norm(x, mean, var, gamma, beta, True, 0.1, 1e-5)",
			Case: Case{
				Name:       "BatchNorm",
				Ulps:       32,
				Statistics: true,
				RefusesOne: true,
				Refuses:    [][]int{{4, 6}, {5}, {}},
			},
		},
		{
			Make:    func(s Sizes, _ *rand.Rand) nn.Layer[float64] { return nn.NewBatchNorm[float64](s.Sample[0]) },
			Small:   Sizes{Sample: []int{3, 5}},
			Real:    []Sizes{{Sample: []int{3, 28, 20}}, {Sample: []int{6, 7, 6}}},
			Random:  largerImages,
			PyTorch: "F.batch_norm(x, mean, var, gamma, beta, True, 0.1, 1e-5)",
			Case: Case{
				Name:       "BatchNorm of images",
				Ulps:       32,
				Statistics: true,
				Refuses:    [][]int{{4, 5, 3}, {3}, {}},
			},
		},
		{
			formula: layer(func(t *Tracer, l *nn.LayerNorm[float64], x Node) Node {
				rows := t.rows(x, x.Shape[0])
				return t.scaled(t.Reshape(t.normalized(rows, l.Eps), x.Shape...), l.Gamma, l.Beta)
			}),
			Make:    func(s Sizes, _ *rand.Rand) nn.Layer[float64] { return nn.NewLayerNorm[float64](s.Sample...) },
			Small:   Sizes{Sample: []int{5, 3}},
			Real:    []Sizes{{Sample: []int{50}}},
			Random:  lastAxes,
			PyTorch: "F.layer_norm(x, gamma.shape, gamma, beta)",
			Case: Case{
				Name:    "LayerNorm",
				Ulps:    32,
				Refuses: [][]int{{4, 5}, {4, 3, 5}, {5, 3}, {}},
			},
		},
		{
			formula: layer(func(t *Tracer, l *nn.RMSNorm[float64], x Node) Node {
				rows := t.rows(x, x.Shape[0])
				return t.scaled(t.Reshape(t.divided(rows, l.Eps), x.Shape...), l.Gamma, nil)
			}),
			Make:    func(s Sizes, _ *rand.Rand) nn.Layer[float64] { return nn.NewRMSNorm[float64](s.Sample...) },
			Small:   Sizes{Sample: []int{5, 3}},
			Real:    []Sizes{{Sample: []int{50}}},
			Random:  lastAxes,
			PyTorch: "F.rms_norm(x, gamma.shape, gamma, 1e-6)",
			Case: Case{
				Name:    "RMSNorm",
				Ulps:    32,
				Refuses: [][]int{{4, 5}, {4, 3, 5}, {5, 3}, {}},
			},
		},
		{
			formula: layer(func(t *Tracer, l *nn.GroupNorm[float64], x Node) Node {
				rows := t.rows(x, x.Shape[0]*l.Groups())
				return t.channelScaled(t.Reshape(t.normalized(rows, l.Eps), x.Shape...), l.Gamma, l.Beta)
			}),
			Make: func(s Sizes, _ *rand.Rand) nn.Layer[float64] {
				return nn.NewGroupNorm[float64](s.Hidden, s.Sample[0])
			},
			Small: Sizes{Sample: []int{6, 3}, Hidden: 2},
			Real:  []Sizes{{Sample: []int{6, 28, 20}, Hidden: 3}, {Sample: []int{12}, Hidden: 4}},
			Random: func(rng *rand.Rand) Sizes {
				s := largerImages(rng)
				for _, s.Hidden = range []int{3, 2, 1} {
					if s.Sample[0]%s.Hidden == 0 {
						break
					}
				}
				return s
			},
			PyTorch: "F.group_norm(x, next(g for g in (3, 2, 1) if x.shape[1] % g == 0), gamma, beta)",
			Case: Case{
				Name:    "GroupNorm",
				Ulps:    32,
				Refuses: [][]int{{4, 5, 6}, {6}, {}},
			},
		},
	}
}

// lastAxes draws one axis or two, of 4 elements or more: normalized over one, dx is 0 but
// for rounding.
func lastAxes(rng *rand.Rand) Sizes {
	s := Sizes{Sample: []int{4 + rng.IntN(37)}}
	if rng.IntN(2) == 0 {
		s.Sample = append(s.Sample, 1+rng.IntN(8))
	}
	return s
}

// largerImages draws the sizes of small images, of 2 by 2 at least, so that a channel has
// a variance.
func largerImages(rng *rand.Rand) Sizes {
	s := images(rng)
	s.Sample[1]++
	s.Sample[2]++
	return s
}

// batchNorm is the formula of a BatchNorm: with the statistics of the batch in training,
// and else with the running ones, which are constants.
func batchNorm(t *Tracer, l *nn.BatchNorm[float64], x Node) Node {
	if t.Pass != nil && t.Pass.Train {
		// A row for each channel, and back.
		channels := t.Transpose(t.Reshape(x, x.Shape[0], x.Shape[1], size(x.Shape[2:])), 1, 0, 2)
		h := t.Reshape(t.normalized(t.rows(channels, x.Shape[1]), l.Eps), channels.Shape...)
		return t.channelScaled(t.Reshape(t.Transpose(h, 1, 0, 2), x.Shape...), l.Gamma, l.Beta)
	}
	mean := t.channels(t.Input("mean", l.Mean.Data, l.Mean.Shape...), x)
	variance := t.Input("var", l.Var.Data, l.Var.Shape...)
	root := t.Sqrt(t.Add(variance, t.Const(l.Eps, variance.Shape...)))
	return t.channelScaled(t.Div(t.Sub(x, mean), t.channels(root, x)), l.Gamma, l.Beta)
}

// rows is x in n rows.
func (t *Tracer) rows(x Node, n int) Node { return t.Reshape(x, n, size(x.Shape)/max(n, 1)) }

// normalized is (x - mean)/√(var + eps) of each row.
func (t *Tracer) normalized(rows Node, eps float64) Node {
	return t.divided(t.Sub(rows, t.Broadcast(t.rowMean(rows), rows.Shape...)), eps)
}

// divided is d/√(Σ d²/M + eps) of each row of M elements.
func (t *Tracer) divided(d Node, eps float64) Node {
	variance := t.rowMean(t.Mul(d, d))
	root := t.Sqrt(t.Add(variance, t.Const(eps, variance.Shape...)))
	return t.Div(d, t.Broadcast(root, d.Shape...))
}

// rowMean is the mean of each row.
func (t *Tracer) rowMean(rows Node) Node {
	sum := t.Sum(rows, 1)
	return t.Div(sum, t.Const(float64(rows.Shape[1]), sum.Shape...))
}

// scaled is gamma·h + beta, for a gamma and a beta of the shape of h without the batch. A
// beta of nil is 0.
func (t *Tracer) scaled(h Node, gamma, beta *nn.Param[float64]) Node {
	y := t.Mul(h, t.Broadcast(t.Param(gamma), h.Shape...))
	if beta != nil {
		y = t.Add(y, t.Broadcast(t.Param(beta), h.Shape...))
	}
	return y
}

// channelScaled is gamma·h + beta, with a gamma and a beta for each channel.
func (t *Tracer) channelScaled(h Node, gamma, beta *nn.Param[float64]) Node {
	return t.Add(t.Mul(h, t.channels(t.Param(gamma), h)), t.channels(t.Param(beta), h))
}

// channels repeats a, a number for each channel of x, over the shape of x.
func (t *Tracer) channels(a, x Node) Node {
	shape := []int{len(a.Value)}
	for range x.Shape[2:] {
		shape = append(shape, 1)
	}
	return t.Broadcast(t.Reshape(a, shape...), x.Shape...)
}
