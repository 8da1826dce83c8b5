//go:build unix

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// openTerminal returns both ends of a terminal of so many columns.
func openTerminal(t *testing.T, columns int) (master, terminal *os.File) {
	t.Helper()
	master, terminal, err := pty.Open()
	if err != nil && os.Getenv("CI") != "" {
		t.Fatal(err)
	} else if err != nil {
		t.Skip("no terminal to be had: ", err)
	}
	t.Cleanup(func() { master.Close(); terminal.Close() })
	if err := pty.Setsize(terminal, &pty.Winsize{Rows: 24, Cols: uint16(columns)}); err != nil {
		t.Fatal(err)
	}
	return master, terminal
}

// onTerminal runs the program as a process whose standard error is a terminal of
// so many columns, and its standard output too unless stdout is a file or a pipe.
// It returns what the terminal was sent. interrupt, if not "", is what has to
// appear before Ctrl-C is sent.
func onTerminal(t *testing.T, columns int, term string, stdout *os.File, interrupt string, args ...string) (sent string, code int) {
	t.Helper()
	master, terminal := openTerminal(t, columns)
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), "CHAINRULE_TEST_MAIN=1", "TERM="+term)
	cmd.Dir = t.TempDir()
	cmd.Stdout, cmd.Stderr = terminal, terminal
	if stdout != nil {
		cmd.Stdout = stdout
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var all bytes.Buffer
	read := make(chan error, 1)
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := master.Read(buf)
			all.Write(buf[:n])
			if interrupt != "" && strings.Contains(all.String(), interrupt) {
				interrupt = ""
				cmd.Process.Signal(os.Interrupt)
			}
			if err != nil || bytes.HasSuffix(all.Bytes(), []byte(endOfTest)) {
				read <- err
				return
			}
		}
	}()
	cmd.Wait()
	// The terminal stays open, so that nothing of what was sent is lost.
	io.WriteString(terminal, endOfTest)
	select {
	case <-read:
	case <-time.After(time.Minute):
		t.Fatal("the terminal says nothing")
	}
	return strings.TrimSuffix(all.String(), endOfTest), cmd.ProcessState.ExitCode()
}

const endOfTest = "\x04end of test"

// screenOf is what a terminal of so many columns shows, line by line, and the most
// lines it had in use at once.
func screenOf(sent string, columns int) (lines []string) {
	var rows [][]rune
	row, column := 0, 0
	for _, r := range sent {
		switch r {
		case '\r':
			column = 0
		case '\n':
			row++
		default:
			if column == columns { // it wraps when the next letter comes
				row, column = row+1, 0
			}
			for len(rows) <= row {
				rows = append(rows, nil)
			}
			for len(rows[row]) <= column {
				rows[row] = append(rows[row], ' ')
			}
			rows[row][column] = r
			column++
		}
	}
	for _, r := range rows {
		lines = append(lines, strings.TrimRight(string(r), " "))
	}
	return lines
}

// TestScreenOf: the terminal of the tests shows a broken line where a true one
// does.
func TestScreenOf(t *testing.T) {
	for _, test := range []struct {
		sent string
		want []string
	}{
		{"bar\r   \rline\r\n", []string{"line"}},
		{"barline\r\n", []string{"barli", "ne"}},
		{"12345\r     \rx", []string{"x"}},
		{"123456\r      \rx", []string{"12345", "", "x"}},
	} {
		if got := screenOf(test.sent, 5); fmt.Sprintf("%q", got) != fmt.Sprintf("%q", test.want) {
			t.Errorf("%q shows %q, want %q", test.sent, got, test.want)
		}
	}
}

// TestBarWidth: no refresh of the bar leaves anything behind, at any width.
func TestBarWidth(t *testing.T) {
	mnist(t)
	for _, columns := range []int{20, 40, 80, 100, 200} {
		t.Run(fmt.Sprint(columns), func(t *testing.T) {
			results, err := os.Create(filepath.Join(t.TempDir(), "results"))
			if err != nil {
				t.Fatal(err)
			}
			defer results.Close()
			sent, code := onTerminal(t, columns, "xterm", results, "", "train", "--json", "--steps", "6000", "--batch", "10")
			sent = strings.TrimPrefix(sent, sent[:strings.LastIndex(sent, "\n")+1]) // where MNIST is from
			if code != exitOK || strings.Count(sent, "training") < 2 {
				t.Errorf("exit code %d, and no bar: %q", code, sent)
			}
			if left := screenOf(sent, columns); strings.Join(left, "") != "" || len(left) > 1 {
				t.Errorf("left on the screen: %q", left)
			}
		})
	}
}

// TestBarCut: whatever the bar writes, its line leaves room for the ^C behind it.
func TestBarCut(t *testing.T) {
	for columns := 20; columns <= 200; columns++ {
		var sent bytes.Buffer
		s := &screen{bar: &sent, width: func() int { return columns }}
		a := &app{stderr: s.writer(&sent), screen: s}
		p := a.newProgress(1e6, "training", "steps")
		for _, n := range []int{0, 1, 4e5, 999_999} {
			p.bar.RenderBlank() // at once, where set is throttled
			p.set(n)
		}
		for _, line := range strings.Split(sent.String(), "\r") {
			if n := len([]rune(line)); n > columns-room && strings.TrimSpace(line) != "" {
				t.Errorf("%d columns of %d: %q", n, columns, line)
			}
		}
	}
}

// TestBarLines: every line of results and messages stands by itself.
func TestBarLines(t *testing.T) {
	mnist(t)
	t.Run("results on the terminal", func(t *testing.T) {
		sent, code := onTerminal(t, 200, "xterm", nil, "", "train", "--json", "--epochs", "3", "--batch", "20", "--hidden", "4")
		if code != exitOK || !strings.Contains(sent, "training") {
			t.Fatalf("exit code %d: %q", code, sent)
		}
		for _, line := range screenOf(sent, 200) {
			if !strings.HasPrefix(line, "{") && !strings.HasPrefix(line, "MNIST from ") && line != "" {
				t.Errorf("a broken line: %q", line)
			}
		}
	})
	t.Run("Ctrl-C", func(t *testing.T) {
		sent, code := onTerminal(t, 200, "xterm", nil, "epoch     1", "train", "--steps", "1000000", "--hidden", "4")
		if code != 130 {
			t.Fatalf("exit code %d: %q", code, sent)
		}
		found := 0
		for _, line := range screenOf(sent, 200) {
			switch {
			case line == "stopping; a second signal ends at once, without saving", strings.HasPrefix(line, "interrupted after step "):
				found++
			case line != "" && !strings.HasPrefix(line, "MNIST from ") && !strings.HasPrefix(line, "epoch "):
				t.Errorf("a broken line: %q", line)
			}
		}
		if found != 2 {
			t.Errorf("%d of 2 messages in %q", found, sent)
		}
	})
	t.Run("results to another program", func(t *testing.T) {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		go io.Copy(io.Discard, r)
		sent, _ := onTerminal(t, 80, "xterm", w, "", "train", "--json", "--steps", "100")
		w.Close()
		if strings.Contains(sent, "|") || !strings.Contains(sent, "training: 50 of 100\r\n") {
			t.Errorf("want plain lines, got %q", sent)
		}
	})
	t.Run("a dumb terminal", func(t *testing.T) {
		sent, _ := onTerminal(t, 80, "dumb", nil, "", "train", "--steps", "600")
		if strings.Contains(strings.ReplaceAll(sent, "\r\n", ""), "\r") || strings.Contains(sent, "|") || !strings.Contains(sent, "epoch     1") {
			t.Errorf("want plain lines, got %q", sent)
		}
	})
	t.Run("check", func(t *testing.T) {
		sent, code := onTerminal(t, 80, "xterm", nil, "checking", "check")
		if code != 130 {
			t.Errorf("exit code %d: %q", code, sent)
		}
	})
	t.Run("no terminal", func(t *testing.T) {
		_, stdout, stderr := call(t, "train", "--steps", "600", "--out", filepath.Join(t.TempDir(), "m"))
		if strings.Contains(stdout+stderr, "\r") || strings.Contains(stderr, "training") {
			t.Errorf("got %q, %q", stdout, stderr)
		}
	})
}

// TestTerminal: what is not for reading does not go to a terminal, and what is
// there to be read is explained.
func TestTerminal(t *testing.T) {
	_, terminal := openTerminal(t, 80)
	on := func(t *testing.T, want int, args ...string) (stderr string) {
		t.Helper()
		var e bytes.Buffer
		if code := run(t.Context(), args, terminal, &e); code != want {
			t.Errorf("%v: exit code %d: %s", args, code, &e)
		}
		return e.String()
	}
	for _, format := range []string{"svg", "png", "html"} {
		t.Run(format, func(t *testing.T) {
			t.Chdir(t.TempDir())
			file := "apples." + format
			if stderr := on(t, exitOK, "graph", "apples", "--format", format); stderr != "drawn to "+file+"\n" {
				t.Errorf("got %q", stderr)
			}
			drawn, err := os.ReadFile(file)
			if err != nil || string(drawn) != must(t, "graph", "apples", "--format", format) {
				t.Errorf("the file is not the drawing: %v", err)
			}
			if stderr := on(t, exitFailure, "graph", "apples", "--format", format); !strings.Contains(stderr, "-o "+file+" replaces it") {
				t.Errorf("got %q", stderr)
			}
			on(t, exitOK, "graph", "apples", "-o", file)
		})
	}
	t.Run("text", func(t *testing.T) {
		folder := t.TempDir()
		t.Chdir(folder)
		for _, format := range []string{"dot", "json"} {
			on(t, exitOK, "graph", "apples", "--format", format)
		}
		if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
			t.Errorf("left behind: %v, %v", left, err)
		}
	})
	t.Run("predict", func(t *testing.T) {
		sent, code := onTerminal(t, 80, "xterm", nil, "", "predict", small(t), write(t, "a.csv", []byte("1,2,3,4\n")), write(t, "b.csv", []byte("1,2,3,4\n")))
		if lines := strings.Split(sent, "\r\n"); code != exitOK || lines[0] != "file\tsample\tclass\tprobability" || len(lines) != 4 {
			t.Errorf("exit code %d: %q", code, sent)
		}
	})
}

// TestClosedOutput: results for a closed standard output are an error; results
// that are not wanted are none.
func TestClosedOutput(t *testing.T) {
	shell := func(line string) (stderr string, err error) {
		var e bytes.Buffer
		cmd := exec.Command("sh", "-c", line, "sh", os.Args[0])
		cmd.Env = append(os.Environ(), "CHAINRULE_TEST_MAIN=1")
		cmd.Stderr = &e
		return e.String(), cmd.Run()
	}
	for _, command := range []string{"version", "--help", "graph apples", "info " + small(t)} {
		_, err := shell(`"$1" ` + command + ` >&-`)
		if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != exitFailure {
			t.Errorf("%s >&-: %v", command, err)
		}
		if _, err := shell(`"$1" ` + command + ` >/dev/null`); err != nil {
			t.Errorf("%s >/dev/null: %v", command, err)
		}
	}
	mnist(t)
	file := filepath.Join(t.TempDir(), "m")
	if stderr, err := shell(`"$1" train --steps 1 --out ` + file + ` >&-`); err != nil {
		t.Errorf("train, whose result is a file: %v: %s", err, stderr)
	}
}

// TestPipeWithoutReader: it is refused before the work begins, and one Ctrl-C ends a wait
// for a reader that has gone.
func TestPipeWithoutReader(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := unix.Mkfifo(pipe, 0o666); err != nil {
		t.Fatal(err)
	}
	// Whoever still waits at the end gets its reader and leaves.
	defer func() {
		if f, err := os.OpenFile(pipe, os.O_RDONLY|unix.O_NONBLOCK, 0); err == nil {
			f.Close()
		}
	}()
	t.Run("writing", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := writeFile(ctx, pipe, func(io.Writer) error { return nil }); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("training", func(t *testing.T) {
		code, stdout, stderr := call(t, "train", "--out", pipe)
		if code != exitFailure || stdout != "" || !strings.Contains(stderr, "it is a pipe that no program reads") {
			t.Errorf("exit code %d: %s%s", code, stdout, stderr)
		}
	})
}
