package train_test

import (
	"encoding/binary"
	"encoding/json"
	"flag"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/optim"
	"github.com/chainrule-go/chainrule/tensor"
	"github.com/chainrule-go/chainrule/train"
)

var allParameters = flag.String("trajectory", "", "file of `trajectory.py --all`, to compare every parameter with")

// mnist loads MNIST, or skips the test where it cannot be had.
func mnist[T tensor.Float](t *testing.T) (train, test data.Set[T]) {
	t.Helper()
	train, test, err := data.LoadMNIST[T](t.Context(), data.MNISTSource{})
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	return train, test
}

// TestTrajectory holds 1,000 steps of training in float64 against an
// independent implementation in NumPy (testdata/trajectory.py), from the same
// weights and on the same batches.
func TestTrajectory(t *testing.T) {
	var golden struct {
		Steps  int
		Loss   map[int]float64
		Params map[string]struct {
			Sum          float64
			SumOfSquares float64 `json:"sum_of_squares"`
			Stride       int
			EveryStride  []float64 `json:"every_stride"`
		}
	}
	file, err := os.ReadFile("testdata/trajectory.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(file, &golden); err != nil {
		t.Fatal(err)
	}
	set, _ := mnist[float64](t)

	net := nn.NewTwoLayerNet[float64](784, 50, 10, 1, rand.New(rand.NewPCG(1, 1)))
	params := net.Params()
	for i, seed := range map[int]uint64{0: 12345, 2: 67890} {
		for j := range params[i].Value.Data {
			u := uint32(uint64(j)*2654435761 + seed)
			params[i].Value.Data[j] = (float64(u)/4294967296 - 0.5) * 0.1
		}
	}
	training := train.NewStep(net, net.Last, optim.NewSGD(params, 0.1))
	for step := range golden.Steps {
		lo := step * 100 % 60000
		batch := set.Rows(lo, lo+100)
		loss, err := training.Do(batch.X, batch.Targets())
		if err != nil {
			t.Fatal(err)
		}
		if want, ok := golden.Loss[step+1]; ok && !(math.Abs(loss-want) <= tolerance) {
			t.Errorf("loss of step %d is %v, NumPy has %v", step+1, loss, want)
		}
	}

	for _, p := range params {
		want := golden.Params[p.Name]
		var sum, squares float64
		for _, v := range p.Value.Data {
			sum += v
			squares += v * v
		}
		n := float64(len(p.Value.Data))
		if !(math.Abs(sum-want.Sum) <= n*tolerance) || !(math.Abs(squares-want.SumOfSquares) <= n*tolerance) {
			t.Errorf("%s sums to %v, its squares to %v; NumPy has %v and %v", p.Name, sum, squares, want.Sum, want.SumOfSquares)
		}
		for i, w := range want.EveryStride {
			if v := p.Value.Data[i*want.Stride]; !(math.Abs(v-w) <= tolerance) {
				t.Errorf("%s[%d] is %v, NumPy has %v", p.Name, i*want.Stride, v, w)
			}
		}
	}
	if *allParameters != "" {
		compareAll(t, params)
	}
}

// tolerance is for every single parameter: the two differ in nothing but the
// order of their sums.
const tolerance = 1e-9

func compareAll(t *testing.T, params []*nn.Param[float64]) {
	file, err := os.ReadFile(*allParameters)
	if err != nil {
		t.Fatal(err)
	}
	var worst float64
	count := 0
	for _, p := range params {
		for i, v := range p.Value.Data {
			if len(file) < 8 {
				t.Fatalf("%s is too short", *allParameters)
			}
			want := math.Float64frombits(binary.LittleEndian.Uint64(file))
			file = file[8:]
			if d := math.Abs(v - want); !(d <= tolerance) {
				t.Errorf("%s[%d] is %v, NumPy has %v", p.Name, i, v, want)
			} else {
				worst = max(worst, d)
			}
			count++
		}
	}
	t.Logf("%d parameters, largest difference %.2g", count, worst)
}
