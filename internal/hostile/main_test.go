package hostile

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"
)

var campaign = flag.Bool("campaign", false, "run the long forms")

// times is how often something is done: in short and in long.
func times(short, long int) int {
	if *campaign {
		return long
	}
	return short
}

var folder string // for the program, removed at the end

// TestMain lets this program play those that are killed.
func TestMain(m *testing.M) {
	if job := os.Getenv("HOSTILE_JOB"); job != "" {
		jobs[job]()
		os.Exit(0)
	}
	flag.Parse()
	// Package memlimit starts this program again, without the flag.
	const variable = "HOSTILE_CAMPAIGN"
	if *campaign {
		os.Setenv(variable, "1")
	}
	*campaign = os.Getenv(variable) != ""
	var err error
	if folder, err = os.MkdirTemp("", "hostile-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(folder)
	os.Exit(code)
}

// jobs are what this program does where it is the one to be killed.
var jobs = map[string]func(){"launch": launchAll}

var build = sync.OnceValues(func() (string, error) {
	path := filepath.Join(folder, "chainrule")
	out, err := exec.Command("go", "build", "-o", path, "../../cmd/chainrule").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("building the command: %w\n%s", err, out)
	}
	return path, nil
})

// program returns the command, built.
func program(t *testing.T) string {
	t.Helper()
	path, err := build()
	if err != nil && errors.Is(err, exec.ErrNotFound) && os.Getenv("CI") == "" {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	return path
}

// An outcome is how a run of the command ended.
type outcome struct {
	Code           int // -1: by a signal
	State          string
	Stdout, Stderr string // at most 1 MB of each
	Memory         int64  // bytes, the most that were in use; 0 where that is not known
	Late           bool   // it had to be interrupted
}

type order struct {
	Args     []string
	Patience time.Duration
}

// A launcher is a process that starts the command. What a process has used of memory
// counts to begin with what its parent used, so the parent is one that uses little.
type launcher struct {
	sync.Mutex
	orders   *json.Encoder
	outcomes *json.Decoder
}

var launch = sync.OnceValues(func() (*launcher, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), "HOSTILE_JOB=launch")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	return &launcher{orders: json.NewEncoder(in), outcomes: json.NewDecoder(out)}, cmd.Start()
})

// launchAll is the launcher: it ends with its input.
func launchAll() {
	if err := limit(); err != nil {
		panic(err)
	}
	orders, outcomes := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var o order
		if err := orders.Decode(&o); err != nil {
			return
		}
		if err := outcomes.Encode(o.run()); err != nil {
			panic(err)
		}
	}
}

// run runs the command, interrupts it after the patience, and kills it 20 s later.
func (o order) run() (r outcome) {
	ctx, cancel := context.WithTimeout(context.Background(), o.Patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, o.Args[0], o.Args[1:]...)
	cmd.Env = append(os.Environ(), "HOSTILE_JOB=", "GOMEMLIMIT=64MiB")
	cmd.Cancel = func() error { r.Late = true; return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 20 * time.Second
	var stdout, stderr beginning
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	r.Code, r.Stdout, r.Stderr = -1, string(stdout), string(stderr)
	if cmd.ProcessState == nil {
		r.State = err.Error()
		return r
	}
	r.Code, r.State, r.Memory = cmd.ProcessState.ExitCode(), cmd.ProcessState.String(), memoryOf(cmd.ProcessState)
	return r
}

// beginning keeps the first MB of what is written.
type beginning []byte

func (b *beginning) Write(p []byte) (int, error) {
	*b = append(*b, p[:min(len(p), 1<<20-len(*b))]...)
	return len(p), nil
}

// attack runs the command with bounded memory. Whatever the arguments, it must end by
// itself or by one interrupt, and say what is wrong in short.
func attack(t *testing.T, patience time.Duration, args ...string) outcome {
	t.Helper()
	command := program(t)
	l, err := launch()
	if err != nil {
		t.Fatal(err)
	}
	var o outcome
	l.Lock()
	err = errors.Join(l.orders.Encode(order{append([]string{command}, args...), patience}), l.outcomes.Decode(&o))
	l.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	trouble := ""
	switch {
	case o.Code < 0:
		trouble = "it ended by " + o.State
	case o.Code != 0 && o.Code != 1 && o.Code != 2 && !(o.Code == 130 && o.Late):
		trouble = "it ended by " + o.State
	case strings.Contains(o.Stderr, "goroutine ") || strings.Contains(o.Stderr, "runtime error"):
		trouble = "a stack trace"
	case o.Code != 0 && o.Code != 130 && o.Stderr == "":
		trouble = "a failure without a word"
	case len(o.Stderr) > 4000:
		trouble = fmt.Sprint("a message of ", len(o.Stderr), " bytes")
	case strings.ContainsFunc(o.Stderr, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }):
		trouble = "a message that a terminal acts on"
	}
	if trouble != "" {
		t.Errorf("chainrule %.200q: %s\n%.2000s", args, trouble, o.Stderr)
	}
	return o
}

// put writes a file into a fresh folder.
func put(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
