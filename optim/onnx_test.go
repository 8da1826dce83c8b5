package optim

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"

	"github.com/chainrule-go/chainrule/nn"
)

// TestONNX: the test vectors of ONNX's training operators, from testdata/onnx.json. Each
// is a step of one or two parameters with their states, whose attribute norm_coefficient is
// weight decay. At their T = 0, ONNX corrects no bias of Adam, and takes beta of Momentum
// and decay_factor of AdaGrad as nothing.
func TestONNX(t *testing.T) {
	file, err := os.ReadFile("testdata/onnx.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		Name, Op        string
		Attributes      map[string]any
		Inputs, Outputs [][]float32
	}
	if err := json.Unmarshal(file, &vectors); err != nil {
		t.Fatal(err)
	}
	if len(vectors) != 7 {
		t.Errorf("%d vectors, want 7", len(vectors))
	}
	for _, v := range vectors {
		t.Run(v.Name, func(t *testing.T) {
			number := func(name string) float64 { return v.Attributes[name].(float64) }
			rate, in := float64(v.Inputs[0][0]), v.Inputs[2:] // behind the rate and T
			if v.Inputs[1][0] != 0 {
				t.Fatalf("T = %v, want 0", v.Inputs[1])
			}
			var rule Rule[float32]
			switch v.Op {
			case "Adagrad":
				rule = &AdaGrad[float32]{number("epsilon")}
			case "Adam":
				a := &Adam[float32]{number("alpha"), number("beta"), number("epsilon"), true}
				rule, rate = a, rate*(1-a.Beta1)/math.Sqrt(1-a.Beta2)
			case "Momentum":
				rule = &Momentum[float32]{number("alpha"), true}
				if v.Attributes["mode"] == "nesterov" {
					rule = &Nesterov[float32]{number("alpha"), true}
				}
			}
			n := len(in) / (2 + len(rule.State())) // parameters; then as many gradients, and of each state
			var params []*nn.Param[float32]
			for i := range n {
				params = append(params, param("x", in[i], in[n+i]))
			}
			o := New(params, rate, rule)
			o.Decay = number("norm_coefficient")
			for i, s := range o.State() {
				copy(s.Value.Data, in[(2+i%len(rule.State()))*n+i/len(rule.State())])
			}
			o.Step()
			got := make([][]float32, len(v.Outputs))
			for i, p := range params {
				got[i] = p.Value.Data
			}
			for i, s := range o.State() {
				got[(1+i%len(rule.State()))*n+i/len(rule.State())] = s.Value.Data
			}
			for i, want := range v.Outputs {
				if !slices.EqualFunc(got[i], want, func(a, b float32) bool { return math.Abs(float64(a-b)) <= 2e-7*math.Abs(float64(b)) }) {
					t.Errorf("output %d: %v, want %v", i, got[i], want)
				}
			}
		})
	}
}
