package browsertest_test

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/internal/report"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
	"github.com/chainrule-go/chainrule/train"
)

// reportPage is a report with all its sections, of pictures of classes with long names and
// of predicted numbers.
func reportPage(t *testing.T, classes int) []byte {
	t.Helper()
	rng := train.Random(1, "report")
	uniform := func(shape ...int) *tensor.Tensor[float32] {
		x := tensor.New[float32](shape...)
		for i := range x.Data {
			x.Data[i] = float32(rng.Float64())
		}
		return x
	}
	evaluate := func(net *nn.Sequential[float32], loss nn.Loss[float32], set data.Set[float32], from *data.Preparation) *report.Evaluation {
		e, err := report.Evaluate(t.Context(), net, loss, set, from, 0, 1)
		if err != nil {
			t.Fatal(err)
		}
		e.Of = "Test set"
		return e
	}
	set := data.Set[float32]{X: uniform(300, 64), T: make([]int, 300)}
	from := &data.Preparation{Image: &data.Image{Height: 8, Width: 8, Channels: 1}}
	for i := range set.T {
		set.T[i] = rng.IntN(classes)
	}
	for i := range classes {
		from.Classes = append(from.Classes, fmt.Sprintf("class & name %d", i))
	}
	net := nn.NewSequential[float32](nn.NewAffine[float32](64, classes, rng))
	summary, err := net.Summary(64)
	if err != nil {
		t.Fatal(err)
	}
	var lines strings.Builder
	for i := range 20 {
		loss := math.Exp(-float64(i) / 4)
		fmt.Fprintf(&lines, `{"epoch":%d,"step":%d,"loss":%v,"validation_loss":%v,"test_accuracy":%v,"seconds":%d,"layers":[`, i+1, 10*i, loss, loss+0.1, 1-loss, i)
		for layer := range 12 {
			fmt.Fprintf(&lines, `{"name":"Block%d.Affine1","gradient_norm":%v},`, layer+1, loss*float64(layer+1))
		}
		fmt.Fprintf(&lines, `{"name":"ReLU1","dead":0.25}]}`+"\n")
	}
	log, err := report.ReadLog(strings.NewReader(lines.String()), "log")
	if err != nil {
		t.Fatal(err)
	}
	page := &report.Page{
		Title: "Report of <a run>", Log: log, Network: &summary, Config: []report.Setting{{Name: "seed", Value: "1"}},
		Evaluations: []*report.Evaluation{
			evaluate(net, nn.NewSoftmaxWithLoss[float32](), set, from),
			evaluate(nn.NewSequential[float32](), nn.NewMeanSquaredError[float32](), data.Set[float32]{X: uniform(200, 2), Values: uniform(200, 2)}, nil),
		},
	}
	page.Summarize()
	var b bytes.Buffer
	if err := page.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestReport looks at reports on a wide and a narrow screen: every figure is there and as
// wide as the page, no text of one is cut off or lies over another, nothing has to be
// scrolled sideways, and nothing is loaded.
func TestReport(t *testing.T) {
	ctx := browser(t)
	for _, classes := range []int{2, 10, 40} {
		for _, width := range []int64{1200, 400} {
			t.Run(fmt.Sprintf("%d classes, %d pixels", classes, width), func(t *testing.T) {
				checkReport(t, ctx, classes, width)
			})
		}
	}
}

func checkReport(t *testing.T, ctx context.Context, classes int, width int64) {
	v := openPage(t, ctx, reportPage(t, classes))
	v.run(chromedp.EmulateViewport(width, 900))
	if title := ask[string](v, `document.querySelector("h1").textContent`); title != "Report of <a run>" {
		t.Errorf("the title is %q", title)
	}
	figures := ask[[]string](v, `Array.from(document.querySelectorAll("figure svg"), e => e.getAttribute("aria-label"))`)
	for _, want := range []string{"Loss", "Accuracy", "Gradient norm of each layer", "Dead units of each ReLU layer", "Time since the run began",
		"Confusion matrix: numbers of samples", "The worst mistakes: the least probable labels", "Predicted and actual output 0", "Predicted and actual output 1", "Errors of output 0"} {
		if !strings.Contains(strings.Join(figures, "\n"), want) {
			t.Errorf("there is no figure %q among %q", want, figures)
		}
	}
	for _, problem := range ask[[]string](v, `(() => {
		const problems = []
		const page = document.documentElement
		if (page.scrollWidth > page.clientWidth) problems.push("the page is " + page.scrollWidth + " pixels wide, and the screen " + page.clientWidth)
		for (const svg of document.querySelectorAll("figure svg")) {
			const name = svg.getAttribute("aria-label"), box = svg.getBoundingClientRect()
			if (Math.abs(box.width - document.body.clientWidth + 32) > 1) problems.push(name + " is " + box.width + " pixels wide")
			const texts = Array.from(svg.querySelectorAll("text"), e => [e.textContent, e.getBoundingClientRect()]).filter(([s]) => s.trim() != "")
			if (texts.length < 3) problems.push(name + " has " + texts.length + " texts")
			texts.forEach(([s, a], i) => {
				if (a.left < box.left || a.right > box.right + 1 || a.top < box.top - 1 || a.bottom > box.bottom + 1) problems.push(name + ": " + s + " is cut off")
				for (const [other, b] of texts.slice(i + 1)) {
					const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left), high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top)
					// The box of a text is higher than its letters.
					if (wide > 1 && high > 0.45 * Math.min(a.height, b.height, a.width, b.width)) problems.push(name + ": " + s + " lies over " + other)
				}
			})
		}
		return problems
	})()`) {
		t.Error(problem)
	}
	v.close()
}
