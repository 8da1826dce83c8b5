package nn

import (
	"fmt"
	"math"
	"sync"
	"testing"

	"github.com/chainrule-go/chainrule/internal/kernel"
	"github.com/chainrule-go/chainrule/tensor"
)

// chainNets are networks with two convolutions or more in a row. The numbers of chains are
// of the plan: whether one is computed as one depends on the processor and the images.
var chainNets = []struct {
	name, line string
	sample     []int
	chains     int
	alone      bool // no kernel computes the chain
}{
	{"DeepConvNet", deepConvNet(10), []int{1, 28, 28}, 1, false},
	{"no ReLU", "conv 16x3x3 padding=1, conv 32x3x3", []int{3, 9, 7}, 1, false},
	{"no pool", "conv 16x3x3, relu, conv 16x3x3, relu, flatten, affine 3", []int{1, 8, 9}, 1, false},
	{"strides", "conv 16x3x3 stride=2 padding=1, relu, conv 32x5x5 padding=2, relu, maxpool 3 stride=2", []int{2, 15, 17}, 1, false},
	{"two chains", "conv 16x3x3, relu, conv 16x3x3, batchnorm, conv 16x2x2, conv 48x3x3, relu, maxpool 2", []int{1, 14, 14}, 2, false},
	{"in a residual", "residual (conv 16x3x3 padding=1, relu, conv 16x3x3 padding=1), relu", []int{16, 6, 6}, 1, false},
	{"one alone", "conv 16x3x3, relu, flatten, affine 3", []int{2, 6, 6}, 0, true},
	{"groups", "conv 16x3x3, relu, conv 16x3x3 groups=4", []int{2, 9, 9}, 1, true},
	{"odd channels", "conv 7x3x3, relu, conv 5x3x3, relu", []int{2, 9, 9}, 1, true},
	{"padding of a pool", "conv 16x3x3, relu, maxpool 3 padding=1, conv 16x3x3, relu", []int{1, 12, 12}, 1, true},
	{"signals", "conv 16x3 padding=1, relu, conv 16x3 padding=1, relu, maxpool 2", []int{2, 12}, 1, true},
}

func chainNet[T tensor.Float](t *testing.T, line string, sample []int) *Sequential[T] {
	t.Helper()
	net, err := Parse[T](line, sample, newRand(1))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range net.Params() { // no bias is 0
		for i := range p.Value.Data {
			p.Value.Data[i] += T(0.01 * float64(i%7-3))
		}
	}
	return net
}

// chainsIn returns how many chains are in the plans of a network.
func chainsIn[T tensor.Float](net Layer[T]) (n int) {
	for _, l := range Walk(net) {
		if s, ok := l.(*Sequential[T]); ok {
			for _, l := range s.chained {
				if _, ok := l.(*convolutionChain[T]); ok {
					n++
				}
			}
		}
	}
	return n
}

// Predictions through a chain have the bits of those layer by layer.
func TestChainPredictsTheSameBits(t *testing.T) {
	for _, c := range chainNets {
		t.Run(c.name, func(t *testing.T) {
			t.Run("float32", func(t *testing.T) { chainPredicts[float32](t, c.line, c.sample, c.chains) })
			t.Run("float64", func(t *testing.T) { chainPredicts[float64](t, c.line, c.sample, c.chains) })
		})
	}
}

func chainPredicts[T tensor.Float](t *testing.T, line string, sample []int, chains int) {
	net := chainNet[T](t, line, sample)
	if got := chainsIn[T](net); got != chains {
		t.Errorf("%d chains, want %d", got, chains)
	}
	for _, path := range kernel.Paths() {
		for _, n := range []int{0, 1, 3} {
			for _, threads := range []int{1, 3} {
				for _, train := range []bool{false, true} {
					t.Run(fmt.Sprintf("%s, %d samples, %d threads, train %t", path, n, threads, train), func(t *testing.T) {
						restore, err := kernel.Use(path)
						if err != nil {
							t.Fatal(err)
						}
						defer restore()
						x := random[T](newRand(uint64(n)), append([]int{n}, sample...)...)
						if n > 0 {
							x.Data[0], x.Data[len(x.Data)-1] = T(math.Copysign(0, -1)), T(math.Inf(n-2))
						}
						if n == 1 && train {
							return // batch normalization takes two samples or more
						}
						want := net.Forward(&Pass[T]{Train: train, Unfused: true}, x)
						sameBits(t, "y", net.Forward(&Pass[T]{Train: train, Threads: threads}, x), want)
					})
				}
			}
		}
	}
}

// A chain that is computed as one has the weights a second time, in the pass. In training,
// layer by layer, and where each layer is observed there is none.
func TestChainIsTaken(t *testing.T) {
	axis := kernel.Axis{Size: 4, Kernel: 3, Stride: 1, Dilation: 1}
	var simple kernel.Chain[float32]
	simple.Add(kernel.Stage[float32]{Convolution: kernel.Convolution{Groups: 1, In: 1, Out: 16, Rows: axis, Columns: axis}, W: make([]float32, 144), Bias: make([]float32, 16)})
	kernels := simple.Ready()
	for _, c := range chainNets {
		observed := 0
		for _, mode := range []struct {
			name  string
			pass  Pass[float32]
			taken bool
		}{
			{"prediction", Pass[float32]{}, kernels && !c.alone},
			{"training", Pass[float32]{Train: true, Keep: true}, false},
			{"layer by layer", Pass[float32]{Unfused: true}, false},
			{"observed", Pass[float32]{Observe: func(Layer[float32], bool, *tensor.Tensor[float32]) { observed++ }}, false},
		} {
			t.Run(c.name+", "+mode.name, func(t *testing.T) {
				net, p := chainNet[float32](t, c.line, c.sample), &mode.pass
				net.Forward(p, tensor.New[float32](append([]int{2}, c.sample...)...))
				var bytes int64
				for _, chain := range p.chains.items {
					bytes += chain.Bytes()
				}
				if mode.taken != (bytes > 0) {
					t.Errorf("chains of %d bytes, want some: %t", bytes, mode.taken)
				}
				if p.Observe != nil && observed < len(net.fused.layers) {
					t.Errorf("%d layers observed, want %d or more", observed, len(net.fused.layers))
				}
			})
		}
	}
}

// Weights that a user writes between two predictions are seen, also those that make a chain
// impossible for a while.
func TestChainSeesChangedWeights(t *testing.T) {
	net := chainNet[float32](t, chainNets[1].line, chainNets[1].sample)
	x := random[float32](newRand(3), append([]int{2}, chainNets[1].sample...)...)
	p := &Pass[float32]{}
	for _, param := range net.Params() {
		for _, w := range []float64{0.5, math.NaN(), math.Inf(1), math.Copysign(0, -1), 1} {
			t.Run(fmt.Sprint(param.Name, " is ", w), func(t *testing.T) {
				p.Reset()
				param.Value.Data[len(param.Value.Data)-2] = float32(w)
				sameBits(t, "y", net.Forward(p, x), net.Forward(&Pass[float32]{Unfused: true}, x))
			})
		}
	}
}

// Two networks take turns in one pass.
func TestChainsOfTwoNetworksInOnePass(t *testing.T) {
	p := &Pass[float32]{}
	for i := range 4 {
		c := chainNets[1+i%2]
		net := chainNet[float32](t, c.line, c.sample)
		x := random[float32](newRand(3), append([]int{2}, c.sample...)...)
		p.Reset()
		sameBits(t, c.name, net.Forward(p, x), net.Forward(&Pass[float32]{Unfused: true}, x))
	}
}

// Any number of goroutines predict at once, while the pool of threads is busy too.
func TestChainPredictsFromManyGoroutines(t *testing.T) {
	c := chainNets[0]
	net := chainNet[float32](t, c.line, c.sample)
	var all sync.WaitGroup
	var got, want [4]*tensor.Tensor[float32]
	for i := range got {
		x := random[float32](newRand(uint64(i)), append([]int{1 + i}, c.sample...)...)
		want[i] = net.Forward(&Pass[float32]{Unfused: true}, x)
		all.Go(func() {
			p := &Pass[float32]{Threads: 1 + i%3}
			for range 3 {
				p.Reset()
				got[i] = net.Forward(p, x)
			}
		})
	}
	all.Wait()
	for i := range got {
		sameBits(t, fmt.Sprint("y of goroutine ", i), got[i], want[i])
	}
}

func TestChainPredictionAllocatesNothing(t *testing.T) {
	if poison {
		t.Skip("poisoned memory is dropped on Reset")
	}
	for _, c := range chainNets {
		t.Run(c.name, func(t *testing.T) {
			net := chainNet[float32](t, c.line, c.sample)
			x := random[float32](newRand(1), append([]int{2}, c.sample...)...)
			for _, threads := range []int{1, 3} {
				p := &Pass[float32]{Threads: threads}
				step := func() {
					p.Reset()
					net.Forward(p, x)
				}
				step()
				if n := allocations(step); n != 0 {
					t.Errorf("%d threads: %v allocations a prediction", threads, n)
				}
			}
		})
	}
}

// Predictions between the forward and the backward of a step change nothing in the step.
func TestChainLeavesTrainingAlone(t *testing.T) {
	c := chainNets[0]
	x := random[float32](newRand(2), append([]int{3}, c.sample...)...)
	var grads [2]*tensor.Tensor[float32]
	for i := range grads {
		net := chainNet[float32](t, c.line, c.sample)
		p := training[float32]()
		y := net.Forward(p, x)
		if i == 1 {
			net.Forward(&Pass[float32]{}, random[float32](newRand(9), append([]int{2}, c.sample...)...))
		}
		net.BackwardParams(p, y)
		grads[i] = net.Params()[0].Grad
	}
	sameBits(t, "the gradient of the first weights", grads[1], grads[0])
}

// A backward after a prediction, and images that do not fit, panic as they do layer by layer.
func TestChainPanicsAsLayers(t *testing.T) {
	net := chainNet[float32](t, chainNets[0].line, chainNets[0].sample)
	for _, c := range []struct {
		name  string
		shape []int
		want  string
	}{
		{"channels", []int{2, 3, 28, 28}, "Convolution(1->16, 3x3, padding 1x1).Forward: want (N, 1, 1 or more, 1 or more), got (2, 3, 28, 28)"},
		{"small", []int{2, 1, 3, 3}, "MaxPool(2x2).Forward: want (N, C, 2 or more, 2 or more), got (2, 64, 1, 1)"},
		{"axes", []int{2, 1, 28, 28, 1, 1}, "Convolution(1->16, 3x3, padding 1x1).Forward: want (N, 1, 1 or more, 1 or more), got (2, 1, 28, 28, 1, 1)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, unfused := range []bool{false, true} {
				mustShapeError(t, c.want, func() { net.Forward(&Pass[float32]{Unfused: unfused}, tensor.New[float32](c.shape...)) })
			}
		})
	}
	t.Run("backward", func(t *testing.T) {
		net := chainNet[float32](t, chainNets[1].line, chainNets[1].sample)
		p := &Pass[float32]{}
		y := net.Forward(p, tensor.New[float32](append([]int{1}, chainNets[1].sample...)...))
		mustPanic(t, "Backward", func() { net.Backward(p, y) })
	})
}
