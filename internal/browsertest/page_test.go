package browsertest_test

import (
	"bytes"
	"context"
	"math"
	"math/rand/v2"
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

func apples(t *testing.T) *graph.Graph[float64] {
	t.Helper()
	g, err := graph.Figures()[0].Graph()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// layers is a network of two groups, the first one with inputs of its own.
func layers() *graph.Graph[float64] {
	random := rand.New(rand.NewPCG(1, 4))
	normal := func(n int) (data []float64) {
		for range n {
			data = append(data, random.NormFloat64())
		}
		return data
	}
	g := graph.New[float64]()
	x := g.Input("x", normal(6), 2, 3)
	g.Group("Affine1", func() { x = graph.Affine(g, x, g.Input("W1", normal(12), 3, 4), g.Input("b1", normal(4), 4)) })
	g.Group("ReLU1", func() { x = graph.ReLU(g, x) })
	g.Backward(g.Sum(x).As("L"))
	return g
}

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
	return openPage(t, ctx, page.Bytes())
}

// openPage writes a page to a file and opens it.
func openPage(t *testing.T, ctx context.Context, page []byte) *visit {
	t.Helper()
	path := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(path, page, 0o666); err != nil {
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
	v.sees("opening", "Inputs", "Press Next, or the right arrow, to compute the first step.", "", "2 100 1.1")
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
	v.sees("Home on the slider", "Inputs", "Press Next, or the right arrow, to compute the first step.", "", "2 100 1.1")
	v.run(chromedp.KeyEvent(kb.ArrowRight))
	v.sees("the right arrow on the slider", "Forward 1 of 2", "apples' price = apple price × apples = 100 × 2 = 200", "n3", "2 100 1.1 200")
	v.close()
}

// TestPageFolds folds and unfolds groups by mouse and keyboard. Boxes are as high
// as what is in them, and the place in the passes stays.
func TestPageFolds(t *testing.T) {
	ctx := browser(t)
	v := open(t, ctx, layers(), draw.Options{Title: "Layers", Folded: func(g *graph.Group) bool { return g.Name == "Affine1" }})
	// Which of the groups are boxes and which are frames, and the place.
	seen := func(after, want string) {
		t.Helper()
		got := ask[string](v, `["g0", "g1"].map(id => document.getElementById(id).classList.contains("box") ? "box" : "frame").join(" ")
			+ ", " + document.getElementById("where").textContent`)
		if got != want {
			t.Errorf("after %s: got %q, want %q", after, got, want)
		}
	}
	height := func() float64 {
		return ask[float64](v, `document.querySelector(".drawing svg").viewBox.baseVal.height`)
	}
	seen("opening", "box frame, Inputs")
	v.run(click("#next"))
	seen("Next", "box frame, Forward 1 of 3")
	v.run(click("#g0"))
	seen("a click on the box", "frame frame, Forward 3 of 5")
	unfolded := height()
	v.run(click("#g1 text"))
	seen("a click on a name", "frame box, Forward 3 of 5")
	v.run(chromedp.KeyEvent(kb.Enter)) // the box has the focus now
	seen("Enter on the box", "frame frame, Forward 3 of 5")
	v.run(click("#fold"))
	seen("Fold all", "box box, Forward 1 of 3")
	if folded := height(); folded > unfolded-50 {
		t.Errorf("folded the drawing is %v high, and unfolded %v", folded, unfolded)
	}
	if marked := ask[string](v, `document.querySelector("svg .now").id`); marked != "g0" {
		t.Errorf("the step in a folded group marks %q, want its box", marked)
	}
	v.run(click("#unfold"))
	seen("Unfold all", "frame frame, Forward 3 of 5")
	v.close()
}

// TestPageFoldedSteps: a folded group is one step forward and one backward.
func TestPageFoldedSteps(t *testing.T) {
	ctx := browser(t)
	g := graph.New[float64]()
	y := g.Input("x", []float64{1, -2}, 2)
	g.Group("ReLU1", func() { y = graph.ReLU(g, y) })
	g.Group("Error1", func() { y = graph.MeanSquaredError(g, y, g.Input("t", []float64{0, 0}, 2)).As("L") })
	g.Backward(y)
	v := open(t, ctx, g, draw.Options{Folded: func(*graph.Group) bool { return true }})
	for _, step := range [][4]string{
		{"Forward 1 of 2", "ReLU1(x) = [1 0]", "g0", "[1 -2] [1 0]"},
		{"Forward 2 of 2", "L = Error1(ReLU1, t) = 0.5", "g1", "[1 -2] [1 0] 0.5"},
		{"Backward 1 of 3", "∂L/∂L = 1, where backward begins", "g1", "[1 -2] [1 0] 0.5 1"},
		{"Backward 2 of 3", "∂L/∂ReLU1 = [1 0]; ∂L/∂t = [-1 0]", "g1", "[1 -2] [1 0] [1 0] 0.5 1"},
		{"Backward 3 of 3", "∂L/∂x = [1 0]", "g0", "[1 -2] [1 0] [1 0] [1 0] 0.5 1"},
	} {
		v.run(click("#next"))
		v.sees(step[0], step[0], step[1], step[2], step[3])
	}
	v.close()
}

// TestPageZoom: the drawing fills the window within limits, and the buttons and
// keys change its size.
func TestPageZoom(t *testing.T) {
	ctx := browser(t)
	v := open(t, ctx, layers(), draw.Options{Title: "Layers"})
	scale := func() float64 {
		return ask[float64](v, `(svg => svg.width.baseVal.value / svg.viewBox.baseVal.width)(document.querySelector(".drawing svg"))`)
	}
	want := func(after string, want float64) {
		t.Helper()
		if got := scale(); math.Abs(got-want) > 1e-3*want {
			t.Errorf("after %s: the scale is %v, want %v", after, got, want)
		}
	}
	start := scale()
	if start < 0.75 || start > 2 {
		t.Errorf("the scale at first is %v", start)
	}
	v.run(click("#in"))
	want("+", 1.25*start)
	v.run(chromedp.KeyEvent("+"))
	want("the key +", 1.25*1.25*start)
	v.run(click("#out"))
	want("−", 1.25*start)
	v.run(chromedp.KeyEvent("-"))
	want("the key -", start)
	v.run(chromedp.KeyEvent("-"), chromedp.KeyEvent("0"))
	want("the key 0", start)
	v.run(click("#in"), click("#reset"))
	want("Reset", start)
	v.run(chromedp.KeyEvent("f"))
	const whole = `(d => d.scrollWidth <= d.clientWidth && d.scrollHeight <= d.clientHeight)(document.querySelector(".drawing"))`
	if !ask[bool](v, whole) {
		t.Error("after the key f the drawing does not fit the window")
	}
	for range 8 {
		v.run(click("#in"))
	}
	if ask[bool](v, whole) {
		t.Error("a drawing zoomed in eight times fits the window")
	}
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
