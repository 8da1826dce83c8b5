package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chainrule-go/chainrule/train"
)

// TestManyEpochs: of many short epochs few are printed, the first and the last among them;
// the log and --json have all.
func TestManyEpochs(t *testing.T) {
	table, dir := skewedTable(t), filepath.Join(t.TempDir(), "run")
	args := []string{"train", "--data", table, "--label", "kind", "--batch", "160", "--steps", "400", "--hidden", "3"}
	out := must(t, append(args, "--run", dir)...)
	printed := strings.Count(out, "epoch ")
	if printed < 20 || printed > 200 || !strings.HasPrefix(out, "epoch     1 ") || !strings.Contains(out, "\nepoch   400 ") {
		t.Errorf("%d of 400 epochs are printed:\n%s", printed, out)
	}
	if n := bytes.Count(readFile(t, filepath.Join(dir, train.LogFile)), []byte("\n")); n != 400 {
		t.Errorf("the log has %d of 400 epochs", n)
	}
	if n := len(lines[epochEvent](t, must(t, append(args, "--json", "--out", filepath.Join(t.TempDir(), "m"))...))); n != 401 {
		t.Errorf("as JSON it prints %d lines, want 400 epochs and the end", n)
	}
}

// TestUselessBySkew: what helps where a network names the most frequent class alone.
func TestUselessBySkew(t *testing.T) {
	args := []string{"train", "--data", skewedTable(t), "--label", "kind", "--steps", "2"}
	code, _, stderr := call(t, append(args, "--out", filepath.Join(t.TempDir(), "m"))...)
	if code != exitOK || !strings.Contains(stderr, "is of no use") || !strings.Contains(stderr, "try --class-weights balanced, for its classes are skewed") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	code, _, stderr = call(t, append(args, "--class-weights", "rare=0.01", "--out", filepath.Join(t.TempDir(), "m"))...)
	if code != exitOK || !strings.Contains(stderr, "its mean recall of the test set is 50.0 %, and naming the same class each time gives 50.0 %; try another --lr") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}
