package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
	"github.com/chainrule-go/chainrule/train"
)

var keep = flag.String("page", "", "file to write the page of a test to, to be looked at")

// classes evaluates a network of random weights on random pictures of 10 classes, and on
// rows of numbers.
func classes(t *testing.T, from *data.Preparation) *Evaluation {
	t.Helper()
	rng := train.Random(3, "pictures")
	set := data.Set[float32]{X: tensor.New[float32](500, 784), T: make([]int, 500)}
	for i := range set.X.Data {
		set.X.Data[i] = float32(rng.Float64())
	}
	for i := range set.T {
		set.T[i] = rng.IntN(10)
	}
	net := nn.NewSequential[float32](nn.NewAffine[float32](784, 10, rng))
	e, err := Evaluate(t.Context(), net, nn.NewSoftmaxWithLoss[float32](), set, from, 0, 2)
	if err != nil {
		t.Fatal(err)
	}
	loss, accuracy, err := train.Evaluate(t.Context(), net, nn.NewSoftmaxWithLoss[float32](), set, 2)
	if err != nil {
		t.Fatal(err)
	}
	if e.Loss != loss || e.Classes.Accuracy() != accuracy {
		t.Fatalf("loss %v, accuracy %v; train.Evaluate says %v and %v", e.Loss, e.Classes.Accuracy(), loss, accuracy)
	}
	e.Of = "Test set"
	return e
}

// TestLossWithoutWeight: as everywhere, that of samples of which none has a weight is 0.
func TestLossWithoutWeight(t *testing.T) {
	set := data.Set[float32]{X: tensor.New[float32](3, 2), T: make([]int, 3)}
	loss := nn.NewSoftmaxWithLoss[float32]()
	loss.ClassWeights = []float64{0, 1}
	e, err := Evaluate(t.Context(), nn.NewSequential[float32](), loss, set, nil, 2, 1)
	if err != nil || e.Loss != 0 {
		t.Errorf("%v, %v; want a loss of 0", e, err)
	}
}

// values evaluates y = x for targets of 100 + 2x: after what was done to them is undone,
// the errors are those of the units of the data.
func values(t *testing.T) *Evaluation {
	t.Helper()
	const n = 2500
	set := data.Set[float32]{X: tensor.New[float32](n, 1), Values: tensor.New[float32](n, 1)}
	for i := range n {
		set.X.Data[i] = float32(i) / 1024
		set.Values.Data[i] = set.X.Data[i] + 0.5
	}
	from := &data.Preparation{Targets: []data.Column{{Name: "price", Mean: 100, Std: 2}}}
	e, err := Evaluate(t.Context(), nn.NewSequential[float32](), nn.NewMeanSquaredError[float32](), set, from, 0, 2)
	if err != nil {
		t.Fatal(err)
	}
	e.Of = "Validation set"
	return e
}

func TestValuesAreInTheUnitsOfTheData(t *testing.T) {
	v := values(t).Values
	if v.Names[0] != "price" || v.MAE(0) != 1 || v.RMSE(0) != 1 {
		t.Errorf("%s: errors %v and %v, want those of price, 1", v.Names[0], v.MAE(0), v.RMSE(0))
	}
	if n := len(v.Actual[0]); n > mostPoints || n < mostPoints/2 || v.Actual[0][0] != 101 || v.Predicted[0][0] != 100 {
		t.Errorf("%d points, the first one %v, %v; want up to %d from 101, 100", n, v.Actual[0][0], v.Predicted[0][0], mostPoints)
	}
}

func TestNames(t *testing.T) {
	from := &data.Preparation{Classes: []string{"a", "b"}, Image: &data.Image{Height: 28, Width: 28, Channels: 1}}
	if c := classes(t, from).Classes; c.Names[1] != "b" || c.Names[2] != "2" || len(c.Pictures) != len(c.Mistakes) {
		t.Errorf("classes %v with %d pictures of %d mistakes", c.Names, len(c.Pictures), len(c.Mistakes))
	}
	if c := classes(t, &data.Preparation{Columns: make([]data.Column, 784)}).Classes; c.Pictures != nil {
		t.Error("the rows of a table are drawn as pictures")
	}
}

func TestPicture(t *testing.T) {
	m := picture([]float32{0, 1, 0.5, -3, 7, 0}, []int{3, 1, 2})
	for x, want := range [][4]uint32{{0, 128, 255, 255}, {255, 0, 0, 255}} {
		r, g, b, a := m.At(x, 0).RGBA()
		if got := [4]uint32{r >> 8, g >> 8, b >> 8, a >> 8}; got != want {
			t.Errorf("pixel %d is %v, want %v", x, got, want)
		}
	}
}

// TestTextAndJSON say the same, and null or a dash where nothing is defined.
func TestTextAndJSON(t *testing.T) {
	net := nn.NewSequential[float32]()
	set := data.Set[float32]{X: tensor.Of([]float32{3, 0, 0, 2, 0, 0}, 2, 3), T: []int{0, 1}}
	e, err := Evaluate(t.Context(), net, nn.NewSoftmaxWithLoss[float32](), set, nil, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := e.Text(&text, strings.ToUpper); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"class  samples  precision", "0        1     0.5000  1.0000  0.6667", "2        0          –       –       –        –", "accuracy  0.5000"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the text lacks %q:\n%s", want, &text)
		}
	}
	line, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"samples":2`, `"accuracy":0.5`, `{"name":"2","samples":0,"precision":null,"recall":null,"f1":null,"roc_auc":null}`, `"confusion":[[1,0,0],[1,0,0],[0,0,0]]`} {
		if !strings.Contains(string(line), want) {
			t.Errorf("the JSON lacks %s:\n%s", want, line)
		}
	}
	line, err = json.Marshal(values(t))
	if err != nil || !strings.Contains(string(line), `"mae":1,`) || !strings.Contains(string(line), `"values":[{"name":"price","r2":`) {
		t.Errorf("of values: %s, %v", line, err)
	}
}

// epochs is a log of 12 epochs.
func epochs() string {
	var b strings.Builder
	for i := range 12 {
		loss := math.Exp(-float64(i) / 4)
		fmt.Fprintf(&b, `{"epoch":%d,"step":%d,"loss":%.4g,"train_accuracy":%.4g,"validation_loss":%.4g,"validation_accuracy":null,"test_accuracy":%.4g,"learning_rate":%.4g,`+
			`"layers":[{"name":"Affine1","gradient_norm":%.3g,"dead":0},{"name":"ReLU1","gradient_norm":0,"dead":0.1}],"metrics":{"validation_f1":%.3g,"why":[]},"seconds":%.3g,"note":"a","beta":[1,{"c":2}],"extra_number":1}`+"\n",
			i+1, 600*(i+1), loss, 1-loss/2, loss+0.05*float64(i), 1-loss/2-0.01, 0.1/(1+float64(i)), loss, loss/3, 2+loss)
	}
	return b.String()
}

func TestReadLog(t *testing.T) {
	l, err := ReadLog(strings.NewReader(epochs()+`{"epoch":13,"loss":`), "log")
	if err != nil {
		t.Fatal(err)
	}
	if l.Entries != 12 || len(l.Curves) != 12 {
		t.Fatalf("%d entries with %d curves, want 12 with 12", l.Entries, len(l.Curves))
	}
	best, at := l.Find("validation_loss").Best()
	if at != 7 || best != 0.5231 {
		t.Errorf("the least validation loss is %v at epoch %v, want 0.5231 at 7", best, at)
	}
	if best, at := l.Find("test_accuracy").Best(); at != 12 || l.Find("test_accuracy").Last() != best {
		t.Errorf("the largest accuracy is %v at epoch %v, want the last", best, at)
	}
	var titles []string
	for _, f := range l.Figures() {
		if _, err := figure(f); err != nil {
			t.Error(err)
		}
		titles = append(titles, f.Name())
	}
	if got, want := strings.Join(titles, "; "), "Loss; Accuracy; Metrics of the classes; Learning rate; Gradient norm of each layer; Dead units of each ReLU layer; Time since the run began; extra number"; got != want {
		t.Errorf("figures %s, want %s", got, want)
	}
}

func TestWrongLogs(t *testing.T) {
	for _, test := range []struct{ name, log, want string }{
		{"no JSON", "{}\nloss 3\n", "log:2: it is not JSON"},
		{"no object", "[1]\n", "log:1: want a JSON object"},
		{"two objects", "{} {}\n", "log:1: more follows after its end"},
		{"layers that are none", `{"layers":[{"name":"a"},3]}` + "\n", "log:1: want a JSON object"},
		{"cut off within", `{"a":1` + "\n{}\n", "log:1: it is not JSON: unexpected EOF"},
		{"a key twice", `{"a":1,"a":2}` + "\n", "log:1: the key \"a\" occurs twice"},
		{"a long line", `{"a":"` + strings.Repeat("x", longestLine) + `"}` + "\n", "log:1: the line is longer"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := ReadLog(strings.NewReader(test.log), "log"); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error that says %q", err, test.want)
			}
		})
	}
	many := `{"metrics":{`
	for i := range mostCurves + 1 {
		many += fmt.Sprintf(`"%d":1,`, i)
	}
	if _, err := ReadLog(strings.NewReader(many+`"b":1}}`+"\n"), "log"); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("too many curves: %v", err)
	}
	if _, err := ReadLog(io.LimitReader(zeros{}, 1<<40), "log"); err == nil || !strings.Contains(err.Error(), "larger than a log may be") {
		t.Errorf("an endless log: %v", err)
	}
}

// zeros is an endless file.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// run writes the folder of a run.
func run(t *testing.T, name, config, log string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string]string{"config.json": config, "log.jsonl": log} {
		if text == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestRuns(t *testing.T) {
	a, err := ReadRun(run(t, "a", `{"seed":1,"optimizer":{"name":"sgd","lr":0.1},"layers":["x"],"note":"a\"b"}`, epochs()))
	if err != nil {
		t.Fatal(err)
	}
	b, err := ReadRun(run(t, "b", `{"seed":1,"optimizer":{"name":"adam","lr":0.1}}`, epochs()))
	if err != nil {
		t.Fatal(err)
	}
	want := []Setting{{"seed", "1"}, {"optimizer.name", "sgd"}, {"optimizer.lr", "0.1"}, {"layers", `["x"]`}, {"note", `a"b`}}
	if !reflect.DeepEqual(a.Config, want) {
		t.Errorf("configuration %v, want %v", a.Config, want)
	}
	if got := strings.Join(Differences([]*Run{a, b}), " "); got != "optimizer.name layers note" {
		t.Errorf("differences: %s", got)
	}
	name, err := Compared([]*Run{a, b})
	if err != nil || name != "validation_loss" {
		t.Errorf("compared by %s, %v", name, err)
	}
	if _, err := (Comparison{name, []*Run{a, b}}).Figure(); err != nil {
		t.Error(err)
	}
	empty, err := ReadRun(run(t, "empty", "{}", ""))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Compared([]*Run{a, empty}); err == nil {
		t.Error("a run without a log is compared")
	}
	if _, err := (Comparison{"loss", []*Run{empty}}).Figure(); err == nil {
		t.Error("a run without a log is drawn")
	}
}

func TestWrongRuns(t *testing.T) {
	for _, test := range []struct{ name, config, log, want string }{
		{"neither file", "", "", "is not the folder of a run"},
		{"a configuration that is no object", "3", "", "config.json: want a JSON object"},
		{"a configuration that is cut off", `{"a":`, "", "config.json: it is not JSON: unexpected EOF"},
		{"two configurations", `{} {}`, "", "config.json: more follows after its end"},
		{"a long name", `{"` + strings.Repeat("x", longestName+1) + `":1}`, "", "the name of a setting is longer"},
		{"a log that is none", `{}`, "loss\n", "log.jsonl:1: it is not JSON"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := ReadRun(run(t, "run", test.config, test.log)); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error that says %q", err, test.want)
			}
		})
	}
}

// page is a report with all sections, and names that HTML would act on.
func page(t *testing.T) *Page {
	t.Helper()
	r, err := ReadRun(run(t, "run", `{"seed":1,"note":"<script>alert(1)</script>"}`, epochs()))
	if err != nil {
		t.Fatal(err)
	}
	rng := train.Random(1, "weights")
	summary, err := nn.NewSequential[float32](nn.NewAffine[float32](784, 50, rng), nn.NewReLU[float32](), nn.NewAffine[float32](50, 10, rng)).Summary(784)
	if err != nil {
		t.Fatal(err)
	}
	named := classes(t, &data.Preparation{Columns: make([]data.Column, 784), Classes: []string{"<b>", "\x00", "two"}})
	named.Of = "Rows"
	return &Page{
		Title: "Run <i>1", Summary: []Setting{{"test accuracy", "0.9731"}, {"epochs", "12"}}, Log: r.Log,
		Evaluations: []*Evaluation{classes(t, nil), named, values(t)}, Network: &summary, Config: r.Config,
	}
}

func TestPage(t *testing.T) {
	p := page(t)
	var a, b bytes.Buffer
	for _, to := range []*bytes.Buffer{&a, &b} {
		if err := p.Write(to); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Error("the same page gives other bytes")
	}
	if *keep != "" {
		if err := os.WriteFile(*keep, a.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for _, never := range []string{"<script", "<i>1", "<b>", "src=", "url("} {
		if strings.Contains(a.String(), never) {
			t.Errorf("the page has %q", never)
		}
	}
	for _, want := range []string{"Confusion matrix", "worst mistakes", "Affine(784-&gt;50)", "&lt;script&gt;alert"} {
		if !strings.Contains(a.String(), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func TestFiguresAsFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "figures")
	p := &Page{Evaluations: page(t).Evaluations[:2]}
	if err := p.WriteFigures(dir); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"confusion-matrix.png", "confusion-matrix-2.svg", "the-worst-mistakes.svg"} {
		if !isFile(filepath.Join(dir, name)) {
			t.Errorf("there is no %s", name)
		}
	}
}

func TestPageOfNothing(t *testing.T) {
	var b bytes.Buffer
	if err := (&Page{Title: "Empty"}).Write(&b); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "<h2") {
		t.Error("a section without content")
	}
	if err := page(t).Write(full{}); !errors.Is(err, errFull) {
		t.Errorf("to a full disk: %v", err)
	}
}

type full struct{}

var errFull = errors.New("no space left")

func (full) Write([]byte) (int, error) { return 0, errFull }

// FuzzReadLog and FuzzSettings: any bytes are read or refused.
func FuzzReadLog(f *testing.F) {
	f.Add([]byte(epochs()))
	f.Add([]byte("{\"a\":{\"b\":{}}}\n[]\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		l, err := ReadLog(bytes.NewReader(text), "log")
		if err != nil {
			return
		}
		for _, c := range l.Curves {
			if len(c.Values) == 0 || len(c.Values) != len(c.Epochs) || len(c.Values) != len(c.Steps) {
				t.Fatalf("a curve of %d values, %d epochs and %d steps", len(c.Values), len(c.Epochs), len(c.Steps))
			}
			c.Best()
		}
		l.Figures()
	})
}

func FuzzSettings(f *testing.F) {
	f.Add([]byte(`{"a":{"b":[1,"c"]},"d":null}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		all, err := Settings(text)
		for _, s := range all {
			if err == nil && len(s.Name) > longestName {
				t.Fatalf("a name of %d bytes", len(s.Name))
			}
		}
	})
}
