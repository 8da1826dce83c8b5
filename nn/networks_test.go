package nn

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/chainrule-go/chainrule/tensor"
)

// The networks give what PyTorch's of the same layers give, with the weights and on the
// images of testdata/networks.py.
func TestNetworksAreThoseOfPyTorch(t *testing.T) {
	content, err := os.ReadFile("testdata/networks.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden map[string]struct {
		Parameters           int
		Evaluation, Training []float64
	}
	if err := json.Unmarshal(content, &golden); err != nil {
		t.Fatal(err)
	}
	for _, name := range NetworkNames() {
		t.Run(name, func(t *testing.T) {
			want, ok := golden[name]
			if !ok {
				t.Fatal("networks.py has no such network")
			}
			line, err := NetworkLine(name, 10)
			if err != nil || NetworkAbout(name) == "" {
				t.Fatalf("the line %q, %v; about %q", line, err, NetworkAbout(name))
			}
			x := tensor.New[float64](2, 1, 28, 28)
			for i, v := range numbers(99, len(x.Data)) {
				x.Data[i] = (v + 1) / 2
			}
			if name == "multilayer" {
				x = tensor.Of(x.Data, 2, 784)
			}
			net, err := Parse[float64](line, x.Shape[1:], newRand(1))
			if err != nil {
				t.Fatal(err)
			}
			if got := count(net.Params()); got != want.Parameters {
				t.Errorf("%d parameters, want %d", got, want.Parameters)
			}
			for k, p := range net.Params() {
				fanIn := 1
				switch shape := p.Value.Shape; len(shape) {
				case 2:
					fanIn = shape[0]
				case 4:
					fanIn = shape[1] * shape[2] * shape[3]
				}
				for i, v := range numbers(k, len(p.Value.Data)) {
					switch {
					case p.Name == "gamma":
						v = 1 + v/10
					case fanIn == 1 && len(p.Value.Shape) == 1:
						v /= 10
					default:
						v /= math.Sqrt(float64(fanIn))
					}
					p.Value.Data[i] = v
				}
			}
			compare := func(mode string, got, want []float64) {
				if len(got) != len(want) {
					t.Fatalf("%s: %d outputs, want %d", mode, len(got), len(want))
				}
				for i, v := range got {
					near(t, fmt.Sprintf("%s: output %d", mode, i), v, want[i], 1e-12)
				}
			}
			compare("evaluation", net.Forward(nil, x).Data, want.Evaluation)
			if want.Training != nil {
				compare("training", net.Forward(&Pass[float64]{Train: true}, x).Data, want.Training)
			}
		})
	}
}

// numbers are the k-th n numbers of networks.py, from -1 to 1.
func numbers(k, n int) []float64 {
	all := make([]float64, n)
	for i := range all {
		all[i] = float64((i*7919+k*104729)%2001-1000) / 1000
	}
	return all
}

// Each constructor is its line, for images of 28x28 and of 32x32.
func TestNetworkConstructors(t *testing.T) {
	for _, c := range []struct {
		name string
		make func(image []int) *Sequential[float32]
		// With images of three channels and 32x32; the convolutions of ResNet-20 have biases, 784
		// more than the 272,474 parameters that option B has without.
		parameters int
	}{
		{"simpleconv", func(image []int) *Sequential[float32] { return NewSimpleConvNet[float32](image, 10, newRand(1)) }, 30*75 + 30 + 5880*100 + 100 + 1010},
		{"deepconv", func(image []int) *Sequential[float32] { return NewDeepConvNet[float32](image, 10, newRand(1)) }, 123552 + 16*18},
		{"resnet20", func(image []int) *Sequential[float32] { return NewResNet20[float32](image, 10, newRand(1)) }, 272474 + 784},
	} {
		t.Run(c.name, func(t *testing.T) {
			line, err := NetworkLine(c.name, 10)
			if err != nil {
				t.Fatal(err)
			}
			net := c.make([]int{1, 28, 28})
			want := parsed(t, line, 1, 28, 28)
			for i, p := range want.Params() {
				sameBits(t, p.Name, net.Params()[i].Value, p.Value)
			}
			if c.name == "deepconv" {
				return // 32x32 leaves 5x5 for the last Affine
			}
			if got := count(c.make([]int{3, 32, 32}).Params()); got != c.parameters {
				t.Errorf("%d parameters on images of 3x32x32, want %d", got, c.parameters)
			}
		})
	}
	mustPanic(t, "nn: line 3, column 59: maxpool wants (N, C, 2 or more, 2 or more), and (N, 64, 1, 1) arrives", func() { NewDeepConvNet[float32]([]int{1, 2, 2}, 10, newRand(1)) })
}

func TestMultiLayer(t *testing.T) {
	m := MultiLayer{Hidden: []int{30, 20}, Activation: "tanh", Init: "0.01", BatchNorm: true, Dropout: 0.25}
	const want = "affine 30 init=0.01, batchnorm, tanh, dropout 0.25, affine 20 init=0.01, batchnorm, tanh, dropout 0.25, affine 10 init=0.01"
	if got := m.Line(10); got != want {
		t.Errorf("Line = %q, want %q", got, want)
	}
	net := NewMultiLayerNet[float32](7, m, 10, newRand(1))
	if line, err := Format(net, 7); err != nil || line != strings.ReplaceAll(want, " init=0.01", "") {
		t.Errorf("the network is %q, %v", line, err)
	}
	mustPanic(t, "nn: column 8: affine: out: want an integer of 1 or more", func() { NewMultiLayerNet[float32](7, MultiLayer{Hidden: []int{0}}, 10, newRand(1)) })
}

func TestUnknownNetwork(t *testing.T) {
	_, err := NetworkLine("deepcov", 10)
	const want = `there is no network "deepcov"; did you mean deepconv?; there are multilayer, simpleconv, deepconv, resnet20`
	if err == nil || err.Error() != want || NetworkAbout("deepcov") != "" || !slices.Contains(NetworkNames(), "resnet20") {
		t.Errorf("error %v, want %s", err, want)
	}
}
