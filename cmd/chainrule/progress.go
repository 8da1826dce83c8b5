package main

import (
	"bytes"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/rivo/uniseg"
	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// A screen keeps the lines of a terminal apart from the progress bar on its last
// line: what is printed takes the bar's place, and the bar moves below it.
type screen struct {
	mu     sync.Mutex
	bar    io.Writer  // where a bar goes; nil if there can be none
	width  func() int // the terminal's columns
	last   string     // the bar as it was last; "" if there is none
	shown  bool       // whether it is on the last line
	closed bool
}

// newScreen returns the screen that standard error is.
func newScreen(stderr io.Writer) *screen {
	s := &screen{width: func() int { return 0 }}
	if !isTerminal(stderr) {
		return s
	}
	s.bar = stderr
	fd := int(stderr.(*os.File).Fd())
	s.width = func() int {
		width, _, err := term.GetSize(fd)
		if err != nil || width <= 0 {
			return 80
		}
		return width
	}
	return s
}

// writer returns w, whose lines the bar makes room for.
func (s *screen) writer(w io.Writer) io.Writer { return lineWriter{s, w} }

type lineWriter struct {
	*screen
	w io.Writer
}

func (l lineWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return len(p), nil // of work that was given up, when the program is at its end
	}
	l.clear()
	n, err := l.w.Write(p)
	if bytes.HasSuffix(p, []byte("\n")) {
		l.show()
	}
	return n, err
}

// show puts the bar back. The caller holds the lock.
func (s *screen) show() {
	if s.last != "" && !s.closed {
		io.WriteString(s.bar, "\r"+cut(s.last, s.width()-room))
		s.shown = true
	}
}

// clear takes the bar away. The caller holds the lock.
func (s *screen) clear() {
	if s.shown {
		io.WriteString(s.bar, "\r"+strings.Repeat(" ", max(s.width()-1, 0))+"\r")
		s.shown = false
	}
}

// noBar takes the bar away until it is set again.
func (s *screen) noBar() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear()
	s.last = ""
}

// close takes the bar away for good. Nothing is printed after it.
func (s *screen) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear()
	s.closed = true
}

// room is how many columns of a line stay free of the bar. A line as wide as the
// terminal would wrap, out of reach of the next carriage return, and so would
// the ^C that a terminal shows behind it.
const room = 3

// barWriter is where the bar goes.
type barWriter struct{ *screen }

func (b barWriter) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return len(p), nil
	}
	lines := strings.Split(string(p), "\r")
	b.last = ""
	for i, line := range lines {
		lines[i] = cut(line, b.width()-room)
		if strings.TrimSpace(line) != "" {
			b.last = line
		}
	}
	b.shown = true
	if _, err := io.WriteString(b.bar, strings.Join(lines, "\r")); err != nil {
		return 0, err
	}
	return len(p), nil
}

// cut returns the beginning of line that fits into the columns of a terminal.
func cut(line string, columns int) string {
	if uniseg.StringWidth(line) <= columns {
		return line
	}
	var b strings.Builder
	for g := uniseg.NewGraphemes(line); g.Next(); b.WriteString(g.Str()) {
		if columns -= g.Width(); columns < 0 {
			break
		}
	}
	return b.String()
}

// progress is how far work has come: a bar on the terminal that standard error
// is; ten plain lines if that terminal has no bars, or if another program that
// reads the results may print there; else nothing, for the results tell enough.
type progress struct {
	app   *app
	bar   *progressbar.ProgressBar
	what  string
	total int
	done  int
	lines bool
}

// newProgress shows the progress of what, in a total of steps; unit is what their
// rate is told in, "" for no rate.
func (a *app) newProgress(total int, what, unit string) *progress {
	p := &progress{app: a, what: what, total: total}
	switch {
	case a.screen.bar == nil:
	case a.piped:
		p.lines = true
	case os.Getenv("TERM") == "dumb":
		p.lines = !a.terminal
	default:
		width := a.screen.width()
		p.bar = progressbar.NewOptions(total,
			progressbar.OptionSetWriter(barWriter{a.screen}),
			progressbar.OptionSetDescription(what),
			progressbar.OptionSetWidth(min(30, max(width-room-len(what)-9, 1))),
			progressbar.OptionThrottle(100*time.Millisecond),
			progressbar.OptionClearOnFinish(),
			progressbar.OptionSetPredictTime(width >= 100),
			progressbar.OptionSetElapsedTime(width >= 100),
			progressbar.OptionUseANSICodes(false),
		)
		if width >= 80 {
			progressbar.OptionShowCount()(p.bar)
			if unit != "" {
				progressbar.OptionShowIts()(p.bar)
				progressbar.OptionSetItsString(unit)(p.bar)
			}
		}
		p.bar.RenderBlank()
	}
	return p
}

// set says that n of the total are done.
func (p *progress) set(n int) {
	if p.bar != nil {
		p.bar.Set(n)
	}
	if tenth := func(n int) int { return 10 * n / max(p.total, 1) }; p.lines && tenth(n) > tenth(p.done) {
		p.app.logf("%s: %d of %d", p.what, n, p.total)
	}
	p.done = n
}

// step says that one more is done.
func (p *progress) step() { p.set(p.done + 1) }

// end takes the bar away.
func (p *progress) end() { p.app.screen.noBar() }
