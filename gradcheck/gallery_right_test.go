package gradcheck_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/chainrule-go/chainrule/gradcheck"
	"github.com/chainrule-go/chainrule/graph/trace"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// right is a correct layer for samples of several shapes. Case has what its author
// declares, without Name, New, Sample and Float32. Of one that is unclear, no difference
// can say anything, and the check says so.
type right struct {
	name    string
	unclear bool
	sizes   sizes
	make    func(s []int, rng *rand.Rand) nn.Layer[float64]
	f32     func(s []int, rng *rand.Rand) nn.Layer[float32]
	gradcheck.Case
}

// of is the case of the layer for samples of the shape s.
func (r right) of(s []int) gradcheck.Case {
	c := r.Case
	c.Name, c.Sample = fmt.Sprint(r.name, tensor.FormatShape(s)), s
	c.New = func(rng *rand.Rand) nn.Layer[float64] { return r.make(s, rng) }
	if r.f32 != nil {
		c.Float32 = func(rng *rand.Rand) nn.Layer[float32] { return r.f32(s, rng) }
	}
	return c
}

// sizes are shapes of samples: a few, and any.
type sizes struct {
	few [][]int
	any func(rng *rand.Rand) []int
}

// from returns sizes whose axes are of the lengths from least to least + 4.
func from(least []int, few ...[]int) sizes {
	return sizes{few, func(rng *rand.Rand) []int {
		s := slices.Clone(least)
		for i := range s {
			s[i] += rng.IntN(5)
		}
		return s
	}}
}

var (
	features  = from(shape(2), shape(4), shape(3), shape(9))             // for a layer of features
	sequences = from(shape(2, 2), shape(3, 2), shape(4, 4), shape(5, 1)) // for one of sequences (L, d)
	channels  = from(shape(1, 3), shape(2, 5), shape(1, 4))              // for one of channels (C, L)

	elements = sizes{[][]int{{7}, {2, 3}, {1}}, func(rng *rand.Rand) []int { // for a layer of any shape
		return from(shape(1, 1, 1)[:1+rng.IntN(3)]).any(rng)
	}}
	even = sizes{[][]int{{4}, {6}, {10}}, func(rng *rand.Rand) []int { return shape(4 + 2*rng.IntN(4)) }} // for one of pairs
)

// rights returns the correct layers of the gallery.
func rights() (all []right) {
	for _, f := range functions {
		all = append(all, right{
			name: f.name, unclear: f.unclear, sizes: elements, Case: f.Case,
			make: func([]int, *rand.Rand) nn.Layer[float64] { return pointwise[float64](f.name, f.f, f.df) },
			f32:  func([]int, *rand.Rand) nn.Layer[float32] { return pointwise[float32](f.name, f.f, f.df) },
		})
	}
	type of64 = func([]int, *rand.Rand) *layer[float64]
	type of32 = func([]int, *rand.Rand) *layer[float32]
	of := func(name string, sizes sizes, l64 of64, l32 of32, c gradcheck.Case) {
		r := right{name: name, sizes: sizes, Case: c, make: func(s []int, rng *rand.Rand) nn.Layer[float64] { return l64(s, rng) }}
		if l32 != nil {
			r.f32 = func(s []int, rng *rand.Rand) nn.Layer[float32] { return l32(s, rng) }
		}
		all = append(all, r)
	}
	plain := gradcheck.Case{}
	of("LayerNorm", features, layerNorm[float64], layerNorm[float32], plain)
	of("GroupNorm", even, groupNorm[float64]("GroupNorm", 2), groupNorm[float32]("GroupNorm", 2), plain)
	of("InstanceNorm", channels, instanceNorm[float64], instanceNorm[float32], plain)
	of("RMSNorm", features, rmsNorm[float64], rmsNorm[float32], plain)
	of("Normalize", features, unit[float64], unit[float32], gradcheck.Case{Draw: nonzero})
	of("GLU", even, gated[float64]("GLU", sigmoid, dsigmoid), gated[float32]("GLU", sigmoid, dsigmoid), plain)
	of("GeGLU", even, gated[float64]("GeGLU", gelu, dgelu), gated[float32]("GeGLU", gelu, dgelu), plain)
	of("ReGLU", even, gated[float64]("ReGLU", relu, step), gated[float32]("ReGLU", relu, step), gradcheck.Case{Flat: true})
	of("SwiGLU", features, swiGLU[float64], swiGLU[float32], plain)
	of("PReLU", elements, prelu[float64], prelu[float32], plain)
	of("MaxPool", even, maxPool[float64], maxPool[float32], gradcheck.Case{Flat: true})
	of("AvgPool", even, avgPool[float64], avgPool[float32], plain)
	of("LogSoftmax", features, logSoftmax[float64], logSoftmax[float32], plain)
	of("LogSumExp", features, logSumExp[float64], logSumExp[float32], plain)
	of("Bilinear", even, bilinear[float64], bilinear[float32], plain)
	of("Attention", sequences, attention[float64], attention[float32], plain)
	of("Conv1D", channels, conv1D[float64], conv1D[float32], plain)
	of("ConvTranspose1D", features, convTranspose1D[float64], convTranspose1D[float32], plain)
	of("Scale", elements, scaled[float64], scaled[float32], plain)
	of("Flatten", sequences, flatten[float64], flatten[float32], plain)
	of("Embedding", elements, embedding[float64], embedding[float32], gradcheck.Case{Discrete: true, Draw: indices(6)})
	of("Tied", features, tied[float64], tied[float32], plain)
	of("RNN", sequences, elman[float64], elman[float32], plain)
	of("BatchNorm", features, batchNorm[float64], batchNorm[float32], gradcheck.Case{Statistics: true, RefusesOne: true})
	of("Dropout", elements, dropout[float64], dropout[float32], gradcheck.Case{Random: true, Flat: true})
	of("Noise", elements, noise[float64], noise[float32], gradcheck.Case{Random: true})
	of("Linear", features, func(s []int, rng *rand.Rand) *layer[float64] { return linear[float64](rng, s[0], 5) },
		func(s []int, rng *rand.Rand) *layer[float32] { return linear[float32](rng, s[0], 5) }, plain)
	of("BadlyScaled", features, badlyScaled[float64], badlyScaled[float32], plain)
	of("GlobalMean", channels, globalMean[float64], globalMean[float32], plain)
	of("Maxout", features, maxout[float64], maxout[float32], plain)
	of("CosineSimilarity", even, cosine[float64], cosine[float32], gradcheck.Case{Draw: nonzero})
	of("Highway", elements, highway[float64], highway[float32], plain)
	of("EmbeddingBag", features, bag[float64], bag[float32], gradcheck.Case{Discrete: true, Draw: indices(6)})
	of("RReLU", elements, rrelu[float64], rrelu[float32], gradcheck.Case{Random: true})
	of("ViewDropout", elements, viewDropout[float64], viewDropout[float32], gradcheck.Case{Random: true, Flat: true})
	of("ExpScale", elements, derived[float64], derived[float32], plain)
	of("Spare", elements, spare[float64], spare[float32], gradcheck.Case{Unused: []string{"spare"}})
	of("Temperature", elements, temperature[float64], temperature[float32], plain)
	of("LogScale", elements, logScale[float64], logScale[float32], plain)
	of("LearnedShrink", elements, shrink[float64], shrink[float32], gradcheck.Case{Flat: true})
	same := func(s []int) []int { return s }
	gather := func(name string, sizes sizes, out func(s []int) []int, from func(s []int, i int) int) {
		of(name, sizes, permuted[float64](name, out, from), permuted[float32](name, out, from), plain)
	}
	gather("Transpose", sequences, func(s []int) []int { return shape(s[1], s[0]) }, func(s []int, i int) int { return i%s[0]*s[1] + i/s[0] })
	gather("Reverse", features, same, func(s []int, i int) int { return s[0] - 1 - i })
	gather("Pad", features, func(s []int) []int { return shape(s[0] + 2) }, func(s []int, i int) int {
		if i == 0 || i > s[0] {
			return -1
		}
		return i - 1
	})
	gather("Upsample", features, func(s []int) []int { return shape(2 * s[0]) }, func(_ []int, i int) int { return i / 2 })
	gather("Unflatten", even, func(s []int) []int { return shape(2, s[0]/2) }, func(_ []int, i int) int { return i })
	return append(all, composites()...)
}

// composites are layers made of layers, which do not say so by Fields.
func composites() []right {
	of := func(name string, sizes sizes, c gradcheck.Case, layers func(s []int, rng *rand.Rand) []nn.Layer[float64]) right {
		return right{name: name, sizes: sizes, Case: c, make: func(s []int, rng *rand.Rand) nn.Layer[float64] {
			return &residual{body: nn.NewSequential(layers(s, rng)...)}
		}}
	}
	type list = []nn.Layer[float64]
	return []right{
		{name: "Direct", sizes: features, make: func(s []int, rng *rand.Rand) nn.Layer[float64] { return direct{linear[float64](rng, s[0], 5)} }},
		of("Residual", features, gradcheck.Case{}, func(s []int, rng *rand.Rand) list {
			return list{layerNorm[float64](s, rng), linear[float64](rng, s[0], 5), pointwise[float64]("SiLU", silu, dsilu), linear[float64](rng, 5, s[0])}
		}),
		of("ResidualReLU", features, gradcheck.Case{}, func(s []int, rng *rand.Rand) list {
			return list{nn.NewAffine[float64](s[0], 5, rng), nn.NewReLU[float64](), nn.NewAffine[float64](5, s[0], rng)}
		}),
		of("ResidualTwice", features, gradcheck.Case{}, func(s []int, rng *rand.Rand) list {
			return list{&residual{body: tied[float64](s, rng)}, &residual{body: rmsNorm[float64](s, rng)}}
		}),
		of("Encoder", sequences, gradcheck.Case{}, func(s []int, rng *rand.Rand) list {
			return list{attention[float64](s, rng), layerNorm[float64](s, rng)}
		}),
		{name: "SharedWeights", sizes: features, make: func(s []int, rng *rand.Rand) nn.Layer[float64] {
			first := nn.NewAffine[float64](s[0], s[0], rng)
			return nn.NewSequential[float64](first, nn.NewTanh[float64](), nn.AffineOf(first.W, first.B))
		}},
		{name: "AllAtTheKink", sizes: features, Case: gradcheck.Case{Flat: true, Draw: everySecondZero},
			make: func(s []int, rng *rand.Rand) nn.Layer[float64] {
				return nn.NewSequential[float64](withoutBias[float64](s, rng), nn.NewReLU[float64]())
			}},
	}
}

// residual is y = x + body(x).
type residual struct{ body nn.Layer[float64] }

func (l *residual) Forward(p *nn.Pass[float64], x array) array {
	y := p.New(x.Shape...)
	copy(y.Data, x.Data)
	add(y.Data, l.body.Forward(p, x).Data)
	return y
}

func (l *residual) Backward(p *nn.Pass[float64], dy array) array {
	dx := p.New(dy.Shape...)
	copy(dx.Data, l.body.Backward(p, dy).Data)
	add(dx.Data, dy.Data)
	return dx
}

func (l *residual) Params() []*nn.Param[float64] { return l.body.Params() }

// nonzero draws numbers from 0.5 to 2 of both signs.
func nonzero(x array, rng *rand.Rand) {
	for i := range x.Data {
		x.Data[i] = (0.5 + 1.5*rng.Float64()) * float64(1-2*rng.IntN(2))
	}
}

// everySecondZero draws samples, every second one all zeros.
func everySecondZero(x array, rng *rand.Rand) {
	nonzero(x, rng)
	for n := 0; n < x.Shape[0]; n += 2 {
		clear(x.Rows(n, n+1).Data)
	}
}

// indices draws whole numbers below n.
func indices(n int) func(x array, rng *rand.Rand) {
	return func(x array, rng *rand.Rand) {
		for i := range x.Data {
			x.Data[i] = float64(rng.IntN(n))
		}
	}
}

// domain is the case of a function that is defined from least to most.
func domain(least, most float64) gradcheck.Case {
	return gradcheck.Case{Draw: trace.DrawFrom(least, most)}
}

// falseAlarms is how many runs TestFalseAlarms makes.
var falseAlarms = flag.Int("falsealarms", 0, "check correct layers so many times, of any sizes and seeds")

// TestRight: no correct layer is refused.
func TestRight(t *testing.T) {
	names := map[string]bool{}
	for _, r := range rights() {
		names[r.name] = true
		for _, s := range r.sizes.few {
			c := r.of(s)
			t.Run(c.Name, func(t *testing.T) {
				t.Parallel()
				for _, f := range r.refusals(c) {
					t.Error(f)
				}
			})
		}
	}
	if len(names) < 60 {
		t.Errorf("%d correct layers, want 60 or more", len(names))
	}
}

// refusals is what the check says against the case of the layer.
func (r right) refusals(c gradcheck.Case) []gradcheck.Failure {
	return slices.DeleteFunc(gradcheck.Layer(c).Failures(), func(f gradcheck.Failure) bool {
		return r.unclear && f.Clause == gradcheck.Judgment
	})
}

// seeded is the case on other numbers: New draws some first, and the check the next ones.
func seeded(c gradcheck.Case, seed int) gradcheck.Case {
	skip := func(rng *rand.Rand) *rand.Rand {
		for range seed {
			rng.Uint64()
		}
		return rng
	}
	if of := c.Float32; of != nil {
		c.Float32 = func(rng *rand.Rand) nn.Layer[float32] { return of(skip(rng)) }
	}
	of := c.New
	c.New = func(rng *rand.Rand) nn.Layer[float64] { return of(skip(rng)) }
	return c
}

// TestFalseAlarms: none of the correct layers of the gallery and of package nn is refused,
// whatever its sizes and the numbers it is checked on.
func TestFalseAlarms(t *testing.T) {
	type kind struct {
		right
		of func(rng *rand.Rand) gradcheck.Case
	}
	var kinds []kind
	for _, r := range rights() {
		kinds = append(kinds, kind{r, func(rng *rand.Rand) gradcheck.Case { return r.of(r.sizes.any(rng)) }})
	}
	for _, row := range trace.Rows() {
		kinds = append(kinds, kind{right{}, func(rng *rand.Rand) gradcheck.Case {
			sizes := trace.Sizes{Sample: slices.Clone(row.Small.Sample), Hidden: 2 + rng.IntN(5), Out: 2 + rng.IntN(5)}
			for i := range sizes.Sample {
				sizes.Sample[i] = 2 + rng.IntN(5)
			}
			c := row.Of(sizes)
			c.Ulps = 0 // that of the row is for its own sizes
			c.Name = fmt.Sprint(row.Name, tensor.FormatShape(sizes.Sample))
			return c
		}})
	}
	alarms := 0
	for i := range *falseAlarms {
		k := kinds[i%len(kinds)]
		c := k.of(rand.New(rand.NewPCG(uint64(i), 1)))
		if fs := k.refusals(seeded(c, i)); len(fs) > 0 {
			t.Errorf("run %d: %s: %v", i, c.Name, fs)
			alarms++
		}
	}
	t.Logf("%d runs of %d correct layers, %d refused", *falseAlarms, len(kinds), alarms)
}
