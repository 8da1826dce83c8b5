package gradcheck

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// TestBrokenContract: layers that break a promise which no planted fault breaks.
func TestBrokenContract(t *testing.T) {
	type layer = nn.Layer[float64]
	made := 0 // differs from layer to layer, as it must not
	for want, test := range map[string]struct {
		of   Case
		make func(right layer) layer
	}{
		"Backward before Forward is refused without the layer's name": {relu, func(right layer) layer { return anonymous{right} }},
		"Backward after Reset is not refused":                         {relu, func(layer) layer { return &hoarder{} }},
		"a dy of another shape than y is not refused":                 {relu, func(layer) layer { return &hoarder{} }},
		"panic: boom": {relu, func(layer) layer { return bomb{} }},
		"evaluation: panic: runtime error: invalid memory":   {relu, func(right layer) layer { return &broken{Layer: right, nilPass: true} }},
		"Forward: the same layer and input give other bits":  {relu, func(right layer) layer { made++; return &broken{Layer: right, y: float64(made)} }},
		"Backward: the same layer and input give other bits": {relu, func(right layer) layer { made++; return &broken{Layer: right, dx: float64(made)} }},
		"Backward modifies y":                                {relu, func(right layer) layer { return &broken{Layer: right, keptY: true} }},
		"Forward gives other bits in a second step":          {relu, func(right layer) layer { return &broken{Layer: right, once: true} }},
		"Backward gives other bits in a second step":         {relu, func(right layer) layer { return &broken{Layer: right, lent: true} }},
		"N=0: y is (1)": {relu, func(right layer) layer { return &broken{Layer: right, empty: true} }},
		"BackwardParams and Backward differ in W":               {affine, func(right layer) layer { return lazy{right.(*nn.Affine[float64])} }},
		"Forward refuses x of shape (4, 6) as":                  {affine, func(right layer) layer { return &broken{Layer: right, blames: true} }},
		"x of shape (4, 6) is refused without the layer's name": {affine, func(right layer) layer { return anonymous{right} }},
	} {
		c, right := test.of, test.of.New
		c.New = func(rng *rand.Rand) nn.Layer[float64] { return test.make(right(rng)) }
		err := Layer(c).Err()
		if err != nil && strings.HasSuffix(want, "in a second step") && strings.Contains(err.Error(), "NaN") {
			continue // with -tags poison the first step shows it
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
	c := affine
	c.Refuses = append(c.Refuses, []int{batch, 5})
	if err := Layer(c).Err(); err == nil || !strings.Contains(err.Error(), "x of shape (4, 5) is not refused") {
		t.Errorf("a shape that is not refused: %v", err)
	}
}

var affine, relu = Layers()[0], Layers()[1]

// broken is a right layer but for what is set.
type broken struct {
	nn.Layer[float64]
	y, dx   float64 // added to the first element of y or dx, if not 0
	nilPass bool    // Forward reads p without asking whether it is nil
	keptY   bool    // Backward clears y
	once    bool    // Forward counts on zeros in what it is lent
	lent    bool    // and so does Backward
	empty   bool    // y of no samples has one
	blames  bool    // refuses another shape than came

	last array
}

func (l *broken) Forward(p *nn.Pass[float64], x array) array {
	if l.nilPass && p.Keep {
		l.last = nil
	}
	if l.blames && x.Shape[len(x.Shape)-1] == 6 {
		panic(&tensor.ShapeError{Op: "Affine", Want: "another", Got: nil})
	}
	if l.empty && x.Shape[0] == 0 {
		return p.New(1)
	}
	y := l.Layer.Forward(p, x)
	if l.once {
		y = l.add(p, y)
	}
	if l.y != 0 {
		y.Data[0] += l.y
	}
	if p != nil && p.Keep {
		l.last = y
	}
	return y
}

func (l *broken) Backward(p *nn.Pass[float64], dy array) array {
	dx := l.Layer.Backward(p, dy)
	if l.lent {
		dx = l.add(p, dx)
	}
	if l.dx != 0 {
		dx.Data[0] += l.dx
	}
	if l.keptY {
		clear(l.last.Data)
	}
	return dx
}

// add adds x to lent memory as if that were 0.
func (l *broken) add(p *nn.Pass[float64], x array) array {
	sum := p.New(x.Shape...)
	for i, v := range x.Data {
		sum.Data[i] += v
	}
	return sum
}

func (l *broken) String() string { return fmt.Sprint(l.Layer) }

// lazy leaves everything to Backward.
type lazy struct{ *nn.Affine[float64] }

func (lazy) BackwardParams(*nn.Pass[float64], array) {}

type anonymous struct{ nn.Layer[float64] }

func (a anonymous) Forward(p *nn.Pass[float64], x array) array {
	defer a.rename()
	return a.Layer.Forward(p, x)
}

func (a anonymous) Backward(p *nn.Pass[float64], dy array) array {
	defer a.rename()
	return a.Layer.Backward(p, dy)
}

func (anonymous) rename() {
	switch e := recover().(type) {
	case nil:
	case *tensor.ShapeError:
		panic(&tensor.ShapeError{Op: "it", Want: e.Want, Got: e.Got})
	default:
		panic("wrong")
	}
}

func (anonymous) String() string { return "Nameless" }

// hoarder doubles x and never asks whether its Backward may run.
type hoarder struct{}

func (l *hoarder) Forward(p *nn.Pass[float64], x array) array {
	y := p.New(x.Shape...)
	for i, v := range x.Data {
		y.Data[i] = 2 * v
	}
	return y
}

func (l *hoarder) Backward(p *nn.Pass[float64], dy array) array { return l.Forward(p, dy) }

func (l *hoarder) Params() []*nn.Param[float64] { return nil }

type bomb struct{ nn.Layer[float64] }

func (bomb) Params() []*nn.Param[float64] { panic("boom") }
