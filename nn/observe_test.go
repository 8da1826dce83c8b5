package nn

import (
	"slices"
	"testing"

	"github.com/chainrule-go/chainrule/tensor"
)

// TestObserve: Pass.Observe is told of the layers in their order, and of what each returned.
func TestObserve(t *testing.T) {
	rng := newRand(1)
	first, relu, last := NewAffine[float64](3, 4, rng), NewReLU[float64](), NewAffine[float64](4, 2, rng)
	inner := NewAffine[float64](4, 4, rng)
	residual := NewResidual[float64](inner, NewIdentity[float64]())
	net := NewSequential[float64](first, relu, residual, last)
	names := map[Layer[float64]]string{first: "first", relu: "relu", inner: "inner", residual: "residual", residual.Shortcut(): "shortcut", last: "last"}
	x, dy := random[float64](rng, 5, 3), random[float64](rng, 5, 2)
	for _, test := range []struct {
		name    string
		unfused bool
		params  bool // BackwardParams
		want    []string
	}{
		{"unfused", true, false, []string{"first", "relu", "inner", "shortcut", "residual", "last", "-last", "-inner", "-shortcut", "-residual", "-relu", "-first"}},
		{"fused", false, false, []string{"", "inner", "shortcut", "residual", "last", "-last", "-inner", "-shortcut", "-residual", "-"}},
		{"without dx", true, true, []string{"first", "relu", "inner", "shortcut", "residual", "last", "-last", "-inner", "-shortcut", "-residual", "-relu"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var seen []string
			results := map[string]*tensor.Tensor[float64]{}
			p := training[float64]()
			p.Unfused = test.unfused
			p.Observe = func(l Layer[float64], forward bool, result *tensor.Tensor[float64]) {
				name := names[l]
				if !forward {
					name = "-" + name
				}
				seen = append(seen, name)
				results[name] = result.Clone()
			}
			y := net.Forward(p, x).Clone()
			var dx *tensor.Tensor[float64]
			if test.params {
				net.BackwardParams(p, dy)
			} else {
				dx = net.Backward(p, dy).Clone()
			}
			if !slices.Equal(seen, test.want) {
				t.Errorf("it is told of\n%q, want\n%q", seen, test.want)
			}
			sameBits(t, "the last y", results["last"], y)
			if test.unfused {
				sameBits(t, "the output of relu", results["relu"], relu.Forward(nil, first.Forward(nil, x)))
			}
			if dx != nil {
				sameBits(t, "the last dx", results[test.want[len(test.want)-1]], dx)
			}
			p.Observe = nil
			p.Reset()
			sameBits(t, "y without it", net.Forward(p, x), y)
		})
	}
}

// TestObserveAllocatesNothing of its own.
func TestObserveAllocatesNothing(t *testing.T) {
	rng := newRand(1)
	net := NewSequential[float64](NewAffine[float64](3, 4, rng), NewReLU[float64](), NewAffine[float64](4, 2, rng))
	x, dy, p, told := random[float64](rng, 5, 3), random[float64](rng, 5, 2), training[float64](), 0
	p.Observe = func(Layer[float64], bool, *tensor.Tensor[float64]) { told++ }
	if n := testing.AllocsPerRun(20, func() {
		p.Reset()
		net.Forward(p, x)
		net.BackwardParams(p, dy)
	}); n != 0 || told == 0 {
		t.Errorf("a step allocates %v times, and tells of %d results", n, told)
	}
}
