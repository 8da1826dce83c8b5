package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chainrule-go/chainrule/graph"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// drawn is the JSON of a graph.
type drawn struct {
	Nodes []struct {
		ID     int             `json:"id"`
		Op     string          `json:"op"`
		Label  string          `json:"label"`
		Inputs []int           `json:"inputs"`
		Shape  []int           `json:"shape"`
		Value  json.RawMessage `json:"value"`
		Grad   json.RawMessage `json:"grad"`
	} `json:"nodes"`
}

// TestGraphJSON: the book's numbers as float64 has them.
func TestGraphJSON(t *testing.T) {
	for _, args := range [][]string{{"graph", "apples-oranges", "--format", "json"}, {"graph", "apples-oranges", "--json"}} {
		all := lines[drawn](t, must(t, args...))
		if len(all) != 1 || len(all[0].Nodes) != 9 {
			t.Fatalf("%v: %+v", args, all)
		}
		want := map[string][2]string{"price": {"715.0000000000001", "1"}, "apples": {"2", "110.00000000000001"},
			"orange price": {"150", "3.3000000000000003"}, "oranges": {"3", "165"}, "tax": {"1.1", "650"}}
		for _, n := range all[0].Nodes {
			if w, ok := want[n.Label]; ok && (string(n.Value) != w[0] || string(n.Grad) != w[1]) {
				t.Errorf("%v: %s is %s with the gradient %s, want %s and %s", args, n.Label, n.Value, n.Grad, w[0], w[1])
			}
			delete(want, n.Label)
		}
		if len(want) > 0 {
			t.Errorf("%v lacks %v", args, want)
		}
	}
}

// TestGraphInput: the user's values.
func TestGraphInput(t *testing.T) {
	all := lines[drawn](t, must(t, "graph", "relu", "--json", "--input", "-1, 0.5,2,nan"))
	if x := all[0].Nodes[0]; string(x.Value) != `[[-1,0.5],[2,"NaN"]]` || string(x.Grad) != `[[0,1],[1,1]]` {
		t.Errorf("x = %s, dx = %s", x.Value, x.Grad)
	}
}

// TestGraphFormats: every figure in every format, on standard output and in a
// file, whose name tells the format.
func TestGraphFormats(t *testing.T) {
	looks := map[string]func(content string) bool{
		"svg": func(s string) bool {
			return xml.Unmarshal([]byte(s), new(struct {
				XMLName xml.Name `xml:"svg"`
			})) == nil
		},
		"png":  func(s string) bool { _, err := png.Decode(strings.NewReader(s)); return err == nil },
		"dot":  func(s string) bool { return strings.HasPrefix(s, "digraph {") && strings.HasSuffix(s, "}\n") },
		"json": func(s string) bool { return json.Valid([]byte(s)) },
		"html": func(s string) bool {
			return strings.HasPrefix(s, "<!DOCTYPE html>") && strings.HasSuffix(s, "</html>\n")
		},
	}
	for _, f := range graph.Figures() {
		for format, ok := range looks {
			printed := must(t, "graph", f.Name, "--format", format)
			if !ok(printed) {
				t.Errorf("%s as %s: %.300q", f.Name, format, printed)
			}
			path := filepath.Join(t.TempDir(), "drawing."+strings.ToUpper(format))
			if out := must(t, "graph", f.Name, "-o", path); out != "" {
				t.Errorf("%s to a file prints %q", f.Name, out)
			}
			if written, err := os.ReadFile(path); err != nil || string(written) != printed {
				t.Errorf("%s as %s: the file differs from standard output: %v", f.Name, format, err)
			}
		}
	}
	if out := must(t, "graph", "apples"); !looks["svg"](out) {
		t.Errorf("without a format: %.100q", out)
	}
	path := filepath.Join(t.TempDir(), "apples.gv")
	events := lines[drawnEvent](t, must(t, "graph", "apples", "--json", "--out", path))
	if len(events) != 1 || events[0] != (drawnEvent{"drawn", path, "dot", 5}) {
		t.Errorf("%+v", events)
	}
}

func TestGraphFold(t *testing.T) {
	for _, test := range []struct {
		args             string
		softmax, entropy bool // whether it is folded
	}{
		{"", false, false},
		{"--fold all", true, true},
		{"--fold Softmax", true, false},
		{"--fold all --unfold Softmax", false, true},
		{"--fold Softmax --unfold all", true, false},
	} {
		out := must(t, append([]string{"graph", "softmax-with-loss", "--format", "dot"}, strings.Fields(test.args)...)...)
		if got := strings.Contains(out, "<b>Softmax</b>"); got != test.softmax {
			t.Errorf("%q: Softmax is folded: %v", test.args, got)
		}
		if got := strings.Contains(out, "<b>Cross Entropy Error</b>"); got != test.entropy {
			t.Errorf("%q: Cross Entropy Error is folded: %v", test.args, got)
		}
	}
}

func TestGraphMistakes(t *testing.T) {
	folder, model := t.TempDir(), small(t)
	for _, test := range []struct {
		args string
		code int
		want string
	}{
		{"graph", 2, "the name of one graph"},
		{"graph apples relu", 2, "the name of one graph"},
		{"graph pears", 2, `no graph "pears"; want apples, apples-oranges, relu`},
		{"graph apples --input 1,2", 2, "apples takes 3 values: apples, apple price, tax; got 2"},
		{"graph batch-affine --input 1", 2, "X (2, 2), W (2, 3), b (3)"},
		{"graph apples --input 1,x,3", 2, "numbers with commas"},
		{"graph aples", 2, "did you mean apples?"},
		{"graph apples --input 1e400,1,1", 2, "1e400 is too large"},
		{"graph " + model + " --input 1e400,1,1,1", 2, "1e400 is too large"},
		{"graph " + model + " --input 1,2,3,4 --label x", 2, "want the index of a class"},
		{"graph " + model + " --sample 10000", 2, "from 0 to 9999"},
		{"graph " + model + " --input 1,2,3,4 --format svg -o " + model, 2, "is the input"},
		{"graph " + folder, 1, "is not the folder of a run"},
		{"graph apples --input=", 2, "--input wants values"},
		{"graph apples --sample 3", 2, "--sample is for a model, and apples is a figure"},
		{"graph " + model + " --sample x", 2, "--sample\" flag: want a whole number"},
		{"graph " + model + " --sample -1", 2, "--sample\" flag: want a whole number"},
		{"graph " + model + " --input 1,2,3,4 --sample 3", 2, "--input and --sample are two samples"},
		{"graph " + folder + "/none.safetensors", 1, "none.safetensors"},
		{"graph " + model + " --input 1,2", 2, "--input has 2 numbers, and a sample of"},
		{"graph " + model + " --input 1,x", 1, "no list of numbers"},
		{"graph " + model + " --input 1,2,3,4 --label 3", 2, "the classes of"},
		{"graph " + model + " --label -1 --input 1,2,3,4", 2, "want the index of a class"},
		{"graph " + model, 1, "give a sample with --input"},
		{"graph apples --format gif", 2, "svg, png, dot, json or html"},
		{"graph apples -o drawing.gif", 2, "drawing.gif tells no format"},
		{"graph apples -o drawing", 2, "tells no format"},
		{"graph apples --out=", 2, "name of a file"},
		{"graph apples --json --format svg", 2, "choose one"},
		{"graph apples --fold Softmax", 2, "the graph has none"},
		{"graph sigmoid --fold Softmax", 2, "the graph has Sigmoid, dx"},
		{"graph sigmoid --fold Sigmoid --unfold Sigmoid", 2, "both name"},
		{"graph apples -o " + folder + "/none/x.svg", 1, "make the folder"},
	} {
		code, stdout, stderr := call(t, strings.Fields(test.args)...)
		if code != test.code || !strings.Contains(stderr, test.want) || strings.Count(stderr, "\n") != 1 || stdout != "" {
			t.Errorf("chainrule %s: exit code %d, %q, %q; want %d and %q", test.args, code, stdout, stderr, test.code, test.want)
		}
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestGraphLost: a drawing that could not be written is a failure.
func TestGraphLost(t *testing.T) {
	var stderr bytes.Buffer
	if code := run(t.Context(), []string{"graph", "apples"}, full{}, &stderr); code != exitFailure || !strings.Contains(stderr.String(), "no space left") {
		t.Errorf("exit code %d: %s", code, &stderr)
	}
}

// TestGraphModel: the layers of a model, and its loss, on the user's sample.
func TestGraphModel(t *testing.T) {
	model := small(t) // Affine(4->3) and a Softmax
	var all struct {
		drawn
		Groups []struct{ Name string }
	}
	if err := json.Unmarshal([]byte(must(t, "graph", model, "--json", "--input", "1,-2,0.5,3", "--label", "2")), &all); err != nil {
		t.Fatal(err)
	}
	var groups []string
	for _, g := range all.Groups {
		groups = append(groups, g.Name)
	}
	if got := strings.Join(groups, " "); got != "Affine1 SoftmaxWithLoss" {
		t.Errorf("the groups are %s", got)
	}
	net := load32(t, model)
	x := tensor.Of([]float32{1, -2, 0.5, 3}, 1, 4)
	pass := &nn.Pass[float32]{Keep: true}
	loss := nn.NewSoftmaxWithLoss[float32]()
	want := loss.Forward(pass, net.Forward(pass, x), nn.Labels[float32](2))
	net.BackwardParams(pass, loss.Backward(pass))
	checked := 0
	for _, n := range all.Nodes {
		var value, grad any
		if json.Unmarshal(n.Value, &value) != nil || json.Unmarshal(n.Grad, &grad) != nil {
			t.Fatalf("%s: %s, %s", n.Label, n.Value, n.Grad)
		}
		switch n.Label {
		case "loss":
			if v := value.(float64); math.Abs(v-want) > 1e-6 {
				t.Errorf("the loss is %v, want %v", v, want)
			}
			checked++
		case "b":
			for i, v := range grad.([]any) {
				if right := float64(net.Params()[1].Grad.Data[i]); math.Abs(v.(float64)-right) > 1e-6 {
					t.Errorf("the gradient of b[%d] is %v, want %v", i, v, right)
				}
			}
			checked++
		}
	}
	if checked != 2 {
		t.Errorf("the loss and b are not both among %d nodes", len(all.Nodes))
	}
	for _, format := range []string{"svg", "dot", "html", "png"} {
		folded := must(t, "graph", model, "--format", format, "--input", "1,-2,0.5,3")
		if unfolded := must(t, "graph", model, "--format", format, "--input", "1,-2,0.5,3", "--unfold", "all"); folded == unfolded {
			t.Errorf("%s: folded and unfolded are the same", format)
		}
	}
}

// load32 loads a model's layers, but for the Softmax at the end.
func load32(t *testing.T, path string) *nn.Sequential[float32] {
	t.Helper()
	c, err := loadClassifier(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return c.logits
}

// TestGraphModelOnMNIST: without a sample of the user's it is one of MNIST's, in
// its class, and a file's first image is taken as predict takes it.
func TestGraphModelOnMNIST(t *testing.T) {
	test := mnist(t)
	trained := filepath.Join(t.TempDir(), "m.safetensors")
	must(t, "train", "--steps", "2", "--out", trained)
	image := write(t, "image.idx", append([]byte{0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 28, 0, 0, 0, 28}, test.Images.Data[5*784:6*784]...))
	drawing := must(t, "graph", trained, "--json", "--sample", "5")
	if same := must(t, "graph", trained, "--json", "--input", image, "--label", fmt.Sprint(test.Labels.Data[5])); same != drawing {
		t.Error("an image of MNIST and the same in a file differ")
	}
	for _, n := range lines[drawn](t, drawing)[0].Nodes {
		var rows [][]float64
		if n.Label == "t" && (json.Unmarshal(n.Value, &rows) != nil || rows[0][test.Labels.Data[5]] != 1) {
			t.Errorf("image 5 is a %d, and t is %s", test.Labels.Data[5], n.Value)
		}
	}
	if code, _, stderr := call(t, "graph", trained, "--sample", "10000"); code != 2 || !strings.Contains(stderr, "0 to 9999") {
		t.Errorf("--sample 10000: %d, %s", code, stderr)
	}
}

// TestREADMEGraph: the picture in README is what the command draws.
func TestREADMEGraph(t *testing.T) {
	want, err := os.ReadFile("../../docs/apples-oranges.svg")
	if err != nil {
		t.Fatal(err)
	}
	if must(t, "graph", "apples-oranges") != string(want) {
		t.Error("docs/apples-oranges.svg is stale; run\n\tgo run ./cmd/chainrule graph apples-oranges -o docs/apples-oranges.svg")
	}
}
