package hostile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chainrule-go/chainrule/internal/memlimit"
	"github.com/chainrule-go/chainrule/model"
	"github.com/chainrule-go/chainrule/nn"
)

// excess is how much more memory a hostile file may take than an ordinary one of its size.
const excess = 64 << 20

// Reading any of the crafted files takes at most what docs/FORMAT.md says, in a process
// that has little more.
func TestReadCrafted(t *testing.T) {
	const reserved = 64 << 20 // Go takes addresses by so much
	memlimit.Run(t, reserved+4*excess, func(t *testing.T) {
		debug.SetMemoryLimit(excess)
		n := 0
		craft(times(200, 20_000), func(c crafted) {
			n++
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := model.Read[float32](bytes.NewReader(c.file), "f")
			runtime.ReadMemStats(&after)
			if got, most := after.TotalAlloc-before.TotalAlloc, 64*uint64(len(c.file))+1<<20; got > most {
				t.Errorf("%s: a file of %d bytes took %d bytes of memory, want at most %d", c.name, len(c.file), got, most)
			}
			if e, ok := errors.AsType[*model.FormatError](err); err != nil && (!ok || e.Field == "" || e.Problem == "" || len(err.Error()) > 1000) {
				t.Errorf("%s: %v", c.name, err)
			}
		})
		if n < times(1000, 20_000) {
			t.Errorf("%d files", n)
		}
	})
}

// A difference is a reason why Python's safetensors takes a file that is refused here. It
// is a row of the table in docs/FORMAT.md.
type difference struct {
	reason string
	parts  []string // of errors; one of them is in each
}

var differences = []difference{
	{"the metadata have no architecture", []string{"this is a plain weights file", "f: __metadata__: want an object, got null"}},
	{"a tensor's dtype is not the one asked for", []string{": dtype: want F32, got "}},
	{"a tensor is not the one that its layer wants, or no layer has it", []string{", as the architecture says, got ", ": want it, of shape ", "got one that no layer has"}},
	{"an entry has other fields than the three", []string{": entry: want dtype, shape and data_offsets, got also "}},
	{"a key stands twice in an object", []string{"f: header: the key "}},
	{"the header begins with spaces", []string{"f: header: want a JSON object, which begins with {"}},
	{"the padding is not of spaces", []string{"f: header: want a JSON object that ends with } and is padded with spaces"}},
	{"there are more tensors, keys or axes, or longer entries, than are allowed", []string{"f: header: want at most 100000 tensors", "f: __metadata__: want at most ", ": entry: want at most ", ": shape: want at most "}},
	{"the architecture is wrong in any way", []string{"f: architecture: ", `f: layer "`}},
}

// Whatever Python's safetensors refuses is refused here; and where it takes a file that is
// refused here, docs/FORMAT.md says why.
func TestPythonAgrees(t *testing.T) {
	python := pythonPath(t)
	dir := t.TempDir()
	var names []string
	var here []error
	craft(times(200, 10_000), func(c crafted) {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%06d", len(names))), c.file, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := model.Read[float32](bytes.NewReader(c.file), "f")
		names, here = append(names, c.name), append(here, err)
	})
	cmd := exec.Command(python, "testdata/judge.py", dir)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	lines := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
	if len(lines) != len(names) {
		t.Fatalf("Python judges %d files of %d", len(lines), len(names))
	}
	found := make([]int, len(differences))
	taken, refused, strict := 0, 0, 0
	for i, line := range lines {
		var there struct{ Error *string }
		if err := json.Unmarshal(line, &there); err != nil {
			t.Fatal(err)
		}
		switch {
		case here[i] == nil && there.Error == nil:
			taken++
		case here[i] != nil && there.Error != nil:
			refused++
		case here[i] == nil:
			t.Errorf("%s: it is taken here, and Python says %s", names[i], *there.Error)
		default:
			strict++
			row := slices.IndexFunc(differences, func(d difference) bool {
				return slices.ContainsFunc(d.parts, func(part string) bool { return strings.Contains(here[i].Error(), part) })
			})
			if row < 0 {
				t.Errorf("%s: Python takes it, and no row of the table says why it is refused here: %v", names[i], here[i])
				continue
			}
			found[row]++
		}
	}
	t.Logf("%d files: %d taken by both, %d refused by both, %d refused here alone", len(names), taken, refused, strict)
	doc, err := os.ReadFile("../../docs/FORMAT.md")
	if err != nil {
		t.Fatal(err)
	}
	for i, d := range differences {
		if found[i] == 0 {
			t.Errorf("no file differs because of this: %s", d.reason)
		}
		if !strings.Contains(string(doc), "\n| "+d.reason+" |") {
			t.Errorf("docs/FORMAT.md has no row for: %s", d.reason)
		}
	}
}

// pythonPath is the interpreter with safetensors.
func pythonPath(t *testing.T) string {
	t.Helper()
	path := os.Getenv("CHAINRULE_PYTHON")
	if err := exec.Command(path, "-c", "import numpy, safetensors.numpy").Run(); err != nil {
		const how = "make one (python3 -m venv venv && venv/bin/pip install numpy safetensors) and set CHAINRULE_PYTHON=$PWD/venv/bin/python"
		if os.Getenv("CI") != "" {
			t.Fatalf("no Python to compare with: %v; %s", err, how)
		}
		t.Skipf("no Python to compare with: %v; %s", err, how)
	}
	return path
}

// The command survives every crafted file, whatever it is asked to do with it, and takes
// little more memory than for an ordinary file of that size.
func TestCommandCrafted(t *testing.T) {
	ordinary := ordinaryMemory(t)
	dir := t.TempDir()
	numbers := func(n int, more string) string {
		return put(t, "a.csv", []byte(strings.Repeat("1,", n-1)+"1"+more+"\n"))
	}
	one, two, row := numbers(1, ""), numbers(2, ""), numbers(300, "")
	one2, two2, row2 := numbers(1, ",0"), numbers(2, ",0"), numbers(300, ",0") // with a class
	commands := func(model string, c crafted) [][]string {
		input, labelled := two, two2
		switch {
		case strings.Contains(c.name, "share weights"):
			input, labelled = row, row2
		case strings.Contains(c.name, " units"):
			input, labelled = one, one2
		}
		return [][]string{
			{"info", model},
			{"predict", model, input},
			{"graph", model, "--input", input, "--format", "json"},
			{"eval", model, "--data", labelled},
			{"graph", model, "--input", input, "--format", "svg"},
			{"graph", model, "--input", input, "--format", "html"},
			{"info", "--json", model},
		}
	}
	runs, n := 0, 0
	var most int64
	craft(times(0, 1000), func(c crafted) {
		if n++; !c.bomb && !*campaign && n%97 != 0 {
			return
		}
		path := filepath.Join(dir, "f")
		if err := os.WriteFile(path, c.file, 0o600); err != nil {
			t.Fatal(err)
		}
		which := commands(path, c)
		if !c.bomb {
			which = which[:2]
		}
		if !*campaign && !strings.Contains(c.name, "units") { // one after the other
			which = which[n%len(which):][:1]
		}
		for _, args := range which {
			o := attack(t, time.Minute, args...)
			runs++
			if o.Late {
				t.Errorf("%s: %q was still at it after a minute", c.name, args[0])
			}
			above := o.Memory - ordinary(len(c.file))
			most = max(most, above)
			if above > excess {
				t.Errorf("%s: %q takes %d MB, and for an ordinary file of %d bytes %d MB", c.name, args, o.Memory>>20, len(c.file), ordinary(len(c.file))>>20)
			}
		}
	})
	t.Logf("%d runs; the most above an ordinary file of the size was %d MB", runs, most>>20)
}

// ordinaryMemory measures what the command takes for ordinary models, and returns it for a
// file of a size: what the next smaller one takes.
func ordinaryMemory(t *testing.T) func(size int) int64 {
	t.Helper()
	type point struct {
		size   int
		memory int64
	}
	var points []point
	for _, units := range []int{1, 500, 1000, 2000} {
		path := filepath.Join(t.TempDir(), "m")
		if err := model.Save(path, nn.NewSequential[float32](nn.NewAffine[float32](units, units, random())), units); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		o := attack(t, time.Minute, "info", path)
		if o.Code != 0 {
			t.Fatal(o.Stderr)
		}
		points = append(points, point{int(info.Size()), o.Memory})
	}
	return func(size int) int64 {
		memory := points[0].memory
		for _, p := range points {
			if p.size <= size {
				memory = max(memory, p.memory)
			}
		}
		return memory
	}
}
