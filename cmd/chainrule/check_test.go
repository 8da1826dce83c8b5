package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/chainrule-go/chainrule/gradcheck"
	"github.com/chainrule-go/chainrule/internal/kernel"
	"github.com/chainrule-go/chainrule/model"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
	"github.com/chainrule-go/chainrule/train"
)

// TestCheck verifies all 39,760 gradients of the network, twice, and that
// docs/CERTIFICATE.md is the certificate.
func TestCheck(t *testing.T) {
	mnist(t)
	path := filepath.Join(t.TempDir(), "certificate.md")
	stdout := must(t, "check", "--json", "--certificate", path)
	events := lines[checkEvent](t, stdout)
	done := events[len(events)-1]
	if done.Event != "done" || !done.OK || done.Parameters != 39760 || !(done.MaxError > 0 && done.MaxError <= 1e-12) ||
		done.FaultsTried < 200 || done.FaultsCaught != done.FaultsTried || done.Checksums < 20 || done.ChecksumsRight != done.Checksums ||
		done.Speedup <= 0 || done.Kinks != 124 {
		t.Errorf("%+v", done)
	}
	if images := done.MNISTNonzeroShare; done.NonzeroShare != 1 || images == nil || !(*images > 0.1 && *images < 0.5) {
		t.Errorf("nonzero shares %v and, of MNIST, %v", done.NonzeroShare, images)
	}
	if w := done.References; len(w) != 3 || w["complex_step"] != done.MaxError || !(w["graph"] > 0 && w["graph"] <= 1e-12) ||
		!(w["central_difference"] > 0 && w["central_difference"] <= 1e-6) {
		t.Errorf("references %v", w)
	}
	count := map[string]int{}
	for i, a := range lines[arrayEvent](t, stdout) {
		count[a.Event]++
		if a.Event != "array" || a.Name == "y" || a.Name == "loss" || strings.HasSuffix(a.Name, " y") {
			continue
		}
		switch {
		case a.Elements == 0:
			t.Errorf("line %d: nothing was compared: %+v", i, a)
		case a.Adjoint != nil:
			if len(a.References) != 0 || !(*a.Adjoint <= 8) {
				t.Errorf("line %d: %+v", i, a)
			}
		default:
			for _, w := range gradcheck.References() {
				err, compared := a.References[referenceKeys[w]]
				worst := a.Worst[referenceKeys[w]]
				if !compared || worst.Elements != a.Elements || len(worst.Index) == 0 || !(float64(err) <= w.Bound()) {
					t.Errorf("line %d, %s: %+v", i, w, a)
				}
			}
			if a.MaxError != a.References["complex_step"] {
				t.Errorf("line %d: %+v", i, a)
			}
		}
	}
	if count["array"] < 60 || count["erratum"] != 4 || count["fault"] < 20 || count["bits"] != 86 || count["done"] != 1 {
		t.Errorf("events %v", count)
	}
	sameCertificate(t, path)
}

// sameCertificate compares a certificate with the one in docs. Elsewhere than on
// amd64 exponentials and complex arithmetic round in other places, and with them
// the errors of the references: there only the rest is compared.
func sameCertificate(t *testing.T, path string) {
	t.Helper()
	const recorded = "amd64"
	var text [2]string
	for i, path := range []string{path, "../../docs/CERTIFICATE.md"} {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text[i] = build.ReplaceAllString(strings.ReplaceAll(string(b), "\r\n", "\n"), "$1")
		if runtime.GOARCH != recorded {
			text[i] = regexp.MustCompile(`[0-9]e-[0-9]+|[0-9.]+ +\|| +\||-+`).ReplaceAllString(text[i], "")
		}
	}
	if text[0] != text[1] {
		t.Error("docs/CERTIFICATE.md is not what check writes; if that is right: go run ./cmd/chainrule check --certificate docs/CERTIFICATE.md")
		was := strings.Split(text[1], "\n")
		for i, line := range strings.Split(text[0], "\n") {
			if i >= len(was) || was[i] != line {
				t.Errorf("first at line %d: %s", i+1, line)
				break
			}
		}
	}
}

// build are the lines of a certificate that name the program and the machine.
var build = regexp.MustCompile(`(?m)^(- (?:Program|Commit|Processor): ).*`)

// TestPaths: the certificate is the same whatever instructions compute it. The
// loops in Go, the last path, take five times as long; package certify compares their bits.
func TestPaths(t *testing.T) {
	mnist(t)
	paths := kernel.Paths()
	if len(paths) < 3 {
		t.Skipf("this processor has no other vector instructions: %v", paths)
	}
	for _, name := range paths[1 : len(paths)-1] {
		t.Run(name, func(t *testing.T) {
			restore, err := kernel.Use(name)
			if err != nil {
				t.Fatal(err)
			}
			defer restore()
			path := filepath.Join(t.TempDir(), "certificate.md")
			must(t, "check", "--certificate", path)
			sameCertificate(t, path)
		})
	}
}

// TestCertificate: the verdict comes first, the lines of the build are there, and
// tables fit into 100 columns.
func TestCertificate(t *testing.T) {
	b, err := os.ReadFile("../../docs/CERTIFICATE.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	if want := "# Certificate\n\n**Verified: all gradients are right**"; !strings.HasPrefix(text, want) {
		t.Errorf("it does not begin with %q", want)
	}
	if got := len(build.FindAllString(text, -1)); got != 3 {
		t.Errorf("%d lines of program, commit and processor, want 3", got)
	}
	for line := range strings.Lines(text) {
		if n := utf8.RuneCountInString(strings.TrimSpace(line)); n > 112 {
			t.Errorf("a line of %d columns, want at most 112: %s", n, line)
		}
	}
}

// TestREADME: tables that are copied from the certificate say what it says. How
// wide their columns are is no matter.
func TestREADME(t *testing.T) {
	certificate, err := os.ReadFile("../../docs/CERTIFICATE.md")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for line := range strings.Lines(string(certificate)) {
		known[oneSpace(line)] = true
	}
	for _, path := range []string{"../../README.md", "../../README.ko.md"} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		found, inTable := 0, false
		for line := range strings.Lines(string(text)) {
			inTable = strings.HasPrefix(line, "| gradient of |") || strings.HasPrefix(line, "| fault ") || inTable && strings.HasPrefix(line, "|")
			if !inTable || strings.HasPrefix(line, "|-") {
				continue
			}
			found++
			if !known[oneSpace(line)] {
				t.Errorf("%s: docs/CERTIFICATE.md lacks the row %s", path, line)
			}
		}
		if found < 8 {
			t.Errorf("%s: %d rows of the certificate, want 8 or more", path, found)
		}
	}
}

func oneSpace(text string) string { return strings.Join(strings.Fields(text), " ") }

// TestCheckModel verifies a network that a user has trained, of a kind of its own.
func TestCheckModel(t *testing.T) {
	mnist(t)
	path := filepath.Join(t.TempDir(), "own.safetensors")
	rng := train.Random(3, "weights")
	type layer = nn.Layer[float32]
	net := nn.NewSequential(
		layer(nn.NewSequential(layer(nn.NewAffine[float32](784, 9, rng)), layer(nn.NewSigmoid[float32]()))),
		layer(nn.NewAffine[float32](9, 10, rng)), layer(nn.NewSoftmax[float32]()))
	if err := model.Save(path, net, 784); err != nil {
		t.Fatal(err)
	}
	certificate := filepath.Join(t.TempDir(), "own.md")
	events := lines[checkEvent](t, must(t, "check", "--json", "--model", path, "--certificate", certificate))
	done := events[len(events)-1]
	if !done.OK || done.Parameters != 784*9+9+90+10 || !(done.MaxError > 0 && done.MaxError <= 1e-12) || done.FaultsTried < 50 ||
		done.FaultsCaught != done.FaultsTried || done.NonzeroShare != 1 || done.MNISTNonzeroShare == nil {
		t.Errorf("%+v", done)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, certificate, "**Verified", "Sequential(Sequential(Affine(784->9), Sigmoid), Affine(9->10))", "| Affine1.W ",
		"gradients of the network | 7165", fmt.Sprintf("- Model: %s, SHA-256 %x\n", path, sha256.Sum256(file)), "- Seed: 1\n",
		"- MNIST images: the 3 with the largest loss, of the first thousand of the training set")
	t.Run("the model is kept", func(t *testing.T) {
		code, _, stderr := call(t, "check", "--model", path, "--certificate", path)
		if now, err := os.ReadFile(path); code != exitUsage || !strings.Contains(stderr, "it would replace") || err != nil || !bytes.Equal(now, file) {
			t.Errorf("exit code %d, error %v: %s", code, err, stderr)
		}
	})
}

// wantText reports what a text file lacks, whatever the width of its columns.
func wantText(t *testing.T, path string, wanted ...string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range wanted {
		if !strings.Contains(oneSpace(string(b)), oneSpace(want)) {
			t.Errorf("the certificate lacks %q:\n%s", want, b)
		}
	}
}

// TestCheckOther: a model that takes no images of MNIST.
func TestCheckOther(t *testing.T) {
	certificate := filepath.Join(t.TempDir(), "c.md")
	t.Run("random samples", func(t *testing.T) {
		must(t, "check", "--model", small(t), "--certificate", certificate)
		wantText(t, certificate, "**Verified", "nonzero share of the gradients, random samples",
			"- Random samples: the 3 with the largest loss, of a thousand of uniform numbers")
	})
	t.Run("own samples", func(t *testing.T) {
		samples := write(t, "s.csv", []byte("x,class\n1,0\n4,1\n"))
		must(t, "check", "--model", thresholds(t, -2), "--samples", samples, "--certificate", certificate)
		wantText(t, certificate, "**Verified", "- Own samples: the 2 with the largest loss, of the 2 in "+samples, "- Random samples: ")
	})
	t.Run("the seed", func(t *testing.T) {
		file := small(t)
		one, again, other := must(t, "check", "--model", file), must(t, "check", "--model", file), must(t, "check", "--model", file, "--seed", "2")
		// The last line tells times.
		text := func(s string) string { s, _, _ = strings.Cut(s, "gradients:"); return s }
		if text(one) != text(again) {
			t.Error("the same seed gives another certificate")
		}
		if strings.ReplaceAll(text(other), "Seed: 2", "Seed: 1") == text(one) {
			t.Error("another seed gives the same numbers")
		}
	})
	for _, test := range []struct {
		name    string
		bias    float32
		samples string
		want    string
	}{
		{"a weight that is no number", float32(math.NaN()), "1,0\n", "b[1] is NaN, so there are no gradients: the training has diverged, or the file is damaged"},
		{"an infinite weight", float32(math.Inf(-1)), "1,0\n", "b[1] is -Inf, so there are no gradients"},
		{"a huge weight", 1e38, "1,0\n", "b[1] is 1e+38, and weights can be verified up to 100000"},
		{"huge samples", 0, "1e30,0\n", "every loss is 1e+30 or more, and gradients can be verified up to a loss of 1000"},
		{"samples of another model", 0, "1,2,0\n", "want 1 numbers and a class a line, got 3"},
	} {
		t.Run(test.name, func(t *testing.T) {
			code, stdout, stderr := call(t, "check", "--model", thresholds(t, test.bias), "--samples", write(t, "s.csv", []byte(test.samples)))
			if code != exitFailure || stdout != "" || !strings.Contains(stderr, test.want) {
				t.Errorf("exit code %d, %q, want %q, got %q", code, stdout, test.want, stderr)
			}
		})
	}
}

// TestCheckNothing: a model without parameters has no gradients.
func TestCheckNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.safetensors")
	if err := model.Save(path, nn.NewSequential[float32](nn.NewReLU[float32]()), 4); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := call(t, "check", "--model", path); code != exitFailure || !strings.Contains(stderr, "no parameters") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

// TestVerdict: a certificate of what failed says so first, and what it was.
func TestVerdict(t *testing.T) {
	var k checker
	k.fail(nil)
	k.fail(errors.Join(errors.New("dense: W1[0 1] is 1, graph says 2"), errors.New("dense: b1[0] is \x1b[31m")))
	k.fail(errors.New("a fault was not caught"))
	var c certificate
	c.verdict(&subject{}, checkEvent{}, nil, k.failed)
	want := "# Certificate\n\n**Not verified.** This is wrong:\n\n" +
		"- dense: W1[0 1] is 1, graph says 2\n- dense: b1[0] is \\x1b[31m\n- a fault was not caught\n\n| what "
	if got := c.String(); !strings.HasPrefix(got, want) {
		t.Errorf("got\n%s\nwant it to begin with\n%s", got, want)
	}
}

// TestLeastSure: the samples with the largest loss, largest first.
func TestLeastSure(t *testing.T) {
	net := nn.NewSequential[float64]() // the logits are the samples
	x := tensor.Of([]float64{9, 0, 0, 2, 1, 0, 0, 5, 3, 0}, 5, 2)
	got, labels, err := leastSure(t.Context(), net, x, []int{0, 0, 0, 1, 1})
	if err != nil {
		t.Fatal(err)
	}
	if want := "Tensor(3, 2) [[3 0] [0 2] [1 0]]"; got.String() != want || labels[0] != 1 || labels[1] != 0 || labels[2] != 0 {
		t.Errorf("%v, labels %v; want %s", got, labels, want)
	}
}

func TestRoundedUp(t *testing.T) {
	for x, want := range map[float64]string{
		0:           "0",
		3.1e-15:     "4e-15",
		4e-15:       "4e-15",
		9.000001:    "10",
		9.9e-15:     "1e-14",
		0.2:         "0.2",
		0.21:        "0.3",
		7:           "7",
		12.5:        "20",
		0.00099:     "0.001",
		0.000981:    "0.001",
		math.Inf(1): "+Inf",
	} {
		if got := roundedUp(x); got != want {
			t.Errorf("%v is rounded up to %s, want %s", x, got, want)
		}
	}
	if got := roundedUp(math.NaN()); got != "NaN" {
		t.Errorf("NaN is %s", got)
	}
}

// TestCertificateTable: the columns are straight, whatever letters are in them, and
// a name from a file can neither end a cell nor hide anything.
func TestCertificateTable(t *testing.T) {
	var c certificate
	c.head("of", "error")
	c.row("Wᵀ", "4e-15")
	c.row("a |\u202e", "0")
	c.endTable()
	want := "| of           | error |\n|--------------|-------|\n| Wᵀ           | 4e-15 |\n| \"a \\|\\u202e\" | 0     |\n"
	if c.String() != want {
		t.Errorf("got\n%swant\n%s", &c, want)
	}
}
