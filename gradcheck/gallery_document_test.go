package gradcheck_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/chainrule-go/chainrule/gradcheck"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

var document = flag.Bool("document", false, "write docs/GRADCHECK-gallery.md anew")

const documentFile = "../docs/GRADCHECK-gallery.md"

// TestDocument: docs/GRADCHECK-gallery.md is what the gallery says.
func TestDocument(t *testing.T) {
	if poisoned {
		t.Skip("with -tags poison a plain difference finds memory that is not cleared")
	}
	text := documentOf(t)
	if *document {
		if err := os.WriteFile(documentFile, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	old, err := os.ReadFile(documentFile)
	if err != nil {
		t.Fatal(err)
	}
	if string(old) != text {
		t.Error("docs/GRADCHECK-gallery.md is not what the gallery says: go test ./gradcheck -run TestDocument -document writes it anew")
	}
}

// others is testdata/others.json: what other checks say, by layer.
type others struct {
	PyTorch string
	Layers  []struct {
		Kind, Name            string
		Gradcheck, Difference bool // whether it is refused
	}
}

func documentOf(t *testing.T) string {
	file, err := os.ReadFile("testdata/others.json")
	if err != nil {
		t.Fatal(err)
	}
	var others others
	if err := json.Unmarshal(file, &others); err != nil {
		t.Fatal(err)
	}
	byName := map[string]wrong{}
	total, refused, plain := 0, 0, 0
	var kinds, layers, beyond strings.Builder
	for _, kind := range wrongs {
		found, past := 0, 0
		for _, w := range kind.layers {
			byName[w.name] = w
			is := "accepted"
			if plainly(w.of()) {
				is = "refused"
				found++
			}
			as := named(w)
			if w.beyond != "" {
				past++
				as = "accepted"
				fmt.Fprintf(&beyond, "- %s: %s. %s\n", w.name, w.why, w.beyond)
			}
			fmt.Fprintf(&layers, "| %s | %s | %s | %s | %s |\n", kind.kind, w.name, strings.ReplaceAll(w.why, "|", "\\|"), as, is)
		}
		n := len(kind.layers)
		total += n
		refused += n - past
		plain += found
		fmt.Fprintf(&kinds, "| %s | %d | %d | %d |\n", kind.kind, n, n-past, found)
	}
	fmt.Fprintf(&kinds, "| | %d | %d | %d |\n", total, refused, plain)
	gets := "None of the gallery gets past.\n"
	if beyond.Len() > 0 {
		gets = beyond.String()
	}

	var table strings.Builder
	var by [2]int
	word := func(refused bool, count *int) string {
		if refused {
			*count++
			return "refused"
		}
		return "accepted"
	}
	for _, l := range others.Layers {
		if _, ok := byName[l.Name]; !ok {
			t.Errorf("testdata/others.py has a layer %s, the gallery has none", l.Name)
		}
		if byName[l.Name].beyond != "" {
			t.Errorf("%s is accepted: the table says that it is refused", l.Name)
		}
		fmt.Fprintf(&table, "| %s | %s | refused | %s | %s |\n", l.Kind, l.Name, word(l.Gradcheck, &by[0]), word(l.Difference, &by[1]))
	}
	fmt.Fprintf(&table, "| | %d layers | %d | %d | %d |\n", len(others.Layers), len(others.Layers), by[0], by[1])
	return fmt.Sprintf(documentText, total, refused, total, kinds.String(), gets, others.PyTorch, table.String(), layers.String())
}

const documentText = `# Wrong layers, and who refuses them

Package gradcheck is tried on a gallery of %d wrong layers, each a mistake that people make. ` + "`gradcheck.Layer`" + `
refuses %d of %d, by the name of what they break (gradcheck/gallery_*_test.go; ` + "`go test ./gradcheck -run TestWrong`" + `).
None of the correct layers beside them is refused (` + "`-run TestRight`" + `; ` + "`-run TestFalseAlarms -falsealarms=10000`" + `
checks them at any sizes and on other numbers). [GRADCHECK.md](GRADCHECK.md) says what is checked.

This page is written by ` + "`go test ./gradcheck -run TestDocument -document`" + `.

## By kind

A plain difference is what most tests of gradients do: dx and the gradients of parameters, in float64, at one batch of
four, against central differences with h = 1/1024, to within 1e-3 relative and absolute.

| kind | layers | refused by gradcheck.Layer | by a plain difference |
|---|---:|---:|---:|
%s
## What gets past

%s
## Other checks

Some layers of each kind, written as a torch.autograd.Function. PyTorch's check is torch.autograd.gradcheck of PyTorch
%s with its default settings. The difference is one in float32 with h = 1/1024, to within 1e-3: what
tf.test.compute_gradient does, with the bounds of TensorFlow's own tests for float32. (The layer test of Keras,
run_layer_test, trains a layer and compares no gradient.) ` + "`python gradcheck/testdata/others.py`" + ` repeats both, and writes
gradcheck/testdata/others.json.

What cannot be written so is left out: in PyTorch, Grad and the list of parameters belong to the framework, so that
setting Grad, or listing a parameter twice, does not arise. Modes, sizes and sharing do arise, but both checks run one
function on one input.

| kind | layer | gradcheck.Layer | PyTorch's gradcheck | difference in float32 |
|---|---|---|---|---|
%s
## All layers

| kind | layer | how one comes to write it | refused as | plain difference |
|---|---|---|---|---|
%s`

// named is the clauses one of which the refusal names.
func named(w wrong) string {
	var names []string
	for _, c := range w.clauses {
		names = append(names, string(c))
	}
	return strings.Join(names, " or ")
}

// plainly reports whether a plain difference refuses the layer.
func plainly(c gradcheck.Case) (refused bool) {
	defer func() {
		if recover() != nil {
			refused = true
		}
	}()
	rng := rand.New(rand.NewPCG(1, 2))
	l := c.New(rng)
	x := tensor.New[float64](append([]int{4}, c.Sample...)...)
	draw := func(x array) {
		for i := range x.Data {
			x.Data[i] = 4*rng.Float64() - 2
		}
	}
	draw(x)
	if c.Draw != nil {
		c.Draw(x, rng)
	}
	train := &nn.Pass[float64]{Train: true, Keep: true, Threads: 1}
	dy := tensor.New[float64](l.Forward(train, x).Shape...)
	draw(dy)
	objective := func() float64 {
		return dot(l.Forward(&nn.Pass[float64]{Train: true, Threads: 1}, x).Data, dy.Data)
	}
	of := map[array]array{}
	if dx := l.Backward(train, dy.Clone()).Clone(); !c.Discrete {
		of[x] = dx
	}
	for _, p := range l.Params() {
		of[p.Value] = p.Grad
	}
	for of, got := range of {
		if !slices.Equal(got.Shape, of.Shape) {
			return true
		}
		for i := range of.Data {
			want := nn.CentralDifference(objective, &of.Data[i], 1.0/1024).Central()
			if !(math.Abs(got.Data[i]-want) <= 1e-3+1e-3*math.Abs(want)) {
				return true
			}
		}
	}
	return false
}

// TestPlainly: the plain difference accepts correct layers, and refuses a wrong sign. Its
// step is too large for two of them.
func TestPlainly(t *testing.T) {
	tooSteep := []string{"LogNear0", "AllAtTheKink"}
	for _, r := range rights() {
		if refused := plainly(r.of(r.sizes.few[0])); refused != slices.Contains(tooSteep, r.name) {
			t.Errorf("it refuses %s: %t", r.name, refused)
		}
	}
	if !plainly(wrongSign[0].of()) {
		t.Errorf("it accepts %s", wrongSign[0].name)
	}
}
