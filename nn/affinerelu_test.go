package nn

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chainrule-go/chainrule/tensor"
)

// chain runs a step of affines and relus in a row, and returns everything that
// comes of it.
func chain(unfused bool, x, dy *tensor.Tensor[float64]) (*Sequential[float64], [][]float64) {
	rng := newRand(91)
	relu := NewReLU[float64]()
	net := NewSequential[float64](NewReLU[float64](), NewAffine[float64](3, 4, rng), relu, NewReLU[float64](), NewAffine[float64](4, 2, rng), NewSigmoid[float64](), NewAffine[float64](2, 5, rng), NewReLU[float64]())
	p := &Pass[float64]{Keep: true, Unfused: unfused}
	all := [][]float64{net.Forward(p, x).Data, net.Backward(p, dy).Data}
	net.BackwardParams(p, dy)
	for _, w := range net.Params() {
		all = append(all, w.Grad.Data)
	}
	for _, m := range relu.Mask(p) {
		all = append(all, []float64{map[bool]float64{true: 1}[m]})
	}
	return net, all
}

func TestFusionChangesNoBit(t *testing.T) {
	for _, shape := range [][]int{{3}, {1, 3}, {6, 3}, {0, 3}} {
		x, y := tensor.New[float64](shape...), slices.Clone(shape)
		y[len(y)-1] = 5
		dy := tensor.New[float64](y...)
		rng := newRand(92)
		for _, a := range [][]float64{x.Data, dy.Data} {
			for i := range a {
				a[i] = rng.NormFloat64()
			}
		}
		net, fused := chain(false, x, dy)
		_, apart := chain(true, x, dy)
		for i := range apart {
			if !slices.Equal(fused[i], apart[i]) {
				t.Errorf("x %v: result %d is %v fused and %v apart", shape, i, fused[i], apart[i])
			}
		}
		if n := len(net.fused.layers); n != 6 {
			t.Errorf("8 layers with 2 pairs of Affine and ReLU are run as %d", n)
		}
		if n := len(net.Layers()); n != 8 {
			t.Errorf("Layers() names %d layers, want the 8 given", n)
		}
	}
}

// A wrong shape is reported as by the layers themselves.
func TestFusedShapeErrors(t *testing.T) {
	for _, unfused := range []bool{false, true} {
		net := NewSequential[float64](NewAffine[float64](3, 4, newRand(1)), NewReLU[float64]())
		p := &Pass[float64]{Keep: true, Unfused: unfused}
		message := func(f func()) (s string) {
			defer func() { s = fmt.Sprint(recover()) }()
			f()
			return
		}
		if got, want := message(func() { net.Forward(p, tensor.New[float64](2, 5)) }), "Affine(3->4).Forward"; !strings.HasPrefix(got, want) {
			t.Errorf("panic %q, want one of %s", got, want)
		}
		net.Forward(p, tensor.New[float64](2, 3))
		if got, want := message(func() { net.Backward(p, tensor.New[float64](2, 3)) }), "ReLU.Backward"; !strings.HasPrefix(got, want) {
			t.Errorf("panic %q, want one of %s", got, want)
		}
	}
}
