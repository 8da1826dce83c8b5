//go:build unix

package main

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chainrule-go/chainrule/model"
	"github.com/chainrule-go/chainrule/train"
)

// run300 are the flags of a short run.
var run300 = []string{"--hidden", "8", "--optimizer", "momentum", "--steps", "300", "--save-every", "10", "--seed", "5"}

// whole returns the model of a short run that was never interrupted.
func wholeRun(t *testing.T) []byte {
	t.Helper()
	mnist(t)
	dir := filepath.Join(t.TempDir(), "whole")
	must(t, trainIn("--run", dir, run300...)...)
	return readFile(t, filepath.Join(dir, train.ModelFile))
}

// TestSignals: SIGTERM and SIGUSR1 at any moment, while data are read, in a step, in an
// evaluation and while a checkpoint is written, end a run with exit code 143 and lose
// nothing.
func TestSignals(t *testing.T) {
	want := wholeRun(t)
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGUSR1} {
		t.Run(s.String(), func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "run")
			flag, args := "--run", run300
			for _, wait := range []time.Duration{30, 100, 150, 250, 350, 500, 1 << 30} {
				cmd := exec.Command(os.Args[0], trainIn(flag, dir, args...)...)
				cmd.Env = append(os.Environ(), "CHAINRULE_TEST_MAIN=1")
				var stderr bytes.Buffer
				cmd.Stderr = &stderr
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				timer := time.AfterFunc(wait*time.Millisecond, func() { cmd.Process.Signal(s) })
				cmd.Wait()
				timer.Stop()
				code := cmd.ProcessState.ExitCode()
				if code == exitOK {
					break
				}
				if status := cmd.ProcessState.Sys().(syscall.WaitStatus); status.Signaled() && wait < 150 {
					continue // before the program was there to notice
				}
				if code != 143 || strings.Contains(stderr.String(), "goroutine") {
					t.Fatalf("exit code %d: %s", code, &stderr)
				}
				if _, err := os.Stat(filepath.Join(dir, train.ConfigFile)); err == nil {
					flag, args = "--resume", nil
				}
			}
			if !bytes.Equal(readFile(t, filepath.Join(dir, train.ModelFile)), want) {
				t.Error("the model is not that of a run that was never interrupted")
			}
		})
	}
}

// TestSecondSignal ends the program at once: here the first one waits for the end of a
// very long step. One that comes before the step begins waits for nothing, and the second one
// may then come too late; so it is tried several times.
func TestSecondSignal(t *testing.T) {
	mnist(t)
	var status syscall.WaitStatus
	for range 10 {
		if status = afterTwoSignals(t); status.Signaled() && status.Signal() == syscall.SIGTERM {
			return
		}
	}
	t.Errorf("it ends with the exit code %d, want the signal itself", status.ExitStatus())
}

// afterTwoSignals begins a run, sends it two signals, and returns how it ends.
func afterTwoSignals(t *testing.T) syscall.WaitStatus {
	dir := filepath.Join(t.TempDir(), "run")
	cmd := exec.Command(os.Args[0], trainIn("--run", dir, "--hidden", "1000", "--batch", "60000", "--steps", "2", "--threads", "1")...)
	cmd.Env = append(os.Environ(), "CHAINRULE_TEST_MAIN=1")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	r := bufio.NewReader(stderr)
	for log := filepath.Join(dir, train.LogFile); ; { // until the first step
		if _, err := os.Stat(log); err == nil {
			break
		}
		if err := cmd.Process.Signal(syscall.Signal(0)); err != nil || t.Context().Err() != nil {
			t.Fatalf("it ends before the first step: %v", err)
		}
		runtime.Gosched()
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for line := ""; !strings.Contains(line, "a second signal ends at once"); {
		if line, err = r.ReadString('\n'); err != nil {
			t.Fatalf("it ends: %v, %v", err, cmd.Wait())
		}
	}
	cmd.Process.Signal(syscall.SIGTERM)
	cmd.Wait()
	return cmd.ProcessState.Sys().(syscall.WaitStatus)
}

// TestTwoProcesses: the second one in a run is refused, also after the first is killed and
// a third has it.
func TestTwoProcesses(t *testing.T) {
	mnist(t)
	dir := filepath.Join(t.TempDir(), "run")
	flag, args := "--run", []string{"--hidden", "8", "--steps", "1000000", "--save-every", "100"}
	for range 2 {
		cmd, r, _, _ := startAndReadLine(t, trainIn(flag, dir, args...)...)
		go io.Copy(io.Discard, r)
		code, _, stderr := call(t, trainIn("--resume", dir)...)
		if code != exitFailure || !strings.Contains(stderr, "is under way") {
			t.Errorf("exit code %d: %s", code, stderr)
		}
		cmd.Process.Kill()
		cmd.Wait()
		flag, args = "--resume", nil
	}
}

// TestReproduce: the same bits, or what is different.
func TestReproduce(t *testing.T) {
	mnist(t)
	file := filepath.Join(t.TempDir(), "model.safetensors")
	must(t, "train", "--hidden", "6", "--steps", "130", "--batch", "500", "--threads", "1", "--out", file)
	if out := must(t, "reproduce", file, "--threads", "2"); !strings.HasPrefix(out, "the same bits: 4780 numbers after 130 steps") {
		t.Errorf("it says %q", out)
	}
	m, err := model.Load[float32](file)
	if err != nil {
		t.Fatal(err)
	}
	m.Net.Params()[0].Value.Data[17] += 0.5
	if err := m.Save(file); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := call(t, "reproduce", file); code != exitFailure || !strings.Contains(stderr, "the bits differ: 1 of 4780 numbers after 130 steps, first number 17 of Affine1.W") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	m.Training = bytes.Replace(m.Training, []byte(`"data_sha256":"`), []byte(`"data_sha256":"00`), 1)
	if err := m.Save(file); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := call(t, "reproduce", file); code != exitFailure || !strings.Contains(stderr, "the data are not those") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	if code, _, stderr := call(t, "reproduce", small(t)); code != exitFailure || !strings.Contains(stderr, "it does not say how it was trained") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}
