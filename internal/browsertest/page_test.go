package browsertest_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/chainrule-go/chainrule/graph"
	"github.com/chainrule-go/chainrule/internal/draw"
)

// browser starts Chromium, or skips the test where there is none.
func browser(t *testing.T) context.Context {
	t.Helper()
	var path string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		const why = "no Chromium in the PATH: apt-get install chromium"
		if os.Getenv("CI") != "" {
			t.Fatal(why)
		}
		t.Skip(why)
	}
	allocator, cancel := chromedp.NewExecAllocator(t.Context(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.WindowSize(1200, 900))...)
	t.Cleanup(cancel)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	return ctx
}

// A visit is a page in a browser, and what went wrong in it.
type visit struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	problems []string
}

// open writes the page of a graph to a file and opens it.
func open(t *testing.T, ctx context.Context, g *graph.Graph[float64], o draw.Options) *visit {
	t.Helper()
	var page bytes.Buffer
	if err := draw.HTML(&page, g, o); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(path, page.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	v := &visit{t: t, ctx: ctx}
	err := chromedp.Listen(ctx, func(event any) {
		v.mu.Lock()
		defer v.mu.Unlock()
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			v.problems = append(v.problems, e.ExceptionDetails.Text+" "+e.ExceptionDetails.Exception.Description)
		case *runtime.EventConsoleAPICalled:
			v.problems = append(v.problems, "console."+string(e.Type))
		case *log.EventEntryAdded:
			v.problems = append(v.problems, e.Entry.Text)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	v.run(chromedp.Navigate("file://" + path))
	return v
}

func (v *visit) run(actions ...chromedp.Action[chromedp.Void]) {
	v.t.Helper()
	if err := chromedp.Do(v.ctx, actions...); err != nil {
		v.t.Fatal(err)
	}
}

func click(selector string) chromedp.Action[chromedp.Void] {
	return chromedp.Click(chromedp.CSS(selector))
}

// ask evaluates a script on the page.
func ask[T any](v *visit, script string) T {
	v.t.Helper()
	answer, err := chromedp.Run(v.ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		v.t.Fatal(err)
	}
	return answer
}

// sees checks what is on the page now: where it says it is, what it tells, which
// item is marked, and the values and gradients in the drawing.
func (v *visit) sees(after, where, told, marked, drawn string) {
	v.t.Helper()
	got := ask[[]string](v, `[
		document.getElementById("where").textContent,
		Array.from(document.querySelectorAll("#told div"), e => e.textContent).join("; "),
		Array.from(document.querySelectorAll("svg .now"), e => e.id).join(" "),
		Array.from(document.querySelectorAll("svg .value, svg .grad")).filter(e => e.checkVisibility({visibilityProperty: true})).map(e => e.textContent).join(" "),
	]`)
	for i, want := range []string{where, told, marked, drawn} {
		if got[i] != want {
			v.t.Errorf("after %s: %s: got %q, want %q", after, []string{"where", "told", "marked", "drawn"}[i], got[i], want)
		}
	}
}

// close checks that nothing went wrong, and that the page loaded nothing.
func (v *visit) close() {
	v.t.Helper()
	for _, url := range v.loaded() {
		v.t.Errorf("the page loads %s", url)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, p := range v.problems {
		v.t.Errorf("a problem on the page: %s", p)
	}
}

func (v *visit) loaded() []string {
	v.t.Helper()
	return ask[[]string](v, `performance.getEntriesByType("resource").map(e => e.name)`)
}

// TestPageSteps walks through the apples by button, key and slider.
func TestPageSteps(t *testing.T) {
	ctx := browser(t)
	v := open(t, ctx, apples(t), draw.Options{Title: "Apples"})
	v.sees("opening", "Inputs", "Press Next, or the right arrow, to compute the first node.", "", "2 100 1.1")
	v.run(click("#next"))
	v.sees("Next", "Forward 1 of 2", "apples' price = apple price × apples = 100 × 2 = 200", "n3", "2 100 1.1 200")
	v.run(chromedp.KeyEvent(kb.ArrowRight))
	v.sees("the right arrow", "Forward 2 of 2", "price = apples' price × tax = 200 × 1.1 = 220", "n4", "2 100 1.1 200 220")
	v.run(click("#next"))
	v.sees("Next", "Backward 1 of 3", "∂L/∂price = 1, where backward begins", "n4", "2 100 1.1 200 220 1")
	v.run(chromedp.KeyEvent(kb.ArrowRight))
	v.sees("the right arrow", "Backward 2 of 3",
		"∂L/∂apples' price = ∂L/∂price × tax = 1 × 1.1 = 1.1; ∂L/∂tax = ∂L/∂price × apples' price = 1 × 200 = 200",
		"n4", "2 100 1.1 200 200 1.1 220 1")
	v.run(click("#last"))
	v.sees("Last", "Backward 3 of 3",
		"∂L/∂apple price = ∂L/∂apples' price × apples = 1.1 × 2 = 2.2; ∂L/∂apples = ∂L/∂apples' price × apple price = 1.1 × 100 = 110",
		"n3", "2 110 100 2.2 1.1 200 200 1.1 220 1")
	v.run(chromedp.Focus(chromedp.CSS("#slider")), chromedp.KeyEvent(kb.Home))
	v.sees("Home on the slider", "Inputs", "Press Next, or the right arrow, to compute the first node.", "", "2 100 1.1")
	v.run(chromedp.KeyEvent(kb.ArrowRight))
	v.sees("the right arrow on the slider", "Forward 1 of 2", "apples' price = apple price × apples = 100 × 2 = 200", "n3", "2 100 1.1 200")
	v.close()
}

// TestPageFolds folds and unfolds groups by mouse and keyboard.
func TestPageFolds(t *testing.T) {
	ctx := browser(t)
	v := open(t, ctx, layers(), draw.Options{Title: "Layers", Folded: func(g *graph.Group) bool { return g.Name == "Affine1" }})
	// What is seen of the two frames, of an operation and of an input in the first.
	seen := func(after, want string) (width float64) {
		t.Helper()
		got := ask[string](v, `["cover-g0", "g0", "cover-g1", "g1", "n3", "n1"].filter(id => document.getElementById(id).getClientRects().length > 0).join(" ")`)
		if got != want {
			t.Errorf("after %s: %q is seen, want %q", after, got, want)
		}
		return ask[float64](v, `document.querySelector("svg").width.baseVal.value`)
	}
	narrow := seen("opening", "cover-g0 g1")
	v.run(click("#cover-g0"))
	wide := seen("a click on the box", "g0 g1 n3 n1")
	if wide < narrow+100 {
		t.Errorf("unfolding makes the drawing %v wide, from %v", wide, narrow)
	}
	v.run(click("#g1 text"))
	seen("a click on a name", "g0 cover-g1 n3 n1")
	v.run(chromedp.KeyEvent(kb.Enter)) // the box has the focus now
	seen("Enter on the box", "g0 g1 n3 n1")
	v.run(click("#fold"))
	seen("Fold all", "cover-g0 cover-g1")
	v.run(click("#next"))
	if marked := ask[string](v, `document.querySelector("svg .now").id`); marked != "cover-g0" {
		t.Errorf("the step in a folded group marks %q, want its box", marked)
	}
	v.run(click("#unfold"))
	seen("Unfold all", "g0 g1 n3 n1")
	v.close()
}

// TestPageProblems: what the other tests look for, they find.
func TestPageProblems(t *testing.T) {
	ctx := browser(t)
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	v := open(t, ctx, apples(t), draw.Options{})
	ask[chromedp.Void](v, `fetch("`+server.URL+`/x").catch(() => 0).then(() => new Promise(done => {
		setTimeout(() => { throw new Error("planted") });
		setTimeout(done);
	}))`)
	if got, want := v.loaded(), server.URL+"/x"; !slices.Contains(got, want) {
		t.Errorf("the page loads %s, noticed was %q", want, got)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if !slices.ContainsFunc(v.problems, func(p string) bool { return strings.Contains(p, "planted") }) {
		t.Errorf("an exception was not noticed among %q", v.problems)
	}
}
