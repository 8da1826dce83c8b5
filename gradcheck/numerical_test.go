package gradcheck

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"runtime"
	"testing"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// other is a layer of a kind that cannot be copied.
type other struct{ nn.Layer[float64] }

// TestDifferencesSameBits: the number of goroutines changes no bit, and neither does a
// layer that cannot be copied, with which one goroutine does it all.
func TestDifferencesSameBits(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	rng := rand.New(rand.NewPCG(69, 0))
	type layer = nn.Layer[float64]
	shared := nn.NewAffine[float64](5, 5, rng)
	inner := nn.NewSequential[float64](nn.AffineOf(shared.W, shared.B), nn.NewSigmoid[float64]())
	layers := []layer{nn.NewAffine[float64](7, 5, rng), nn.NewReLU[float64](), shared, nn.NewDropout[float64](0.25, rng), inner, nn.NewAffine[float64](5, 3, rng)}
	net := nn.NewSequential(layers...)
	fill(net.Params()[1].Value, rng)
	x, labels, loss := tensor.New[float64](4, 7), nn.Labels[float64](0, 1, 2, 0), nn.NewSoftmaxWithLoss[float64]()
	fill(x, rng)
	var values []array
	for _, p := range net.Params() {
		values = append(values, p.Value.Clone())
	}
	if len(values) != 6 {
		t.Fatalf("%d parameters, want 6: two are shared", len(values))
	}
	// By the definition, one parameter after another.
	var want, wantSome [][]nn.Difference // of all, and of every second of W
	all := func(int) int { return 1 }
	some := func(n int) int { return 1 + n/25 }
	f := func() float64 {
		pass := &nn.Pass[float64]{Train: true}
		return loss.Forward(pass, net.Forward(pass, x), labels)
	}
	for _, p := range net.Params() {
		var each, every []nn.Difference
		for i := range p.Value.Data {
			each = append(each, nn.CentralDifference(f, &p.Value.Data[i], nn.DifferenceStep))
			if i%some(len(p.Value.Data)) == 0 {
				every = append(every, each[i])
			}
		}
		want, wantSome = append(want, each), append(wantSome, every)
	}
	uncopied := layers
	uncopied[1] = other{layers[1]}
	for _, threads := range []int{1, 2, 3, 8} { // 8 are more than the last b has elements
		for _, test := range []struct {
			name string
			net  layer
		}{{"copied", net}, {"not copied", nn.NewSequential(uncopied...)}} {
			t.Run(fmt.Sprintf("%s, GOMAXPROCS=%d", test.name, threads), func(t *testing.T) {
				runtime.GOMAXPROCS(threads)
				if got := differences(test.net, loss, x, labels, all); !reflect.DeepEqual(got, want) {
					t.Errorf("all elements: got %v, want %v", got, want)
				}
				if got := differences(test.net, loss, x, labels, some); !reflect.DeepEqual(got, wantSome) {
					t.Errorf("some elements: got %v, want %v", got, wantSome)
				}
				for i, numbers := range Numerical(test.net, loss, x, labels) {
					for j, got := range numbers {
						if want := want[i][j].Central(); got != want {
							t.Fatalf("Numerical: element %d of parameter %d is %v, want %v", j, i, got, want)
						}
					}
				}
			})
		}
	}
	for i, p := range net.Params() {
		if !same(p.Value, values[i]) {
			t.Errorf("%s was changed", p.Name)
		}
	}
	for _, test := range []struct {
		name   string
		x      array
		labels nn.Targets[float64]
		want   string
	}{
		{"label", x, nn.Labels[float64](0, 1, 2, 9), "the label of sample 3 is 9"},
		{"shape", tensor.New[float64](4, 6), labels, "want (N, 7)"},
	} {
		t.Run("wrong "+test.name, func(t *testing.T) {
			defer func() { wantError(t, fmt.Errorf("%v", recover()), test.want) }()
			Numerical(net, loss, test.x, test.labels)
		})
	}
}
