package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/chainrule-go/chainrule/nn"
)

// TestTrainEvalPredictInfo goes the way of a user, on a short training.
func TestTrainEvalPredictInfo(t *testing.T) {
	test := mnist(t)
	file := filepath.Join(t.TempDir(), "model.safetensors")
	stdout := must(t, "train", "--epochs", "2", "--json", "--out", file)
	epochs := lines[epochEvent](t, stdout)
	done := lines[doneEvent](t, stdout)[2]
	if len(epochs) != 3 || epochs[0].Step != 600 || epochs[1].Event != "epoch" {
		t.Errorf("epochs: %+v", epochs)
	}
	if done.Event != "done" || done.Steps != 1200 || done.Model != file || done.Seconds <= 0 ||
		done.TestAccuracy < 0.92 || done.TestAccuracy != epochs[1].TestAccuracy || done.TrainAccuracy != epochs[1].TrainAccuracy {
		t.Errorf("done: %+v after %+v", done, epochs)
	}

	var result struct {
		Accuracy, Loss number
		Samples        int
	}
	if err := json.Unmarshal([]byte(must(t, "eval", "--json", file)), &result); err != nil {
		t.Fatal(err)
	}
	if result.Accuracy != done.TestAccuracy || result.Samples != 10000 || !(result.Loss > 0.1 && result.Loss < 0.4) {
		t.Errorf("eval: %+v; training saw %+v", result, done)
	}
	if out := must(t, "eval", file); !strings.Contains(out, "on 10000 samples") {
		t.Errorf("eval: %s", out)
	}

	// The test images as an IDX file: the classes must be as often right.
	var b bytes.Buffer
	if _, err := test.Images.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	images := write(t, "t10k", b.Bytes())
	predicted := lines[prediction](t, must(t, "predict", "--json", file, images))
	right := 0
	for i, p := range predicted {
		if p.Class == int(test.Labels.Data[i]) {
			right++
		}
		var sum number
		for _, v := range p.Probabilities {
			sum += v
		}
		if p.Index != i || p.File != images || len(p.Probabilities) != 10 || sum < 0.9999 || sum > 1.0001 {
			t.Fatalf("prediction %d: %+v", i, p)
		}
	}
	if number(right)/10000 != result.Accuracy {
		t.Errorf("predict has %d right, eval an accuracy of %v", right, result.Accuracy)
	}

	if out := must(t, "info", file); !strings.Contains(out, "Affine(784->50)") || !strings.Contains(out, "39760") {
		t.Errorf("info:\n%s", out)
	}
	var summary nn.Summary
	if err := json.Unmarshal([]byte(must(t, "info", "--json", file)), &summary); err != nil || summary.Params != 39760 {
		t.Errorf("info --json: %+v, %v", summary, err)
	}

	t.Run("pictures", func(t *testing.T) { testPictures(t, file, test, predicted) })
}

// TestTrainSameBits: the same seed, the same file, on any number of threads.
func TestTrainSameBits(t *testing.T) {
	mnist(t)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	bits := func(args ...string) string {
		file := filepath.Join(t.TempDir(), "model.safetensors")
		must(t, append([]string{"train", "--steps", "20", "--hidden", "9,8", "--out", file}, args...)...)
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}
	want := bits("--threads", "1")
	for _, threads := range []string{"0", "2", "4"} {
		if bits("--threads", threads) != want {
			t.Errorf("--threads %s gives another file", threads)
		}
	}
	for _, args := range [][]string{
		{"--seed", "2"}, {"--lr", "0.2"}, {"--batch", "99"}, {"--optimizer", "nesterov"}, {"--weight-decay", "0.01"},
		{"--clip-norm", "0.1"}, {"--clip-value", "0.001"}, {"--schedule", "cosine warmup=25%"},
	} {
		if bits(args...) == want {
			t.Errorf("%v changes nothing", args)
		}
	}
}

// TestDiverged: a model that is worth nothing does not replace a good one.
func TestDiverged(t *testing.T) {
	mnist(t)
	file := write(t, "model.safetensors", []byte("the good one"))
	code, _, stderr := call(t, "train", "--lr", "1e30", "--steps", "50", "--force", "--out", file)
	if code != exitFailure || !strings.Contains(stderr, "smaller learning rate") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	if content, err := os.ReadFile(file); err != nil || string(content) != "the good one" {
		t.Errorf("the model file holds %q, %v", content, err)
	}
}

// TestUseless: a network that has learned nothing is told from one that has.
func TestUseless(t *testing.T) {
	mnist(t)
	file := filepath.Join(t.TempDir(), "model.safetensors")
	code, _, stderr := call(t, "train", "--lr", "10", "--steps", "600", "--out", file)
	if code != exitOK || !strings.Contains(stderr, "the model is of no use: its test accuracy is ") || !strings.Contains(stderr, "11.3 %") && !strings.Contains(stderr, "11.4 %") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	if code, _, stderr := call(t, "train", "--steps", "600", "--force", "--out", file); code != exitOK || strings.Contains(stderr, "of no use") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

// TestTrainKeeps: a model is replaced only with --force, and never by its own data.
func TestTrainKeeps(t *testing.T) {
	file := write(t, "model.safetensors", []byte("the good one"))
	if code, _, stderr := call(t, "train", "--out", file); code != exitFailure || !strings.Contains(stderr, "exists; --force replaces it") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	data := t.TempDir()
	image, link := filepath.Join(data, "images"), filepath.Join(t.TempDir(), "link")
	if err := os.WriteFile(image, []byte("an image"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(image, link); err != nil && runtime.GOOS == "windows" {
		t.Skip("links need a permission here: ", err)
	} else if err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := call(t, "train", "--force", "--data", data, "--out", link); code != exitUsage || !strings.Contains(stderr, "is the input") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}

// startAndReadLine starts the program as a process and waits for the first line
// of its results. out is what r reads from.
func startAndReadLine(t *testing.T, args ...string) (cmd *exec.Cmd, r *bufio.Reader, out io.Closer, stderr *bytes.Buffer) {
	t.Helper()
	cmd = exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), "CHAINRULE_TEST_MAIN=1")
	stderr = &bytes.Buffer{}
	cmd.Stderr = stderr
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r = bufio.NewReader(pipe)
	if _, err := r.ReadString('\n'); err != nil {
		t.Fatal(err, stderr)
	}
	return cmd, r, pipe, stderr
}

// TestInterrupt sends a real Ctrl-C to a real process after its first epoch.
func TestInterrupt(t *testing.T) {
	if runtime.GOOS == "windows" || runtime.GOOS == "js" {
		t.Skip("no interrupts to send on " + runtime.GOOS)
	}
	mnist(t)
	file := filepath.Join(t.TempDir(), "model.safetensors")
	cmd, r, _, stderr := startAndReadLine(t, "train", "--json", "--batch", "600", "--out", file)
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 130 {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	events := lines[doneEvent](t, string(rest))
	if last := events[len(events)-1]; last.Event != "interrupted" || last.Steps < 100 || last.Model != file || strings.Count(string(rest), `"train_accuracy":null,"test_accuracy":null`) != 1 {
		t.Errorf("last line: %+v", last)
	}
	if !strings.Contains(stderr.String(), "interrupted after step") || strings.Contains(stderr.String(), "goroutine") {
		t.Errorf("standard error: %s", stderr)
	}
	if out := must(t, "eval", file); !strings.HasPrefix(out, "accuracy 0.") {
		t.Errorf("the model so far: %s", out)
	}
}

// TestInterruptBeforeTraining: nothing was done, and nothing is saved.
func TestInterruptBeforeTraining(t *testing.T) {
	file := filepath.Join(t.TempDir(), "model.safetensors")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(signalError{os.Interrupt})
	for _, args := range [][]string{{"train", "--out", file}, {"check"}, {"experiment", "optimizers", "--out", file + ".svg"}} {
		if code := run(ctx, args, io.Discard, io.Discard); code != 130 {
			t.Errorf("%v: exit code %d", args, code)
		}
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("there is a model of no training")
	}
}

// TestBrokenPipe: the reader of the results leaves, and the training goes on to
// its end, for the sake of the model.
func TestBrokenPipe(t *testing.T) {
	if runtime.GOOS == "windows" || runtime.GOOS == "js" {
		t.Skip("no broken pipes on " + runtime.GOOS)
	}
	mnist(t)
	file := filepath.Join(t.TempDir(), "model.safetensors")
	cmd, _, out, stderr := startAndReadLine(t, "train", "--batch", "1000", "--epochs", "2", "--hidden", "8", "--out", file)
	out.Close()
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != exitFailure || !strings.Contains(stderr.String(), "writing the results") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	must(t, "info", file)
}
