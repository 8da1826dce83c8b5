package gradcheck

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// magnitudes are, for every element of the results, how large the numbers are of
// which it is the sum: what one rounding of it may amount to.
type magnitudes struct {
	y, dx  []float64
	params [][]float64
}

// precision compares the layer in float32 with the same layer in float64, every
// element: both compute from the same numbers, so that all that differs is
// rounding.
func (k *check) precision() {
	if k.Float32 == nil {
		return
	}
	representable := func(x *tensor.Tensor[float64]) {
		for i, v := range x.Data {
			x.Data[i] = float64(float32(v))
		}
	}
	t := k.setup(batch, func(t *trial) {
		representable(t.x)
		for _, p := range t.layer.Params() {
			representable(p.Value)
		}
	})
	representable(t.dy)
	t.backward()

	l := k.Float32(rand.New(rand.NewPCG(5, seed)))
	pass := &nn.Pass[float32]{Train: true, Keep: true, Threads: 1}
	if n, n32 := len(t.layer.Params()), len(l.Params()); n != n32 {
		k.fail("there are %d parameters in float32, %d in float64", n32, n)
		return
	}
	for i, p := range t.layer.Params() {
		toFloat32(l.Params()[i].Value.Data, p.Value.Data)
	}
	y := l.Forward(pass, float32Of(t.x))
	dx := l.Backward(pass, float32Of(t.dy))

	var m magnitudes
	if k.terms != nil {
		m = k.terms(t)
	} else {
		m = magnitudes{y: even(t.y.Data), dx: even(t.dx.Data)}
		for _, g := range t.gradient {
			m.params = append(m.params, even(g))
		}
	}
	bound := k.Ulps
	if bound == 0 {
		bound = 64
	}
	note := func(name string, got []float32, want []float64, scale []float64) {
		i := slices.IndexFunc(k.Arrays, func(a Array) bool { return a.Name == name })
		if i < 0 || len(got) != len(want) {
			k.fail("%s has %d elements in float32, %d in float64", name, len(got), len(want))
			return
		}
		k.Arrays[i].Float32 = k.Arrays[i].rounding(got, want, scale, bound)
	}
	if slices.ContainsFunc(k.Arrays, func(a Array) bool { return a.Name == "y" }) {
		note("y", y.Data, t.y.Data, m.y)
	}
	note("dx", dx.Data, t.dx.Data, m.dx)
	for i, name := range names(t.layer) {
		note(name, l.Params()[i].Grad.Data, t.gradient[i], m.params[i])
	}
}

// rounding holds the elements got in float32 against those of float64.
func (a Array) rounding(got []float32, want, scale []float64, bound float64) *Ulps {
	u := &Ulps{Bound: bound}
	for i, v := range got {
		off := math.Abs(float64(v) - want[i])
		if off > 0 {
			off /= ulp32(scale[i])
		}
		if u.Worst.Index == nil || !(off <= u.Error) {
			u.Error, u.Worst = off, Element{a.index(i), float64(v), want[i]}
		}
	}
	return u
}

// networkUlps is what float32 may differ by in a network, in ulps of the largest
// element of a gradient: a hundredth of a percent of that.
const networkUlps = 1000

// Float32 compares the gradients of the same network in float32, on the same
// samples, labelled t, with those of the report: what training computes with what
// was proved.
func (r *NetworkReport) Float32(net *nn.Sequential[float32], x *tensor.Tensor[float32], t []int) {
	for _, p := range net.Params() {
		old := p.Grad
		defer func() { p.Grad = old }()
		p.Grad = tensor.New[float32](p.Value.Shape...)
	}
	lossGradients(net, x, t)
	for i, p := range net.Params() {
		a := &r.Arrays[len(r.Arrays)-len(net.Params())+i]
		a.Float32 = a.rounding(p.Grad.Data, r.gradients[i], even(r.gradients[i]), networkUlps)
	}
}

// ulp32 is a unit of the last place of a float32 of magnitude x.
func ulp32(x float64) float64 {
	v := max(float32(math.Abs(x)), 0x1p-126)
	return float64(math.Nextafter32(v, float32(math.Inf(1))) - v)
}

// even is the largest magnitude of an array, for each of its elements.
func even(x []float64) []float64 {
	return slices.Repeat([]float64{largest(x)}, len(x))
}

func toFloat32(dst []float32, src []float64) {
	for i, v := range src {
		dst[i] = float32(v)
	}
}

func float32Of(x *tensor.Tensor[float64]) *tensor.Tensor[float32] {
	y := tensor.New[float32](x.Shape...)
	toFloat32(y.Data, x.Data)
	return y
}

func float64Of(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

// affineTerms: what an Affine makes of magnitudes is the sum of the magnitudes.
func affineTerms(t *trial) (m magnitudes) {
	abs := func(x array) array {
		x = x.Clone()
		for i, v := range x.Data {
			x.Data[i] = math.Abs(v)
		}
		return x
	}
	l := t.layer.(*nn.Affine[float64])
	w, b := nn.NewParam[float64]("W", l.W.Value.Shape...), nn.NewParam[float64]("b", l.B.Value.Shape...)
	w.Value, b.Value = abs(l.W.Value), abs(l.B.Value)
	pass := &nn.Pass[float64]{Keep: true}
	of := nn.AffineOf(w, b)
	m.y = of.Forward(pass, abs(t.x)).Data
	m.dx = of.Backward(pass, abs(t.dy)).Data
	m.params = [][]float64{w.Grad.Data, b.Grad.Data}
	return m
}

// sigmoidTerms: dx = dy·(y - y²).
func sigmoidTerms(t *trial) (m magnitudes) {
	m.y = t.y.Data
	for i, y := range t.y.Data {
		m.dx = append(m.dx, math.Abs(t.dy.Data[i])*y)
	}
	return m
}

// softmaxTerms: dxₖ = yₖ·dyₖ - yₖ·Σⱼ dyⱼ·yⱼ.
func softmaxTerms(t *trial) (m magnitudes) {
	m.y = t.y.Data
	classes := t.y.Shape[1]
	for i, y := range t.y.Data {
		var sum float64
		for j := i / classes * classes; j < (i/classes+1)*classes; j++ {
			sum += math.Abs(t.dy.Data[j]) * t.y.Data[j]
		}
		m.dx = append(m.dx, y*(math.Abs(t.dy.Data[i])+sum))
	}
	return m
}

// lossTerms: dx = dy·(y + t)/N in magnitude, and the loss is of the size of the
// largest logit at least.
func lossTerms(t *trial) (m magnitudes) {
	n, classes := t.x.Shape[0], t.x.Shape[1]
	m.y = []float64{max(t.y.Data[0], largest(t.x.Data))}
	y := nn.NewSoftmax[float64]().Forward(nil, t.x)
	for i, p := range y.Data {
		target := t.layer.(*lossLayer[float64]).target(i/classes, i%classes)
		m.dx = append(m.dx, math.Abs(t.dy.Data[0])*(p+target)/float64(n))
	}
	return m
}
