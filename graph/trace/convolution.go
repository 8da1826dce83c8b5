package trace

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// convolutionRows are the rows of the layers that move a window.
func convolutionRows() []Row {
	convolve := func(s Sizes, rng *rand.Rand) nn.Layer[float64] {
		return nn.NewGroupedConvolution[float64](s.Sample[0], s.Out, s.Groups, s.Window, rng)
	}
	maxPool := func(s Sizes, _ *rand.Rand) nn.Layer[float64] { return nn.NewMaxPool[float64](s.Window) }
	averagePool := func(s Sizes, _ *rand.Rand) nn.Layer[float64] { return nn.NewAveragePool[float64](s.Window) }
	square := nn.Square(3).Padding(1)
	const ulps = 16 // sums of up to 40 products
	return []Row{
		{
			formula: layer(convolution),
			Make:    convolve,
			Small:   Sizes{Sample: []int{2, 3, 4}, Out: 3, Groups: 1, Window: square},
			Real:    []Sizes{{Sample: []int{1, 28, 28}, Out: 16, Groups: 1, Window: square}, {Sample: []int{16, 14, 14}, Out: 32, Groups: 1, Window: square}},
			Random:  randomConvolution,
			python:  convolutionInPython,
			Case: Case{
				Name:    "Convolution",
				Ulps:    ulps,
				Linear:  true,
				Refuses: [][]int{{3, 3, 3, 4}, {3, 2, 4}, {3, 2, 0, 4}, {3, 2, 3, 4, 1}, {}},
			},
		},
		{
			Make:  convolve,
			Small: Sizes{Sample: []int{4, 3, 4}, Out: 6, Groups: 2, Window: nn.NewWindow(2, 3).Stride(2, 1).Padding(1, 3).Dilation(1, 2)},
			Real:  []Sizes{{Sample: []int{8, 14, 14}, Out: 30, Groups: 2, Window: nn.Square(5).Stride(2, 1).Padding(1, 3).Dilation(1, 2)}},
			Case: Case{
				Name:    "Convolution in groups",
				Ulps:    ulps,
				Linear:  true,
				Refuses: [][]int{{3, 2, 3, 4}},
			},
		},
		{
			Make:  convolve,
			Small: Sizes{Sample: []int{3, 7}, Out: 2, Groups: 1, Window: nn.NewWindow(4).Stride(2).Padding(1)},
			Real:  []Sizes{{Sample: []int{2, 500}, Out: 20, Groups: 1, Window: nn.NewWindow(7).Stride(3).Padding(3)}},
			Case: Case{
				Name:    "Convolution of signals",
				Ulps:    ulps,
				Linear:  true,
				Refuses: [][]int{{3, 3, 1}, {3, 3, 7, 1}},
			},
		},
		{
			formula: layer(func(t *Tracer, l *nn.MaxPool[float64], x Node) Node {
				p := placesOf(l.Window(), x.Shape)
				for _, window := range p.index {
					// The padding stands for another element of the window.
					first := slices.IndexFunc(window, func(i int) bool { return i >= 0 })
					for k, at := range window {
						if at < 0 {
							window[k] = window[first]
						}
					}
				}
				return t.Reshape(t.Max(p.windows(t, x, x.Shape[0]*x.Shape[1]), 1), p.result(x.Shape[1])...)
			}),
			Make:   maxPool,
			Small:  Sizes{Sample: []int{2, 4, 3}, Window: nn.NewWindow(2, 3).Stride(2).Padding(0, 1)},
			Real:   []Sizes{{Sample: []int{5, 28, 28}, Window: nn.Square(2)}, {Sample: []int{5, 28, 28}, Window: nn.Square(3).Stride(2).Padding(1)}},
			Random: randomPool,
			python: poolInPython("max_pool"),
			Case: Case{
				Name:    "MaxPool",
				Ulps:    0.5, // below one: dx is the sum of two elements of dy at most
				Flat:    true,
				Kinks:   ties,
				Refuses: [][]int{{3, 2, 1, 4}, {3, 2, 5}, {}},
			},
		},
		{
			formula: layer(func(t *Tracer, l *nn.AveragePool[float64], x Node) Node {
				p := placesOf(l.Window(), x.Shape)
				sum := t.Sum(p.windows(t, x, x.Shape[0]*x.Shape[1]), 1)
				return t.Reshape(t.Div(sum, t.Const(float64(len(p.index[0])), sum.Shape...)), p.result(x.Shape[1])...)
			}),
			Make:   averagePool,
			Small:  Sizes{Sample: []int{2, 5, 4}, Window: nn.NewWindow(2, 3).Stride(1, 2).Padding(1)},
			Real:   []Sizes{{Sample: []int{5, 28, 28}, Window: nn.Square(3).Stride(2).Padding(1)}},
			Random: randomPool,
			python: poolInPython("avg_pool"),
			Case: Case{
				Name:    "AveragePool",
				Ulps:    8, // a sum of 6, and /
				Refuses: [][]int{{3, 2, 5, 0}, {3, 2, 5}, {}},
			},
		},
		{
			formula: layer(func(t *Tracer, _ *nn.GlobalAveragePool[float64], x Node) Node {
				y := t.Sum(t.Reshape(x, x.Shape[0], x.Shape[1], len(x.Value)/max(1, x.Shape[0]*x.Shape[1])), 2)
				return t.Div(y, t.Const(float64(len(x.Value)/max(1, len(y.Value))), y.Shape...))
			}),
			Make:    func(Sizes, *rand.Rand) nn.Layer[float64] { return nn.NewGlobalAveragePool[float64]() },
			Small:   Sizes{Sample: []int{3, 2, 4}},
			Real:    []Sizes{{Sample: []int{64, 7, 7}}},
			Random:  func(rng *rand.Rand) Sizes { return Sizes{Sample: randomSample(rng, 1+rng.IntN(3))} },
			PyTorch: "x.flatten(2).mean(2)",
			Case: Case{
				Name:    "GlobalAveragePool",
				Ulps:    8, // a sum of 8, and /
				Refuses: [][]int{{3, 2}, {3, 2, 0}, {}},
			},
		},
		{
			Make: func(s Sizes, rng *rand.Rand) nn.Layer[float64] {
				return nn.NewSequential[float64](
					nn.NewConvolution[float64](s.Sample[0], s.Hidden, nn.Square(2).Padding(1), rng), nn.NewReLU[float64](),
					nn.NewConvolution[float64](s.Hidden, s.Out, nn.Square(3).Padding(1), rng), nn.NewReLU[float64](), nn.NewMaxPool[float64](nn.Square(2)),
				)
			},
			Small: Sizes{Sample: []int{1, 3, 4}, Hidden: 3, Out: 2},
			Case:  Case{Name: "Convolutions in a row", Ulps: 32, Flat: true},
		},
	}
}

// convolution is gather, dot and gather: the patches of x, a column for each place of the
// window, times a row for each channel of y; then the axes in their order.
func convolution(t *Tracer, l *nn.Convolution[float64], x Node) Node {
	p := placesOf(l.Window(), x.Shape)
	w, in, out := t.Param(l.W), l.In()/l.Groups(), l.Out()/l.Groups()
	pixels, terms := len(p.index), in*len(p.index[0])
	var groups []Node
	for g := range l.Groups() {
		shape := []int{terms, x.Shape[0] * pixels}
		index := make([]int, 0, shape[0]*shape[1])
		for k := range terms {
			plane := g*in + k/len(p.index[0])
			for n := range x.Shape[0] {
				for _, window := range p.index {
					at := window[k%len(window)]
					if at >= 0 {
						at += (n*l.In() + plane) * p.plane
					}
					index = append(index, at)
				}
			}
		}
		rows := t.Reshape(w, l.Out(), terms)
		if l.Groups() > 1 {
			rows = t.Slice(rows, 0, g*out, (g+1)*out)
		}
		groups = append(groups, t.Dot(rows, t.Gather(index, shape, 0, x)))
	}
	y := groups[0]
	if len(groups) > 1 {
		y = t.Concat(0, groups...)
	}
	y = t.Transpose(t.Reshape(y, l.Out(), x.Shape[0], pixels), 1, 0, 2)
	b := t.Broadcast(t.Reshape(t.Param(l.B), l.Out(), 1), y.Shape...)
	return t.Reshape(t.Add(y, b), p.result(l.Out())...)
}

// places are where the elements of the windows are in a plane of x: window after window,
// and -1 for the padding.
type places struct {
	index [][]int
	plane int   // elements of x in it
	shape []int // of the result, 0 in place of the number of channels
}

func placesOf(w nn.Window, x []int) places {
	size, stride, padding, dilation := w.Numbers()
	p := places{[][]int{{0}}, 1, []int{x[0], 0}}
	for i, length := range x[2:] {
		out := (length+2*padding[i]-dilation[i]*(size[i]-1)-1)/stride[i] + 1
		p.shape, p.plane = append(p.shape, out), p.plane*length
		var index [][]int
		for _, window := range p.index {
			for o := range out {
				var longer []int
				for _, at := range window {
					for k := range size[i] {
						place := o*stride[i] + k*dilation[i] - padding[i]
						if at < 0 || place < 0 || place >= length {
							longer = append(longer, -1)
						} else {
							longer = append(longer, at*length+place)
						}
					}
				}
				index = append(index, longer)
			}
		}
		p.index = index
	}
	return p
}

func (p places) result(channels int) []int {
	shape := slices.Clone(p.shape)
	shape[1] = channels
	return shape
}

// windows gathers the windows of planes planes of x, one row for each window.
func (p places) windows(t *Tracer, x Node, planes int) Node {
	index := make([]int, 0, planes*len(p.index)*len(p.index[0]))
	for plane := range planes {
		for _, window := range p.index {
			for _, at := range window {
				if at >= 0 {
					at += plane * p.plane
				}
				index = append(index, at)
			}
		}
	}
	return t.Gather(index, []int{planes * len(p.index), len(p.index[0])}, 0, x)
}

// ties makes all elements of the first sample equal. Each is in a window of several.
func ties(x *tensor.Tensor[float64]) (kinks int) {
	if len(x.Data) == 0 {
		return 0
	}
	first := x.Data[:len(x.Data)/x.Shape[0]]
	for i := range first {
		first[i] = first[0]
	}
	return len(first)
}

// randomSample draws the shape of a sample: channels, and then axes more axes.
func randomSample(rng *rand.Rand, axes int) []int {
	shape := []int{1 + rng.IntN(6)}
	for range axes {
		shape = append(shape, 1+rng.IntN(9))
	}
	return shape
}

// randomWindow draws a window and a sample that it fits. most returns the largest padding for a
// size.
func randomWindow(rng *rand.Rand, dilated bool, most func(size int) int) (w nn.Window, sample []int) {
	sample = randomSample(rng, 1+rng.IntN(2))
	var size, stride, padding, dilation []int
	for i := range sample[1:] {
		n, d := 1+rng.IntN(4), 1
		if dilated {
			d += rng.IntN(3)
		}
		p := rng.IntN(most(n) + 1)
		size, stride, padding, dilation = append(size, n), append(stride, 1+rng.IntN(3)), append(padding, p), append(dilation, d)
		sample[1+i] = max(sample[1+i], d*(n-1)+1-2*p)
	}
	return nn.NewWindow(size...).Stride(stride...).Padding(padding...).Dilation(dilation...), sample
}

func randomConvolution(rng *rand.Rand) Sizes {
	w, sample := randomWindow(rng, true, func(int) int { return 4 })
	groups := 1 + rng.IntN(3)
	sample[0] *= groups
	return Sizes{Sample: sample, Out: groups * (1 + rng.IntN(9)), Groups: groups, Window: w}
}

func convolutionInPython(l nn.Layer[float64]) string {
	c := l.(*nn.Convolution[float64])
	size, stride, padding, dilation := c.Window().Numbers()
	return fmt.Sprintf("F.conv%dd(x, W, b, stride=%s, padding=%s, dilation=%s, groups=%d)", len(size), tuple(stride), tuple(padding), tuple(dilation), c.Groups())
}

func randomPool(rng *rand.Rand) Sizes {
	w, sample := randomWindow(rng, false, func(size int) int { return size / 2 })
	return Sizes{Sample: sample, Window: w}
}

func poolInPython(name string) func(l nn.Layer[float64]) string {
	return func(l nn.Layer[float64]) string {
		size, stride, padding, _ := l.(interface{ Window() nn.Window }).Window().Numbers()
		return fmt.Sprintf("F.%s%dd(x, %s, stride=%s, padding=%s)", name, len(size), tuple(size), tuple(stride), tuple(padding))
	}
}

// tuple writes numbers as a tuple of Python.
func tuple(v []int) string {
	s := "("
	for _, n := range v {
		s += fmt.Sprint(n, ",")
	}
	return s + ")"
}
