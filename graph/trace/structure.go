package trace

import (
	"math/rand/v2"

	"github.com/chainrule-go/chainrule/nn"
)

// structureRows are the layers that arrange what others compute: shapes and containers.
func structureRows() []Row {
	return []Row{
		{
			formula: layer(func(t *Tracer, _ *nn.Identity[float64], x Node) Node { return x }),
			Make:    func(Sizes, *rand.Rand) nn.Layer[float64] { return nn.NewIdentity[float64]() },
			Small:   Sizes{Sample: []int{5, 3}},
			Real:    []Sizes{{Sample: []int{50}}},
			PyTorch: "x.clone()",
			Case: Case{
				Name:   "Identity",
				Ulps:   0.5, // below one: none
				Linear: true,
			},
		},
		{
			formula: layer(func(t *Tracer, _ *nn.Flatten[float64], x Node) Node {
				return t.Reshape(x, x.Shape[0], size(x.Shape[1:]))
			}),
			Make:    func(Sizes, *rand.Rand) nn.Layer[float64] { return nn.NewFlatten[float64]() },
			Small:   Sizes{Sample: []int{5, 3, 2}},
			Real:    []Sizes{{Sample: []int{16, 4, 5}}},
			Random:  images,
			PyTorch: "torch.flatten(x, 1)",
			Case: Case{
				Name:    "Flatten",
				Ulps:    0.5,
				Linear:  true,
				Refuses: [][]int{{}},
			},
		},
		{
			formula: layer(func(t *Tracer, l *nn.Reshape[float64], x Node) Node {
				return t.Reshape(x, append([]int{x.Shape[0]}, l.Shape()...)...)
			}),
			Make: func(s Sizes, _ *rand.Rand) nn.Layer[float64] {
				return nn.NewReshape[float64](s.Sample[1], s.Sample[0])
			},
			Small:   Sizes{Sample: []int{5, 3}},
			Real:    []Sizes{{Sample: []int{28, 20}}},
			Random:  func(rng *rand.Rand) Sizes { return Sizes{Sample: []int{1 + rng.IntN(12), 1 + rng.IntN(12)}} },
			PyTorch: "x.reshape(x.shape[0], x.shape[2], x.shape[1])",
			Case: Case{
				Name:    "Reshape",
				Ulps:    0.5,
				Linear:  true,
				Refuses: [][]int{{3, 5, 4}, {3, 14}, {}},
			},
		},
		{
			formula: layer(func(t *Tracer, l *nn.Residual[float64], x Node) Node {
				var body, shortcut Node
				t.Group("body", func() { body = t.Layer(l.Body(), x) })
				t.Group("shortcut", func() { shortcut = t.Layer(l.Shortcut(), x) })
				return t.Add(body, shortcut)
			}),
			Make: func(s Sizes, rng *rand.Rand) nn.Layer[float64] {
				return nn.NewResidual[float64](nn.NewSequential[float64](
					nn.NewAffine[float64](s.Sample[0], s.Hidden, rng), nn.NewTanh[float64](), nn.NewAffine[float64](s.Hidden, s.Sample[0], rng)), nil)
			},
			Small:   Sizes{Sample: []int{6}, Hidden: 5},
			Real:    []Sizes{{Sample: []int{50}, Hidden: 40}},
			PyTorch: "x + torch.tanh(x @ body_Affine1_W + body_Affine1_b) @ body_Affine2_W + body_Affine2_b",
			Case: Case{
				Name:    "Residual",
				Ulps:    16, // its layers together, of the largest element
				Refuses: [][]int{{3, 5}},
			},
		},
		{
			Make: func(s Sizes, rng *rand.Rand) nn.Layer[float64] {
				return nn.NewResidual[float64](nn.NewAffine[float64](s.Sample[0], s.Out, rng), nn.NewAffine[float64](s.Sample[0], s.Out, rng))
			},
			Small:   Sizes{Sample: []int{6}, Out: 7},
			PyTorch: "x @ body_W + body_b + x @ shortcut_W + shortcut_b",
			Case: Case{
				Name:    "Residual, with a shortcut",
				Ulps:    5, // of an Affine, and a sum of two
				Linear:  true,
				Refuses: [][]int{{3, 5}},
			},
		},
		{
			formula: layer(func(t *Tracer, l *nn.Concat[float64], x Node) Node {
				var parts []Node
				for _, b := range l.Branches() {
					t.Group(b.Name, func() { parts = append(parts, t.Layer(b.Layer, x)) })
				}
				return t.Concat(1, parts...)
			}),
			Make: func(s Sizes, rng *rand.Rand) nn.Layer[float64] {
				return nn.NewConcat[float64](nn.NewAffine[float64](s.Sample[0], s.Hidden, rng), nil, nn.NewAffine[float64](s.Sample[0], s.Out, rng))
			},
			Small:   Sizes{Sample: []int{6}, Hidden: 5, Out: 7},
			Real:    []Sizes{{Sample: []int{50}, Hidden: 40, Out: 30}},
			PyTorch: "torch.cat([x @ Affine1_W + Affine1_b, x, x @ Affine2_W + Affine2_b], 1)",
			Case: Case{
				Name:    "Concat",
				Ulps:    4, // of an Affine, and a sum of three
				Linear:  true,
				Refuses: [][]int{{3, 5}},
			},
		},
	}
}

// images draws the sizes of small images.
func images(rng *rand.Rand) Sizes {
	return Sizes{Sample: []int{1 + rng.IntN(8), 1 + rng.IntN(8), 1 + rng.IntN(8)}}
}

// size is the number of elements of a shape.
func size(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}
