package certify

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/chainrule-go/chainrule/graph/trace"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

var python = flag.String("pytorch", "", "write testdata/pytorch.json anew with this Python, which has PyTorch")

// pytorchFile is testdata/pytorch.json: the results of PyTorch. They are not on file
// whole, but for each array there are three projections <v, array> on random v, and the
// largest element with its place.
type pytorchFile struct {
	PyTorch string
	Rows    map[string][]map[string][5]float64 // by row, case and array: projections, place and largest element
}

// shapes is how many random shapes of each row are compared.
const shapes = 100

// TestPyTorch: every layer and loss has the gradients of PyTorch at 100 shapes, to 1e-12.
func TestPyTorch(t *testing.T) {
	if *python != "" {
		writePyTorch(t)
	}
	text, err := os.ReadFile("testdata/pytorch.json")
	if err != nil {
		t.Fatal(err)
	}
	var file pytorchFile
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	var worst float64
	for _, row := range trace.Rows() {
		if row.Python(row.New(rand.New(rand.NewPCG(0, 0)))) == "" {
			continue
		}
		t.Run(row.Name, func(t *testing.T) {
			cases := file.Rows[row.Name]
			if len(cases) != shapes {
				t.Fatalf("%d cases, want %d; see testdata/pytorch.py", len(cases), shapes)
			}
			for i, want := range cases {
				off, err := newPyTorchCase(row, i).compare(want)
				worst = max(worst, off)
				if err != nil {
					t.Errorf("case %d: %v", i, err)
				}
			}
		})
	}
	t.Logf("PyTorch %s: largest relative error %.1e", file.PyTorch, worst)

	t.Run("one element off by a billionth of the largest", func(t *testing.T) {
		row := trace.Rows()[0]
		for i, want := range file.Rows[row.Name][:5] {
			c := newPyTorchCase(row, i)
			dx, largest := c.arrays[1].data, 0.0
			for _, v := range dx {
				largest = max(largest, math.Abs(v))
			}
			dx[len(dx)/2] += 1e-9 * largest
			if _, err := c.compare(want); err == nil {
				t.Errorf("case %d: no error", i)
			}
		}
	})
}

// A pytorchCase is a layer of random sizes after Backward, all from random numbers of
// the row's name and the number of the case.
type pytorchCase struct {
	layer  nn.Layer[float64]
	x, dy  *tensor.Tensor[float64]
	state  []pytorchArray // before Forward
	arrays []pytorchArray // y, the gradients of x and of the parameters, and the state after Forward
	rng    *rand.Rand
}

type pytorchArray struct {
	name string // in Python
	data []float64
}

func newPyTorchCase(row trace.Row, i int) *pytorchCase {
	hash := fnv.New64a()
	hash.Write([]byte(row.Name))
	rng := rand.New(rand.NewPCG(uint64(i), hash.Sum64()))
	draw := func(most float64, shape ...int) *tensor.Tensor[float64] {
		x := tensor.New[float64](shape...)
		for i := range x.Data {
			x.Data[i] = most * (2*rng.Float64() - 1)
		}
		return x
	}
	n := 1 + rng.IntN(8)
	if row.RefusesOne {
		n += 3 // normalized over two samples, dx is 0 but for rounding
	}
	var sizes trace.Sizes
	if row.Random != nil {
		sizes = row.Random(rng)
	} else {
		sizes = trace.Sizes{Sample: []int{1 + rng.IntN(40)}, Hidden: 1 + rng.IntN(40), Out: 1 + rng.IntN(40)}
	}
	c := &pytorchCase{layer: row.Of(sizes).New(rng), rng: rng}
	for _, p := range c.layer.Params() {
		p.Value = draw(0.5, p.Value.Shape...)
	}
	var state []*tensor.Tensor[float64]
	nn.VisitFields(c.layer, func(f nn.Field[float64]) error {
		if v, ok := f.Value.(**tensor.Tensor[float64]); ok {
			for i, d := range draw(0.5, f.Shape...).Data {
				(*v).Data[i] = 1 + d // a variance is positive
			}
			state = append(state, *v)
			c.state = append(c.state, pytorchArray{f.Name, slices.Clone((*v).Data)})
		}
		return nil
	})
	c.x = draw(2, append([]int{n}, sizes.Sample...)...)
	pass := &nn.Pass[float64]{Train: true, Keep: true}
	y := c.layer.Forward(pass, c.x)
	c.dy = draw(2, y.Shape...)
	dx := c.layer.Backward(pass, c.dy)
	c.arrays = []pytorchArray{{"y", y.Data}, {"x", dx.Data}}
	for i, name := range nn.ParamNames(c.layer) {
		c.arrays = append(c.arrays, pytorchArray{strings.ReplaceAll(name, ".", "_"), c.layer.Params()[i].Grad.Data})
	}
	for i, x := range state {
		c.arrays = append(c.arrays, pytorchArray{c.state[i].name, x.Data})
	}
	return c
}

// compare returns the largest error of the arrays, relative to the terms of a
// projection, and the first that is too large.
func (c *pytorchCase) compare(want map[string][5]float64) (worst float64, err error) {
	if len(c.arrays) != len(want) {
		return 0, fmt.Errorf("%d arrays, want %d", len(c.arrays), len(want))
	}
	for _, a := range c.arrays {
		note := func(what string, got, want, scale float64) {
			off := math.Abs(got - want)
			if off > 0 {
				off /= scale
			}
			if worst = max(worst, off); !(off <= 1e-12) && err == nil {
				err = fmt.Errorf("%v, x of shape %v: %s of %s is %v, PyTorch says %v", c.layer, c.x.Shape, what, a.name, got, want)
			}
		}
		got, scales := project(a.data, c.rng)
		want := want[a.name]
		for i, projection := range want[:3] {
			note("a projection", got[i], projection, scales[i])
		}
		place, largest := int(want[3]), want[4]
		note("the largest element", a.data[place], largest, math.Abs(largest))
	}
	return worst, err
}

// project returns three projections on random vectors and the sums of the magnitudes of
// their terms.
func project(array []float64, rng *rand.Rand) (sums, magnitudes [3]float64) {
	for i := range sums {
		for _, a := range array {
			v := float64((4*rng.Float64() - 2) * a)
			sums[i] += v
			magnitudes[i] += math.Abs(v)
		}
	}
	return sums, magnitudes
}

// writePyTorch writes the file by what PyTorch says.
func writePyTorch(t *testing.T) {
	type array struct {
		Shape []int `json:"shape"` // none for integers
		Data  any   `json:"data"`
	}
	type request struct {
		Expression string           `json:"expression"`
		Arrays     map[string]array `json:"arrays"`
		State      map[string]array `json:"state"` // which the expression changes
	}
	var requests []request
	var cases []*pytorchCase
	file := pytorchFile{Rows: map[string][]map[string][5]float64{}}
	var names []string
	for _, row := range trace.Rows() {
		if row.Python(row.New(rand.New(rand.NewPCG(0, 0)))) == "" {
			continue
		}
		for i := range shapes {
			c := newPyTorchCase(row, i)
			state := map[string]array{}
			for _, a := range c.state {
				state[a.name] = array{[]int{len(a.data)}, a.data}
			}
			arrays := map[string]array{"x": {c.x.Shape, c.x.Data}, "dy": {c.dy.Shape, c.dy.Data}}
			for i, p := range c.layer.Params() {
				arrays[c.arrays[2+i].name] = array{p.Value.Shape, p.Value.Data}
			}
			for _, l := range nn.Walk(c.layer) {
				loss, ok := l.(interface {
					Targets(n int) nn.Targets[float64]
				})
				if !ok {
					continue
				}
				if targets := loss.Targets(c.x.Shape[0]); targets.Values != nil {
					arrays["t"] = array{targets.Values.Shape, targets.Values.Data}
				} else {
					arrays["t"] = array{nil, targets.Labels}
				}
			}
			requests, cases, names = append(requests, request{row.Python(c.layer), arrays, state}), append(cases, c), append(names, row.Name)
		}
	}
	in, err := json.Marshal(requests)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(*python, "testdata/pytorch.py")
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s testdata/pytorch.py: %v", *python, err)
	}
	var answer struct {
		PyTorch string
		Results []map[string][]float64
	}
	if err := json.Unmarshal(out, &answer); err != nil {
		t.Fatal(err)
	}
	file.PyTorch = answer.PyTorch
	for i, c := range cases {
		summary := map[string][5]float64{}
		for _, a := range c.arrays {
			values := answer.Results[i][a.name]
			if len(values) != len(a.data) {
				t.Fatalf("%s: PyTorch gives %d elements of %s, want %d", names[i], len(values), a.name, len(a.data))
			}
			place := 0
			for j, v := range values {
				if math.Abs(v) > math.Abs(values[place]) {
					place = j
				}
			}
			p, _ := project(values, c.rng)
			summary[a.name] = [5]float64{p[0], p[1], p[2], float64(place), values[place]}
		}
		file.Rows[names[i]] = append(file.Rows[names[i]], summary)
	}
	text, err := json.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.ReplaceAll(text, []byte("},{"), []byte("},\n{")) // a case a line
	if err := os.WriteFile("testdata/pytorch.json", append(slices.Clip(text), '\n'), 0o666); err != nil {
		t.Fatal(err)
	}
}
