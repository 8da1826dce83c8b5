package gradcheck

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"testing"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// TestPyTorch: every layer has the gradients of PyTorch at 100 shapes, to 1e-12. How
// testdata/pytorch.json came about is in testdata/pytorch.py.
func TestPyTorch(t *testing.T) {
	text, err := os.ReadFile("testdata/pytorch.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []pytorchCase
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	shapes, worst := map[string]int{}, 0.0
	for _, c := range cases {
		shapes[c.Layer]++
		off, wrong := c.compare(t)
		worst = max(worst, off)
		for _, w := range wrong {
			t.Error(w)
		}
	}
	for _, c := range Layers() {
		if c.Name == "Sequential" {
			c.Name = "784-50-10"
		}
		if shapes[c.Name] != 100 {
			t.Errorf("%s: %d shapes", c.Name, shapes[c.Name])
		}
	}
	t.Logf("largest relative error %.1e", worst)

	// One element off by a billionth is seen.
	for _, c := range cases[:5] {
		c.spoil = true
		if _, wrong := c.compare(t); len(wrong) == 0 {
			t.Errorf("%+v: one element off by 1e-9 is not seen", c)
		}
	}
}

type pytorchCase struct {
	Layer  string
	Seed   uint64
	Shape  []int
	Arrays map[string][5]float64 // three projections, the place of the largest element, and that
	spoil  bool
}

// compare returns the largest error of the layer's results, relative to the terms
// of a projection, and what is wrong.
func (c pytorchCase) compare(t *testing.T) (worst float64, wrong []string) {
	r := &splitMix{c.Seed}
	n, a, b, k := 1+r.below(8), 1+r.below(40), 1+r.below(40), 2+r.below(9)
	if got := []int{n, a, b, k}; fmt.Sprint(got) != fmt.Sprint(c.Shape) {
		t.Fatalf("%s: the shape is %v, on file %v", c.Layer, got, c.Shape)
	}
	param := func(name string, shape ...int) *nn.Param[float64] {
		return &nn.Param[float64]{Name: name, Value: r.draw(shape...), Grad: tensor.New[float64](shape...)}
	}
	labels := func() (all []int) {
		for range n {
			all = append(all, r.below(k))
		}
		return all
	}
	var l nn.Layer[float64]
	loss := func(labels []int) *lossLayer[float64] {
		return &lossLayer[float64]{loss: nn.NewSoftmaxWithLoss[float64](), labels: labels}
	}
	side := a
	if c.Layer == "SoftmaxWithLoss" || c.Layer == "SoftmaxWithLoss, soft targets" {
		side = k
	}
	x := r.draw(n, side)
	switch c.Layer {
	case "Affine":
		l = nn.AffineOf(param("W", a, b), param("b", b))
	case "ReLU":
		l = nn.NewReLU[float64]()
	case "Sigmoid":
		l = nn.NewSigmoid[float64]()
	case "Softmax":
		l = nn.NewSoftmax[float64]()
	case "SoftmaxWithLoss":
		l = loss(labels())
	case "SoftmaxWithLoss, soft targets":
		soft := tensor.New[float64](n, k)
		for row := range n {
			var sum float64
			for j := range k {
				soft.Data[row*k+j] = float64(1 + r.below(16))
				sum += soft.Data[row*k+j]
			}
			for j := range k {
				soft.Data[row*k+j] /= sum
			}
		}
		l = &lossLayer[float64]{loss: nn.NewSoftmaxWithLoss[float64](), soft: soft}
	case "784-50-10":
		w1, b1, w2, b2 := param("W1", a, b), param("b1", b), param("W2", b, k), param("b2", k)
		for _, p := range []*nn.Param[float64]{w1, b1, w2, b2} {
			for i := range p.Value.Data {
				p.Value.Data[i] /= 8
			}
		}
		first, second := nn.AffineOf(w1, b1), nn.AffineOf(w2, b2)
		l = nn.NewSequential[float64](first, nn.NewReLU[float64](), second, loss(labels()))
	default:
		t.Fatalf("no layer %q", c.Layer)
	}

	pass := &nn.Pass[float64]{Train: true, Keep: true, Threads: 1}
	y := l.Forward(pass, x)
	dx := l.Backward(pass, r.draw(y.Shape...))
	if c.spoil {
		dx.Data[len(dx.Data)/2] *= 1 + 1e-9
	}
	names, arrays := []string{"y", "dx"}, [][]float64{y.Data, dx.Data}
	for _, p := range l.Params() {
		names, arrays = append(names, p.Name), append(arrays, p.Grad.Data)
	}
	if len(names) != len(c.Arrays) {
		t.Fatalf("%s: arrays %v, on file %v", c.Layer, names, c.Arrays)
	}
	for i, name := range names {
		want, got := c.Arrays[name], arrays[i]
		check := func(what string, got, want, scale float64) {
			off := math.Abs(got - want)
			if off > 0 {
				off /= scale
			}
			if worst = max(worst, off); !(off <= 1e-12) {
				wrong = append(wrong, fmt.Sprintf("%s %v: %s of %s is %v, PyTorch says %v", c.Layer, c.Shape, what, name, got, want))
			}
		}
		for _, projection := range want[:3] {
			var sum, scale float64
			for j, v := range r.draw(len(got)).Data {
				sum += float64(v * got[j])
				scale += math.Abs(v * got[j])
			}
			check("a projection", sum, projection, scale)
		}
		check("the largest element", got[int(want[3])], want[4], math.Abs(want[4]))
	}
	return worst, wrong
}

// splitMix is the generator of testdata/pytorch.py.
type splitMix struct{ state uint64 }

func (r *splitMix) next() uint64 {
	r.state += 0x9e3779b97f4a7c15
	z := r.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func (r *splitMix) below(n int) int { return int(r.next() % uint64(n)) }

func (r *splitMix) draw(shape ...int) *tensor.Tensor[float64] {
	x := tensor.New[float64](shape...)
	for i := range x.Data {
		x.Data[i] = float64(4*(float64(r.next()>>11)*0x1p-53)) - 2
	}
	return x
}
