package main

import (
	"math"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/chainrule-go/chainrule/gradcheck"
	"github.com/chainrule-go/chainrule/model"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
	"github.com/chainrule-go/chainrule/train"
)

// TestCheck proves all 39,760 gradients of the network, twice, and that
// docs/CERTIFICATE.md says what comes of it.
func TestCheck(t *testing.T) {
	mnist(t)
	path := filepath.Join(t.TempDir(), "certificate.md")
	stdout := must(t, "check", "--json", "--certificate", path)
	events := lines[checkEvent](t, stdout)
	done := events[len(events)-1]
	if done.Event != "done" || !done.OK || done.Parameters != 39760 || !(done.MaxError > 0 && done.MaxError <= 1e-12) ||
		done.NonzeroShare != 1 || !(done.MNISTNonzeroShare > 0.1 && done.MNISTNonzeroShare < 0.5) ||
		done.FaultsTried < 200 || done.FaultsCaught != done.FaultsTried || done.Speedup <= 0 || done.Kinks != 20 {
		t.Errorf("%+v", done)
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
	if count["array"] < 60 || count["erratum"] != 4 || count["fault"] < 20 || count["bits"] != 20 || count["done"] != 1 {
		t.Errorf("events %v", count)
	}
	sameCertificate(t, path)
}

// sameCertificate compares a certificate with the one in docs. Exponentials and
// complex arithmetic have a last bit of their own on each kind of processor, and
// with them the errors of the references: elsewhere only the rest is compared.
func sameCertificate(t *testing.T, path string) {
	t.Helper()
	const recorded = "amd64"
	var text [2]string
	for i, path := range []string{path, "../../docs/CERTIFICATE.md"} {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text[i] = strings.ReplaceAll(string(b), "\r\n", "\n")
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

// TestREADME: what is copied from the certificate is in it.
func TestREADME(t *testing.T) {
	certificate, err := os.ReadFile("../../docs/CERTIFICATE.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"../../README.md", "../../README.ko.md"} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		for line := range strings.Lines(string(text)) {
			if !regexp.MustCompile(`^\| (loss|[Wb][12]) +\| [0-9]+ +\|`).MatchString(line) {
				continue
			}
			found++
			if !strings.Contains(oneSpace(string(certificate)), oneSpace(line)) {
				t.Errorf("%s: docs/CERTIFICATE.md lacks the row %s", path, line)
			}
		}
		if found != 5 {
			t.Errorf("%s: %d rows of the certificate, want 5", path, found)
		}
	}
}

// oneSpace returns the words of a text: how wide the columns of a table are is no matter.
func oneSpace(text string) string { return strings.Join(strings.Fields(text), " ") }

// TestCheckModel proves a network that a user has trained, of a kind of its own.
func TestCheckModel(t *testing.T) {
	mnist(t)
	path := filepath.Join(t.TempDir(), "own.safetensors")
	rng := train.Random(3, "weights")
	type layer = nn.Layer[float32]
	net := nn.NewSequential(
		layer(nn.NewSequential(layer(nn.NewAffine[float32](784, 9, rng)), layer(nn.NewSigmoid[float32]()))),
		layer(nn.NewAffine[float32](9, 10, rng)), layer(nn.NewSoftmax[float32]()))
	if err := model.Save(path, net, 28, 28); err == nil {
		t.Fatal("an Affine layer takes pictures")
	}
	if err := model.Save(path, net, 784); err != nil {
		t.Fatal(err)
	}
	certificate := filepath.Join(t.TempDir(), "own.md")
	events := lines[checkEvent](t, must(t, "check", "--json", "--model", path, "--certificate", certificate))
	done := events[len(events)-1]
	if !done.OK || done.Parameters != 784*9+9+90+10 || !(done.MaxError > 0 && done.MaxError <= 1e-12) || done.FaultsTried < 50 ||
		done.FaultsCaught != done.FaultsTried || done.NonzeroShare != 1 {
		t.Errorf("%+v", done)
	}
	text, err := os.ReadFile(certificate)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Sequential(Sequential(Affine(784->9), Sigmoid), Affine(9->10))", "| Affine1.W ", "All gradients are right. 7165 parameters"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the certificate lacks %q:\n%s", want, text)
		}
	}

	net.Params()[0].Value.Data[400] = float32(math.NaN())
	if err := model.Save(path, net, 784); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := call(t, "check", "--model", path); code != exitFailure || !strings.Contains(stderr, "its training has diverged") {
		t.Errorf("a model that is not a number: exit code %d: %s", code, stderr)
	}
}

// TestLeastSure: the samples with the largest loss, largest first.
func TestLeastSure(t *testing.T) {
	net := nn.NewSequential[float64]() // the logits are the samples
	x := tensor.Of([]float64{9, 0, 0, 2, 1, 0, 0, 5, 3, 0}, 5, 2)
	got, labels, err := leastSure(net, x, []int{0, 0, 0, 1, 1})
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

// TestCertificateTable: the columns are straight, whatever letters are in them.
func TestCertificateTable(t *testing.T) {
	var out strings.Builder
	c := &certificate{w: &out}
	c.head("of", "error")
	c.row("Wᵀ", "4e-15")
	c.row("a longer one", "0")
	c.endTable()
	want := "| of           | error |\n|--------------|-------|\n| Wᵀ           | 4e-15 |\n| a longer one | 0     |\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", &out, want)
	}
}
