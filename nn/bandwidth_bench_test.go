package nn_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/chainrule-go/chainrule/internal/kernel"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// BenchmarkBandwidth compares the elementwise, normalization and pooling layers with the
// bandwidth of the memory, each beside copies and sums of arrays of the same size:
//
//	go test ./nn -run '^$' -bench Bandwidth -benchtime 5x
//
// x has 64 MiB, which is beyond the caches of a core. Of a layer it counts the arrays that
// each direction has to read and write once, and of a batch normalization whose channels
// are beyond the cache those that it has to read twice. GB/s are those bytes in the median
// of the times, and the ratio is that of the yardstick in the same run to them: y = a for
// Forward and y = a + b for Backward, on as many threads. So 1 is as fast as memory. It
// asserts nothing.
func BenchmarkBandwidth(b *testing.B) {
	rng := rand.New(rand.NewPCG(17, 0))
	type layer = nn.Layer[float32]
	flat, images, signals := []int{16384, 1024}, []int{128, 160, 28, 28}, []int{512, 32, 1024}
	one, two, three := normal(rng, flat...), normal(rng, flat...), tensor.New[float32](flat...)
	for _, c := range []struct {
		name  string
		layer layer
		shape []int
		twice bool // whether x, and dy, have to be read twice
	}{
		{"ReLU", nn.NewReLU[float32](), flat, false},
		{"LeakyReLU", nn.NewLeakyReLU[float32](), flat, false},
		{"PReLU/one", nn.NewPReLU[float32](1), flat, false},
		{"PReLU/features", nn.NewPReLU[float32](1024), flat, false},
		{"PReLU/images", nn.NewPReLU[float32](160), images, false},
		{"Sigmoid", nn.NewSigmoid[float32](), flat, false},
		{"Tanh", nn.NewTanh[float32](), flat, false},
		{"ELU", nn.NewELU[float32](), flat, false},
		{"Softplus", nn.NewSoftplus[float32](), flat, false},
		{"SiLU", nn.NewSiLU[float32](), flat, false},
		{"GELU", nn.NewGELU[float32](), flat, false},
		{"GELU/tanh", nn.NewGELUTanh[float32](), flat, false},
		{"Softmax", nn.NewSoftmax[float32](), flat, false},
		{"Dropout", nn.NewDropout[float32](0.5, rng), flat, false},
		{"Residual", nn.NewResidual[float32](nn.NewIdentity[float32](), nil), flat, false},
		{"BatchNorm/images", nn.NewBatchNorm[float32](160), images, false},
		{"BatchNorm/100", nn.NewBatchNorm[float32](163840), []int{100, 163840}, false},
		{"BatchNorm/16384", nn.NewBatchNorm[float32](1024), flat, true},
		{"LayerNorm", nn.NewLayerNorm[float32](1024), flat, false},
		{"LayerNorm/256", nn.NewLayerNorm[float32](256), []int{65536, 256}, false},
		{"RMSNorm", nn.NewRMSNorm[float32](1024), flat, false},
		{"GroupNorm", nn.NewGroupNorm[float32](32, 160), images, false},
		{"MaxPool/2", nn.NewMaxPool[float32](nn.Square(2)), images, false},
		{"MaxPool/3,stride1", nn.NewMaxPool[float32](nn.Square(3).Stride(1).Padding(1)), images, false},
		{"MaxPool/3,stride2", nn.NewMaxPool[float32](nn.Square(3).Stride(2).Padding(1)), images, false},
		{"MaxPool/3", nn.NewMaxPool[float32](nn.Square(3)), images, false},
		{"MaxPool/signal2", nn.NewMaxPool[float32](nn.NewWindow(2)), signals, false},
		{"AveragePool/2", nn.NewAveragePool[float32](nn.Square(2)), images, false},
		{"AveragePool/3,stride1", nn.NewAveragePool[float32](nn.Square(3).Stride(1).Padding(1)), images, false},
		{"AveragePool/3,stride2", nn.NewAveragePool[float32](nn.Square(3).Stride(2).Padding(1)), images, false},
		{"AveragePool/3", nn.NewAveragePool[float32](nn.Square(3)), images, false},
		{"AveragePool/signal2", nn.NewAveragePool[float32](nn.NewWindow(2)), signals, false},
		{"GlobalAveragePool", nn.NewGlobalAveragePool[float32](), images, false},
	} {
		for _, threads := range []int{1, 2} {
			b.Run(fmt.Sprintf("%s/threads=%d", c.name, threads), func(b *testing.B) {
				x := part(one, c.shape)
				p := &nn.Pass[float32]{Train: true, Keep: true, Threads: threads}
				y := c.layer.Forward(p, x)
				dy := part(two, y.Shape)
				forward, backward := len(x.Data)+len(y.Data), len(x.Data)+len(dy.Data)
				switch c.layer.(type) {
				case *nn.MaxPool[float32]: // and the choices
					forward, backward = forward+len(y.Data), backward+len(y.Data)
				case *nn.AveragePool[float32], *nn.GlobalAveragePool[float32], *nn.Dropout[float32], *nn.Residual[float32]:
				default: // and x or y
					backward += len(x.Data)
				}
				if c.twice {
					forward, backward = forward+len(x.Data), backward+len(x.Data)+len(dy.Data)
				}
				c.layer.Backward(p, dy)
				n := len(x.Data)
				a, addend, sum := one.Data[:n], two.Data[:n], three.Data[:n]
				times := map[string][]float64{}
				for b.Loop() {
					p.Reset()
					start := time.Now()
					lap := func(what string) {
						now := time.Now()
						times[what] = append(times[what], now.Sub(start).Seconds())
						start = time.Now()
					}
					c.layer.Forward(p, x)
					lap("forward")
					c.layer.Backward(p, dy)
					lap("backward")
					kernel.Parallel(threads, 2*threads, yardstick{sum, a, nil, 2 * threads})
					lap("copy")
					kernel.Parallel(threads, 2*threads, yardstick{sum, a, addend, 2 * threads})
					lap("sum")
				}
				speed := func(what string, elements int) float64 {
					slices.Sort(times[what])
					return 4 * float64(elements) / times[what][len(times[what])/2] / 1e9
				}
				for _, d := range []struct {
					what, yardstick  string
					elements, arrays int
				}{{"forward", "copy", forward, 2}, {"backward", "sum", backward, 3}} {
					got, best := speed(d.what, d.elements), speed(d.yardstick, d.arrays*len(x.Data))
					b.ReportMetric(got, d.what+"-GB/s")
					b.ReportMetric(best/got, d.what+"-ratio")
				}
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

// A yardstick sets parts of y to a + b, or to a.
type yardstick struct {
	y, a, b []float32
	parts   int
}

func (s yardstick) Do(part int) {
	lo, hi := part*len(s.y)/s.parts, (part+1)*len(s.y)/s.parts
	if s.b == nil {
		copy(s.y[lo:hi], s.a[lo:hi])
		return
	}
	kernel.Add(1, s.y[lo:hi], s.a[lo:hi], s.b[lo:hi])
}

// part returns the beginning of x in another shape.
func part(x *tensor.Tensor[float32], shape []int) *tensor.Tensor[float32] {
	n, _ := tensor.Size(shape...)
	return tensor.Of(x.Data[:n], shape...)
}

func normal(rng *rand.Rand, shape ...int) *tensor.Tensor[float32] {
	x := tensor.New[float32](shape...)
	for i := range x.Data {
		x.Data[i] = float32(rng.NormFloat64())
	}
	return x
}
