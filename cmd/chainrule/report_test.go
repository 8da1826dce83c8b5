package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/model"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/train"
)

// runDir writes the folder of a run, as train --run does.
func runDir(t *testing.T, parent, name, optimizer string, losses ...float64) string {
	t.Helper()
	dir := filepath.Join(parent, name)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	for i, loss := range losses {
		fmt.Fprintf(&log, `{"epoch":%d,"step":%d,"loss":%v,"validation_loss":%v,"test_accuracy":%v,"seconds":%d}`+"\n", i+1, 10*(i+1), loss, loss, math.Exp(-loss), i)
	}
	files := map[string]string{"config.json": `{"seed":1,"optimizer":"` + optimizer + `"}`, "log.jsonl": log.String()}
	for file, text := range files {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// samplesOfSmall are samples for the model of small.
const samplesOfSmall = "a,b,c,d,class\n1,0,0,0,0\n0,1,0,0,1\n0,0,1,0,2\n0,0,0,1,2\n"

func TestReportOfAModel(t *testing.T) {
	dir := t.TempDir()
	samples, out := write(t, "own.csv", []byte(samplesOfSmall)), filepath.Join(dir, "report.html")
	stdout := must(t, "report", small(t), "--data", samples, "--out", out, "--figures", dir)
	if _, err := os.Stat(filepath.Join(dir, "confusion-matrix.png")); err != nil {
		t.Error(err)
	}
	if !strings.Contains(stdout, "the report is in") {
		t.Errorf("said %q", stdout)
	}
	page, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Report of small.safetensors", "own.csv: 4 samples", "Confusion matrix", "worst mistakes", "Affine(4-&gt;3)"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(string(page), `id="training"`) {
		t.Error("the page has curves of a model without a log")
	}
}

func TestReportOfManyClasses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "many.safetensors")
	if err := model.Save(path, nn.NewSequential(nn.NewAffine[float32](1, mostReported+1, train.Random(1, "weights"))), 1); err != nil {
		t.Fatal(err)
	}
	code, _, stderr := call(t, "eval", path, "--report", "--data", write(t, "own.csv", []byte("1,0\n")))
	if code != exitFailure || !strings.Contains(stderr, "tells 1001 classes apart, and a report is of at most 1000") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

// TestReportOfOwnData: the test and validation sets are those of the training, found again
// by what the run records.
func TestReportOfOwnData(t *testing.T) {
	var table strings.Builder
	table.WriteString("width,height,kind\n")
	for i := range 60 {
		fmt.Fprintf(&table, "%d,%d,%s\n", i%7+10*(i%2), i%5, []string{"low", "high"}[i%2])
	}
	samples, dir := write(t, "own.csv", []byte(table.String())), filepath.Join(t.TempDir(), "run")
	must(t, "train", "--data", samples, "--label", "kind", "--validation", "0.2", "--epochs", "3", "--batch", "10", "--hidden", "4", "--run", dir)
	must(t, "report", dir)
	page, err := os.ReadFile(filepath.Join(dir, "report.html"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Test set: 12 samples", "Validation set: 12 samples", "Metrics of the classes", "<td>low</td>"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	// A model file names them too, and so may a stranger's: it says what is read.
	code, _, stderr := call(t, "report", filepath.Join(dir, train.ModelFile), "--out", filepath.Join(t.TempDir(), "report.html"))
	if want := "model.safetensors are read from " + quoted(samples); code != exitOK || !strings.Contains(stderr, want) {
		t.Errorf("exit code %d: %s\nwant %s", code, stderr, want)
	}
	// With other data in their place there are no metrics, and it says why.
	if err := os.WriteFile(samples, []byte(table.String()+"1,1,low\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := call(t, "report", dir); code != exitOK || !strings.Contains(stderr, "the report has no metrics: the data are not those that") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

// TestReportOfARun: while it has no model yet, and with one.
func TestReportOfARun(t *testing.T) {
	dir := runDir(t, t.TempDir(), "first", "sgd", 2, 1, 1.5)
	must(t, "report", dir)
	out := filepath.Join(dir, "report.html")
	page, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`id="training"`, "Report of first", "best validation loss", "1.0000, epoch 2", "optimizer"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	content, err := os.ReadFile(small(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "best.safetensors"), content, 0o666); err != nil {
		t.Fatal(err)
	}
	var event struct {
		Out         string
		Evaluations []struct{ Samples int }
	}
	line := must(t, "report", dir, "--json", "--data", write(t, "own.csv", []byte(samplesOfSmall)))
	if err := json.Unmarshal([]byte(line), &event); err != nil || event.Out != out || len(event.Evaluations) != 1 || event.Evaluations[0].Samples != 4 {
		t.Errorf("%s: %+v, %v", line, event, err)
	}
	// Without samples that fit, it does without metrics, and says so.
	if code, _, stderr := call(t, "report", dir); code != exitOK || !strings.Contains(stderr, "has no metrics") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

func TestEvalReport(t *testing.T) {
	m, samples := small(t), write(t, "own.csv", []byte(samplesOfSmall))
	text := must(t, "eval", m, "--data", samples, "--report")
	for _, want := range []string{"class  samples  precision  recall", `true \ predicted`, "mean ROC AUC"} {
		if !strings.Contains(text, want) {
			t.Errorf("the text lacks %q:\n%s", want, text)
		}
	}
	var plain struct{ Accuracy, Loss float64 }
	var detailed struct {
		Metrics   map[string]float64
		Confusion [][]int
	}
	for out, args := range map[any][]string{&plain: {}, &detailed: {"--report"}} {
		line := must(t, append([]string{"eval", m, "--data", samples, "--json"}, args...)...)
		if err := json.Unmarshal([]byte(line), out); err != nil {
			t.Fatal(err)
		}
	}
	if detailed.Metrics["accuracy"] != plain.Accuracy || detailed.Metrics["loss"] != plain.Loss || len(detailed.Confusion) != 3 {
		t.Errorf("eval says %+v, and with --report %+v", plain, detailed)
	}
}

// stopping are samples whose evaluation is cancelled as it begins.
type stopping struct {
	data.Set[float32]
	cancel context.CancelFunc
}

func (s stopping) Gather(x []float32, labels []int, values []float32, samples []int) {
	s.cancel()
	s.Set.Gather(x, labels, values, samples)
}

// TestCancelledReport: there is none without an error, and what is still under way writes
// nothing that is in use, as the race detector sees.
func TestCancelledReport(t *testing.T) {
	c, err := loadClassifier(t.Context(), small(t))
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		if e, err := c.report(ctx, stopping{randomSamples[float32](c, 10, 1), cancel}); e != nil || !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, %v", e, err)
		}
		synctest.Wait()
	})
}

func TestRunsAreCompared(t *testing.T) {
	parent := t.TempDir()
	runDir(t, parent, "a", "sgd", 2, 1, 1.5)
	b := runDir(t, parent, "b", "adam", 2, 0.5)
	runDir(t, parent, "c", "adam")
	if err := os.WriteFile(filepath.Join(b, "model.safetensors"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	plotted := filepath.Join(t.TempDir(), "runs.svg")
	table := strings.Split(must(t, "runs", parent, "--metric", "validation_loss"), "\n")
	for i, want := range []string{"best validation loss", "/b ", "/a ", "/c "} {
		if !strings.Contains(table[i], want) {
			t.Errorf("line %d of the table lacks %q: %s", i+1, want, table[i])
		}
	}
	if !strings.Contains(table[1], "finished") || strings.Contains(table[1], "unfinished") || !strings.Contains(table[2], "unfinished") || !strings.Contains(table[2], "sgd") {
		t.Errorf("the table is\n%s", strings.Join(table, "\n"))
	}
	must(t, "runs", filepath.Join(parent, "a"), b, "--plot", plotted)
	drawing, err := os.ReadFile(plotted)
	if err != nil || !strings.Contains(string(drawing), "validation loss of 2 runs") {
		t.Errorf("the plot: %v", err)
	}
	var best []string
	for line := range strings.Lines(must(t, "runs", parent, "--json", "--metric", "test_accuracy")) {
		var l struct {
			Run  string
			Best *float64
		}
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatal(err)
		}
		best = append(best, filepath.Base(l.Run))
	}
	if got := strings.Join(best, " "); got != "b a c" {
		t.Errorf("by accuracy: %s, want b a c", got)
	}
}

func TestReportsThatCannotBe(t *testing.T) {
	empty := t.TempDir()
	a := runDir(t, t.TempDir(), "a", "sgd", 1)
	for _, test := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"no run", []string{"report", empty}, exitFailure, "is not the folder of a run"},
		{"no file", []string{"report", filepath.Join(empty, "none")}, exitFailure, "there is no file"},
		{"a report over the model", []string{"report", filepath.Join(a, "config.json"), "--out", filepath.Join(a, "config.json")}, exitUsage, "which it would replace"},
		{"a report over the log of its run", []string{"report", a, "--out", filepath.Join(a, "log.jsonl")}, exitUsage, "which it would replace"},
		{"runs of nothing", []string{"runs"}, exitUsage, "want one folder or more"},
		{"runs of a folder without any", []string{"runs", empty}, exitFailure, "and holds none"},
		{"runs of no folder", []string{"runs", filepath.Join(empty, "none")}, exitFailure, "there is no folder"},
		{"a metric that no log has", []string{"runs", a, "--metric", "luck"}, exitFailure, "no log has the number luck; they have loss, seconds, test_accuracy, validation_loss"},
		{"a plot of no format", []string{"runs", a, "--plot", filepath.Join(empty, "a.gif")}, exitUsage, "ends in .svg or .png"},
		{"a plot without curves", []string{"runs", runDir(t, t.TempDir(), "c", "sgd"), "--plot", filepath.Join(empty, "a.svg")}, exitFailure, "no curve in common"},
	} {
		t.Run(test.name, func(t *testing.T) {
			code, _, stderr := call(t, test.args...)
			if code != test.code || !strings.Contains(stderr, test.want) {
				t.Errorf("exit code %d, want %d; it says %q, want %q", code, test.code, stderr, test.want)
			}
		})
	}
}
