package model

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// python runs a script with Python's safetensors and returns what it prints.
// Without them the test is skipped, except in CI.
func python(t *testing.T, dir string, args ...string) []byte {
	t.Helper()
	missing := t.Skipf
	if os.Getenv("CI") != "" {
		missing = t.Fatalf
	}
	const how = "make one (python3 -m venv venv && venv/bin/pip install numpy safetensors) and set CHAINRULE_PYTHON=$PWD/venv/bin/python"
	path := os.Getenv("CHAINRULE_PYTHON")
	if path == "" {
		missing("no Python to compare with; %s", how)
	}
	if out, err := exec.Command(path, "-c", "import numpy, safetensors.numpy").CombinedOutput(); err != nil {
		missing("%s cannot be used (%v); %s\n%s", path, err, how, out)
	}
	cmd := exec.Command(path, args...)
	var stderr bytes.Buffer
	cmd.Dir, cmd.Stderr = dir, &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s", args, err, &stderr)
	}
	return out
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func script(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// checkWritten loads a file of testdata/write.py and compares the logits with
// those NumPy computed. No operation in it rounds, so they are equal.
func checkWritten(t *testing.T, path string, report []byte) {
	t.Helper()
	var want struct{ Input, Logits [][]float32 }
	if err := json.Unmarshal(report, &want); err != nil {
		t.Fatal(err)
	}
	m, err := Load[float32](path)
	if err != nil {
		t.Fatal(err)
	}
	if len(want.Input) == 0 || !slices.Equal(m.Input, []int{len(want.Input[0])}) {
		t.Fatalf("input is %v, and there are %d samples", m.Input, len(want.Input))
	}
	for n := range len(want.Input) + 1 { // any batch size
		x, y := slices.Concat(want.Input[:n]...), slices.Concat(want.Logits[:n]...)
		got := m.Net.Forward(nil, tensor.Of(x, n, m.Input[0]))
		if !slices.Equal(got.Data, y) {
			t.Errorf("batch of %d: got %v, want %v", n, got, y)
		}
	}
}

// testdata/python.safetensors was written by Python's safetensors 0.8.0 and
// NumPy 2.4.6: python write.py python.safetensors > python.json
func TestPythonGolden(t *testing.T) {
	checkWritten(t, "testdata/python.safetensors", readFile(t, "testdata/python.json"))
}

func TestPythonWrites(t *testing.T) {
	path := filepath.Join(t.TempDir(), "net.safetensors")
	checkWritten(t, path, python(t, "", script(t, "write.py"), path))
}

func TestPythonReads(t *testing.T) {
	t.Run("float32", pythonReads[float32])
	t.Run("float64", pythonReads[float64])
	t.Run("no tensors", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "net.safetensors")
		if err := Save(path, nn.NewSequential[float32](nn.NewReLU[float32]()), 2); err != nil {
			t.Fatal(err)
		}
		python(t, "", script(t, "read.py"), path)
	})
}

func pythonReads[T tensor.Float](t *testing.T) {
	net := everyKind[T]()
	path := filepath.Join(t.TempDir(), "net.safetensors")
	if err := Save(path, net, 3); err != nil {
		t.Fatal(err)
	}
	type array struct {
		DType string
		Shape []int
		Bytes string
	}
	var got struct {
		Metadata map[string]string
		Tensors  map[string]array
	}
	if err := json.Unmarshal(python(t, "", script(t, "read.py"), path), &got); err != nil {
		t.Fatal(err)
	}
	architecture, tensors, err := describe(&Model[T]{Net: net, Input: []int{3}})
	if err != nil {
		t.Fatal(err)
	}
	if want := map[string]string{"chainrule": architecture}; !reflect.DeepEqual(got.Metadata, want) {
		t.Errorf("Python finds the metadata %q, want %q", got.Metadata, want)
	}
	dtype := reflect.TypeFor[T]().String() // NumPy's names are Go's
	want := map[string]array{}
	for _, x := range tensors {
		b, _ := binary.Append(nil, binary.LittleEndian, x.Data)
		want[x.Name] = array{dtype, x.Shape, hex.EncodeToString(b)}
	}
	if len(want) != 5 || !reflect.DeepEqual(got.Tensors, want) {
		t.Errorf("Python finds the tensors %v, want %v", got.Tensors, want)
	}
}

// The scripts in docs/FORMAT.md do what it says: the first writes a file that
// loads and predicts as NumPy does, the second reads the file saved here.
func TestDocumentation(t *testing.T) {
	doc := string(readFile(t, "../docs/FORMAT.md"))
	var scripts []string
	for _, block := range strings.Split(doc, "```python\n")[1:] {
		code, _, _ := strings.Cut(block, "```")
		scripts = append(scripts, code)
	}
	if len(scripts) != 2 {
		t.Fatalf("%d scripts in docs/FORMAT.md, want one that writes and one that reads", len(scripts))
	}
	for _, k := range nn.Kinds() {
		if strings.HasPrefix(k, "test.") {
			continue
		}
		if !strings.Contains(doc, "| `"+k+"` |") {
			t.Errorf("docs/FORMAT.md has no row for %s", k)
		}
	}

	dir := t.TempDir()
	path := filepath.Join(dir, "tiny.safetensors")
	want := []float32{0.25, 3.75, -0.25, 2.25}
	check := func(printed []byte) {
		t.Helper()
		var got []float32
		for _, field := range strings.Fields(strings.NewReplacer("[", " ", "]", " ").Replace(string(printed))) {
			v, err := strconv.ParseFloat(field, 32)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, float32(v))
		}
		if !slices.Equal(got, want) {
			t.Errorf("the script prints %s, want %v", printed, want)
		}
	}
	check(python(t, dir, "-c", scripts[0]))
	m, err := Load[float32](path)
	if err != nil {
		t.Fatal(err)
	}
	got := m.Net.Forward(nil, tensor.Of([]float32{1, 0.5, -1, 0.25}, 2, 2))
	if !slices.Equal(got.Data, want) || !strings.Contains(doc, "// "+got.String()) {
		t.Errorf("the prediction is %v, want %v, as in docs/FORMAT.md", got, want)
	}
	if err := Save(path, m.Net, m.Input...); err != nil {
		t.Fatal(err)
	}
	check(python(t, dir, "-c", scripts[1]))
}
