package certify

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/chainrule-go/chainrule/gradcheck"
	"github.com/chainrule-go/chainrule/graph/trace"
	"github.com/chainrule-go/chainrule/nn"
)

// wrongBatchNorm is a BatchNorm of (N, C) with a fault in one direction, or none.
type wrongBatchNorm struct {
	*nn.BatchNorm[float64]
	forward  func(l *nn.BatchNorm[float64], p *nn.Pass[float64], x array) array
	backward func(l *wrongBatchNorm, dx, dy array)
	x        array
}

func init() {
	trace.Register(func(t *trace.Tracer, l *wrongBatchNorm, x trace.Node) trace.Node { return t.Layer(l.BatchNorm, x) })
}

func (l *wrongBatchNorm) Forward(p *nn.Pass[float64], x array) array {
	if p != nil && p.Keep {
		l.x = x
	}
	if l.forward != nil {
		return l.forward(l.BatchNorm, p, x)
	}
	return l.BatchNorm.Forward(p, x)
}

func (l *wrongBatchNorm) Backward(p *nn.Pass[float64], dy array) array {
	dx := l.BatchNorm.Backward(p, dy)
	if l.backward != nil && p.Train {
		l.backward(l, dx, dy)
	}
	return dx
}

// columns calls f with the place of each element of the batch in channel c, for every
// channel, its number of samples, and the mean and 1/√(var + eps) of the channel.
func (l *wrongBatchNorm) columns(f func(c, n int, at func(i int) int, mean, inv float64)) {
	n, channels := l.x.Shape[0], l.x.Shape[1]
	for c := range channels {
		at := func(i int) int { return i*channels + c }
		var mean, variance float64
		for i := range n {
			mean += l.x.Data[at(i)] / float64(n)
		}
		for i := range n {
			variance += (l.x.Data[at(i)] - mean) * (l.x.Data[at(i)] - mean) / float64(n)
		}
		f(c, n, at, mean, 1/math.Sqrt(variance+l.Eps))
	}
}

// trainsAndKeeps reports whether a step of training runs.
func trainsAndKeeps(p *nn.Pass[float64]) bool { return p != nil && p.Train && p.Keep }

// TestBatchNormFaults: the mistakes that people make in batch normalization are caught by
// the contract and the references, or by PyTorch's running statistics.
func TestBatchNormFaults(t *testing.T) {
	type layer = nn.BatchNorm[float64]
	type pass = nn.Pass[float64]
	for _, test := range []struct {
		name     string
		forward  func(l *layer, p *pass, x array) array
		backward func(l *wrongBatchNorm, dx, dy array)
		by       string // gradcheck or PyTorch; "" is none
	}{
		{"none", nil, nil, ""},
		{"running variance biased", func(l *layer, p *pass, x array) array {
			before := l.Var.Clone()
			y := l.Forward(p, x)
			if trainsAndKeeps(p) && x.Shape[0] > 1 {
				for i, v := range before.Data {
					unbiased := (l.Var.Data[i] - v*(1-l.Momentum)) / l.Momentum
					l.Var.Data[i] -= l.Momentum * unbiased / float64(x.Shape[0])
				}
			}
			return y
		}, nil, "PyTorch"},
		{"momentum is the weight of the old", func(l *layer, p *pass, x array) array {
			if trainsAndKeeps(p) { // an evaluation may run beside others
				l.Momentum = 0.9
			}
			return l.Forward(p, x)
		}, nil, "PyTorch"},
		{"y off by a factor of 1 + eps", func(l *layer, p *pass, x array) array {
			y := l.Forward(p, x).Clone()
			for i := range y.Data {
				y.Data[i] *= 1 + l.Eps
			}
			return y
		}, nil, "gradcheck"},
		{"statistics move without Keep", func(l *layer, p *pass, x array) array {
			if p != nil && p.Train && !p.Keep {
				l.Mean.Data[0] += 0.01
			}
			return l.Forward(p, x)
		}, nil, "gradcheck"},
		{"statistics move in evaluation", func(l *layer, p *pass, x array) array {
			y := l.Forward(p, x)
			if p != nil && !p.Train && p.Keep {
				l.Var.Data[0] *= 1.01
			}
			return y
		}, nil, "gradcheck"},
		{"statistics never move", func(l *layer, p *pass, x array) array {
			if trainsAndKeeps(p) { // an evaluation may run beside others
				l.Momentum = 0
			}
			return l.Forward(p, x)
		}, nil, "gradcheck"},
		{"running statistics in training", func(l *layer, p *pass, x array) array {
			if p == nil || p.Keep {
				return l.Forward(p, x)
			}
			return l.Forward(&pass{}, x)
		}, nil, "gradcheck"},
		{"statistics of the batch in evaluation", func(l *layer, p *pass, x array) array {
			if p != nil && p.Keep || x.Shape[0] < 2 {
				return l.Forward(p, x)
			}
			return l.Forward(&pass{Train: true}, x)
		}, nil, "gradcheck"},
		{"dx without Σ dy", nil, func(l *wrongBatchNorm, dx, dy array) {
			l.columns(func(c, n int, at func(int) int, _, inv float64) {
				var sum float64
				for i := range n {
					sum += dy.Data[at(i)]
				}
				for i := range n {
					dx.Data[at(i)] += l.Gamma.Value.Data[c] * inv * sum / float64(n)
				}
			})
		}, "gradcheck"},
		{"dx without Σ dy·h", nil, func(l *wrongBatchNorm, dx, dy array) {
			l.columns(func(c, n int, at func(int) int, mean, inv float64) {
				var along float64
				for i := range n {
					along += dy.Data[at(i)] * (l.x.Data[at(i)] - mean) * inv
				}
				for i := range n {
					dx.Data[at(i)] += l.Gamma.Value.Data[c] * inv * (l.x.Data[at(i)] - mean) * inv * along / float64(n)
				}
			})
		}, "gradcheck"},
		{"dx of the biased variance", nil, func(l *wrongBatchNorm, dx, dy array) {
			l.columns(func(_, n int, at func(int) int, _, _ float64) {
				for i := range n {
					dx.Data[at(i)] *= 1 - 1/float64(n)
				}
			})
		}, "gradcheck"},
	} {
		t.Run(test.name, func(t *testing.T) {
			row := rowOf("BatchNorm")
			correct := row.Make
			row.Make = func(s trace.Sizes, rng *rand.Rand) nn.Layer[float64] {
				return &wrongBatchNorm{BatchNorm: correct(s, rng).(*layer), forward: test.forward, backward: test.backward}
			}
			c := row.Case
			c.New = func(rng *rand.Rand) nn.Layer[float64] { return row.Make(row.Small, rng) }
			if err := gradcheck.Layer(c).Err(); (err != nil) != (test.by == "gradcheck") {
				t.Errorf("gradcheck says %v", err)
			}
			if test.by == "gradcheck" {
				return
			}
			for i, want := range pytorchCases(t, row.Name)[:10] {
				if _, err := newPyTorchCase(row, i).compare(want); (err != nil) != (test.by == "PyTorch") {
					t.Errorf("case %d: compared with PyTorch: %v", i, err)
				}
			}
		})
	}
}

// pytorchCases returns what PyTorch says of the cases of a row.
func pytorchCases(t *testing.T, row string) []map[string][5]float64 {
	text, err := os.ReadFile("testdata/pytorch.json")
	if err != nil {
		t.Fatal(err)
	}
	var file pytorchFile
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	return file.Rows[row]
}
