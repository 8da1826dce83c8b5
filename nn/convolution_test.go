package nn

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/chainrule-go/chainrule/tensor"
)

// imageNet has every pair and triple of layers that are computed together, over signals
// or over images.
func imageNet(axes int, rng *rand.Rand) *Sequential[float64] {
	square := func(n int) Window { return NewWindow(slices.Repeat([]int{n}, axes)...) }
	return NewSequential[float64](
		NewConvolution[float64](2, 3, square(3).Padding(1), rng), NewReLU[float64](),
		NewConvolution[float64](3, 4, square(2), rng), NewReLU[float64](), NewMaxPool[float64](square(2)),
		NewConvolution[float64](4, 2, square(1), rng), NewMaxPool[float64](square(2).Stride(1)),
	)
}

func randomTensor(rng *rand.Rand, shape ...int) *tensor.Tensor[float64] {
	x := tensor.New[float64](shape...)
	for i := range x.Data {
		x.Data[i] = rng.NormFloat64()
	}
	return x
}

// A convolution with its ReLU and MaxPool is computed in one pass, to the same bits.
func TestFusedConvolutionChangesNoBit(t *testing.T) {
	for axes := 1; axes <= 2; axes++ {
		for n := range 3 {
			t.Run(fmt.Sprintf("%d axes, %d samples", axes, n), func(t *testing.T) {
				rng := newRand(5)
				x := randomTensor(rng, append([]int{n, 2}, slices.Repeat([]int{8}, axes)...)...)
				var all [2][]float64
				for i, unfused := range []bool{false, true} {
					net := imageNet(axes, newRand(6))
					if i == 0 && len(net.fused.layers) != 4 {
						t.Errorf("7 layers run as %d, want 4", len(net.fused.layers))
					}
					p := &Pass[float64]{Keep: true, Unfused: unfused}
					y := net.Forward(p, x)
					dy := randomTensor(newRand(7), y.Shape...)
					all[i] = append(slices.Clone(y.Data), net.Backward(p, dy).Data...)
					net.BackwardParams(p, dy)
					for _, w := range net.Params() {
						all[i] = append(all[i], w.Grad.Data...)
					}
				}
				if !slices.Equal(all[0], all[1]) {
					t.Errorf("results are %v in one pass, and %v one by one", all[0], all[1])
				}
			})
		}
	}
}

func TestConvolutionStepAllocatesNothing(t *testing.T) {
	net := imageNet(2, newRand(1))
	x := randomTensor(newRand(2), 3, 2, 8, 8)
	for _, unfused := range []bool{false, true} {
		p := &Pass[float64]{Train: true, Keep: true, Threads: 1, Unfused: unfused}
		step := func() {
			p.Reset()
			net.BackwardParams(p, net.Forward(p, x))
		}
		if n := allocations(step); n != 0 && !poison {
			t.Errorf("unfused %t: %v allocations a step", unfused, n)
		}
	}
}

func allocations(step func()) float64 { return testing.AllocsPerRun(5, step) }

// The whole of it by hand: x of ones, W of ones, b = 10.
func TestConvolutionByHand(t *testing.T) {
	l := NewConvolution[float64](1, 1, Square(3).Padding(1).Stride(2), newRand(1))
	x := tensor.New[float64](1, 1, 3, 3)
	for _, a := range [][]float64{x.Data, l.W.Value.Data} {
		for i := range a {
			a[i] = 1
		}
	}
	l.B.Value.Data[0] = 10
	p := &Pass[float64]{Keep: true}
	for _, c := range []struct {
		what      string
		got, want []float64
	}{
		{"y", l.Forward(p, x).Data, []float64{14, 14, 14, 14}},
		{"dx", l.Backward(p, tensor.Of([]float64{1, 2, 3, 4}, 1, 1, 2, 2)).Data, []float64{1, 3, 2, 4, 10, 6, 3, 7, 4}},
		{"dW", l.W.Grad.Data, []float64{4, 7, 3, 6, 10, 4, 2, 3, 1}},
		{"db", l.B.Grad.Data, []float64{10}},
	} {
		if !slices.Equal(c.got, c.want) {
			t.Errorf("%s is %v, want %v", c.what, c.got, c.want)
		}
	}
}

// The numbers of a window are checked when a layer is made.
func TestWindowsThatAreRefused(t *testing.T) {
	for _, c := range []struct {
		name string
		make func()
		want string
	}{
		{"no size", func() { NewConvolution[float32](1, 1, NewWindow(), newRand(1)) }, "nn: Convolution: kernel: want one length or two"},
		{"three axes", func() { NewMaxPool[float32](NewWindow(2, 2, 2)) }, "nn: MaxPool: window: want at most 2 lengths"},
		{"size 0", func() { NewMaxPool[float32](Square(0)) }, "nn: MaxPool: window: want at most 2 lengths of 1 or more"},
		{"size too large", func() { NewConvolution[float32](1, 1, NewWindow(1025), newRand(1)) }, "kernel: want one length or two, each from 1 to 1024, got [1025]"},
		{"stride 0", func() { NewConvolution[float32](1, 1, Square(3).Stride(0), newRand(1)) }, "stride: want 2 integers from 1 to 1024, got 2: [0 0]"},
		{"strides of another number of axes", func() { NewConvolution[float32](1, 1, NewWindow(3).Stride(1, 2), newRand(1)) }, "stride: want 1 integers"},
		{"negative padding", func() { NewConvolution[float32](1, 1, Square(3).Padding(-1), newRand(1)) }, "padding: want 2 integers from 0 to 1024"},
		{"dilation 0", func() { NewConvolution[float32](1, 1, Square(3).Dilation(0), newRand(1)) }, "dilation: want 2 integers from 1"},
		{"groups that do not divide", func() { NewGroupedConvolution[float32](4, 6, 4, Square(3), newRand(1)) }, "groups: want a divisor of in and out, got 4 of 4 and 6"},
		{"too many weights", func() { NewConvolution[float32](math.MaxInt32, math.MaxInt32, Square(3), newRand(1)) }, "W: want a number of elements that fits an integer"},
		{"padding of more than half a pool", func() { NewMaxPool[float32](Square(3).Padding(2)) }, "padding: want half the size of the window at most, got [2 2] for [3 3]"},
		{"dilation of a pool", func() { NewAveragePool[float32](Square(3).Dilation(2)) }, "window: want no dilation in a pool"},
	} {
		t.Run(c.name, func(t *testing.T) {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.Contains(got, c.want) {
					t.Errorf("panic %q, want one with %q", got, c.want)
				}
			}()
			c.make()
		})
	}
}

// Shapes that do not fit are named, with the least that would.
func TestShapesOfImages(t *testing.T) {
	conv := NewConvolution[float32](3, 4, NewWindow(5, 3).Padding(1, 0).Dilation(1, 2), newRand(1))
	for _, c := range []struct {
		layer Layer[float32]
		shape []int
		want  string
	}{
		{conv, []int{2, 3, 2, 9}, "Convolution(3->4, 5x3, padding 1x0, dilation 1x2).Forward: want (N, 3, 3 or more, 5 or more), got (2, 3, 2, 9)"},
		{conv, []int{2, 4, 9, 9}, "want (N, 3, 3 or more, 5 or more), got (2, 4, 9, 9)"},
		{conv, []int{2, 3, 9}, "got (2, 3, 9)"},
		{NewMaxPool[float32](NewWindow(4)), []int{2, 3, 3}, "MaxPool(4).Forward: want (N, C, 4 or more), got (2, 3, 3)"},
		{NewAveragePool[float32](Square(2)), []int{2, 3, 3}, "AveragePool(2x2).Forward: want (N, C, 2 or more, 2 or more), got (2, 3, 3)"},
		{NewGlobalAveragePool[float32](), []int{2, 3}, "GlobalAveragePool.Forward: want (N, C, length) or more axes"},
	} {
		_, err := Check(c.layer, c.shape...)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v of %v: %v, want %q", c.layer, c.shape, err, c.want)
		}
	}
	t.Run("dy", func(t *testing.T) {
		p := &Pass[float32]{Keep: true}
		conv.Forward(p, tensor.New[float32](1, 3, 3, 5))
		defer func() {
			if got := fmt.Sprint(recover()); !strings.Contains(got, ".Backward: want (1, 4, 1, 1)") {
				t.Errorf("panic %q", got)
			}
		}()
		conv.Backward(p, tensor.New[float32](1, 4, 1, 2))
	})
}
