package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/chainrule-go/chainrule/gradcheck"
	"github.com/chainrule-go/chainrule/internal/certify"
)

// A certificate is what check found, in Markdown that reads well as it is. It has
// no times, and errors are rounded up to one digit, so that it is the same on
// every run.
type certificate struct {
	w    io.Writer
	rows [][]string // of the table that is being written
}

func (c *certificate) printf(format string, args ...any) { fmt.Fprintf(c.w, format, args...) }

func (c *certificate) begin(s *subject) {
	c.printf(`# Certificate

Written by %s. Every gradient of backpropagation, in float64 and element by element, against

- the graph: the chain rule through elementary operations (+ - * / exp log dot sum max), built anew from the formula;
- the complex step through that graph, Im f(x + ih)/h with h = 1e-30, which uses no rule and takes no difference;
- central differences, (f(x+h) - f(x-h))/2h with h = 1e-4, through the layers' own forward pass.

An error is the largest of |a-n| / max(|a|, |n|, s/100), s being the largest of the array, rounded up to one digit.
At most 1e-12 is allowed, and 1e-6 for central differences. The nonzero share is that of the gradients that
are not 0 where they may not be: 0 agreeing with 0 proves nothing.

`, "`chainrule check`")
	c.printf("## The network %s\n", s.net)
	c.printf("\nImages of MNIST: %s. Dense inputs: random numbers at every pixel", s.choice)
	if s.net != s.denseNet {
		c.printf(", and biases that\nwake every hidden unit on some of three samples")
	}
	c.printf(". The columns of float32 are the error of training's\nprecision, in ulps of the largest element.\n")
}

func (c *certificate) network(r gradcheck.Report) {
	c.printf("\n%s:\n\n", r.Name)
	c.head("gradient of", "elements", "graph", "complex step", "central difference", "kinks", "float32, ulp", "nonzero share")
	for _, a := range r.Arrays {
		c.row(a.Name, elements(a), against(a, gradcheck.Graph), against(a, gradcheck.ComplexStep), against(a, gradcheck.CentralDifference),
			strconv.Itoa(a.Kinks()), ulps(a.Float32), nonzeroShare(a))
	}
	c.endTable()
}

func (c *certificate) beginLayers() {
	c.printf(`
## The layers

On a batch of 4 samples; each also passes on one sample, on none, on memory used before, and keeps the contract of
package nn. "At kinks" has elements of x exactly where a layer is not differentiable: there a gradient must lie between
the one-sided derivatives, and be the one that is pinned (0). y is the result itself. float32 is the error of the same
code in single precision against double, with what its roundings allow.

`)
	c.head("layer", "gradient of", "elements", "graph", "complex step", "central difference", "kinks", "float32, ulp", "nonzero share")
}

func (c *certificate) layer(r gradcheck.Report) {
	for _, a := range r.Arrays {
		if a.Batch == 1 {
			continue // they are in the JSON
		}
		float32s := ulps(a.Float32)
		if a.Float32 != nil {
			float32s += fmt.Sprintf(" of %g", a.Float32.Bound)
		}
		c.row(r.Name, a.Name, elements(a), against(a, gradcheck.Graph), against(a, gradcheck.ComplexStep),
			against(a, gradcheck.CentralDifference), strconv.Itoa(a.Kinks()), float32s, nonzeroShare(a))
	}
}

func (c *certificate) beginAdjoints() {
	c.printf(`
## At real size

The float32 layers on the fastest path of the processor, batches of %d: <J·v, w> = <v, Jᵀ·w> for random v and w, J·v by
complex step through the graph, Jᵀ·w by Backward; the difference in ulps of the root of the sum of squares of the terms,
at most 8. In whole numbers, where nothing rounds, it must be 0.

`, certify.RealBatch)
	c.head("layer", "gradient of", "elements", "difference, ulp")
}

func (c *certificate) adjoint(r gradcheck.Report) {
	for _, a := range r.Arrays {
		c.row(r.Name, a.Name, elements(a), ulps(a.Float32))
	}
}

func (c *certificate) bits(sums []certify.Checksum) {
	c.printf(`
## Bits

Checksums of y, dx and all gradients of the layers of real size, which every processor, with or without assembly, on any
number of threads, has to meet: they were recorded with the loops in Go.

`)
	c.head("layer", "checksum", "as recorded")
	for _, s := range sums {
		same := "yes"
		if s.Err() != nil {
			same = "NO"
		}
		c.row(s.Name, fmt.Sprintf("%016x", s.Got), same)
	}
	c.endTable()
}

func (c *certificate) book(book, ours gradcheck.Report) {
	c.printf(`
## The loss of the book

It computes log(y + 1e-7), whose derivative is not y - t: each gradient is off by a relative 1e-7/y, y being the
probability of the label, 0.1 in an untrained network of ten classes. The same gradients against that loss and against
log y, which is what is computed here (as a log-sum-exp), on the dense inputs above:

`)
	c.head("gradient of", "log(y + 1e-7): graph", "complex step", "log y: graph", "complex step")
	for _, a := range book.Arrays {
		i := slices.IndexFunc(ours.Arrays, func(b gradcheck.Array) bool { return a.Name == b.Name })
		c.row(a.Name, against(a, gradcheck.Graph), against(a, gradcheck.ComplexStep),
			against(ours.Arrays[i], gradcheck.Graph), against(ours.Arrays[i], gradcheck.ComplexStep))
	}
	c.endTable()
}

func (c *certificate) faults(tallies []certify.Tally) {
	c.printf(`
## Planted faults

Each was planted into every layer above that can have it, and, where it spoils the gradient of a parameter, into every
layer of the network. No reference catches all of them. The last column is the rest of the
contract: arguments and parameters unmodified, Grad added to, the same bits again.

`)
	c.head("fault", "planted", "caught", "graph", "complex step", "central difference", "contract")
	for _, t := range tallies {
		c.row(t.Fault, strconv.Itoa(t.Tried), strconv.Itoa(t.Caught), strconv.Itoa(t.By[gradcheck.Graph]),
			strconv.Itoa(t.By[gradcheck.ComplexStep]), strconv.Itoa(t.By[gradcheck.CentralDifference]), strconv.Itoa(t.Contract))
	}
	c.endTable()
}

func (c *certificate) end(done checkEvent) {
	verdict := "All gradients are right."
	if !done.OK {
		verdict = "NOT ALL IS RIGHT."
	}
	c.printf("\n## Result\n\n%s %d parameters; largest error %s against the graph, %s against the complex step,\n%s against central differences; %d of %d planted faults caught; nonzero share %.1f %%, on MNIST's images %.1f %%.\n",
		verdict, done.Parameters, roundedUp(float64(done.References["graph"])), roundedUp(float64(done.References["complex_step"])),
		roundedUp(float64(done.References["central_difference"])), done.FaultsCaught, done.FaultsTried,
		float64(100*done.NonzeroShare), float64(100*done.MNISTNonzeroShare))
}

// head begins a table, row adds to it, and endTable writes it with straight
// columns.
func (c *certificate) head(cells ...string) { c.rows = [][]string{cells} }
func (c *certificate) row(cells ...string)  { c.rows = append(c.rows, cells) }

func (c *certificate) endTable() {
	widths := make([]int, len(c.rows[0]))
	for _, row := range c.rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for i, row := range c.rows {
		for j, cell := range row {
			c.printf("| %s%s ", cell, strings.Repeat(" ", widths[j]-utf8.RuneCountInString(cell)))
		}
		c.printf("|\n")
		if i == 0 {
			for _, width := range widths {
				c.printf("|%s", strings.Repeat("-", width+2))
			}
			c.printf("|\n")
		}
	}
	c.rows = nil
}

// elements is how many there are, and how many were compared, if not all.
func elements(a gradcheck.Array) string {
	least := a.Elements
	for _, w := range a.Comparisons {
		least = min(least, w.Elements)
	}
	if least < a.Elements {
		return fmt.Sprintf("%d (%d)", a.Elements, least)
	}
	return strconv.Itoa(a.Elements)
}

func against(a gradcheck.Array, w gradcheck.Reference) string {
	err, compared := a.Error(w)
	if !compared {
		return ""
	}
	return roundedUp(err)
}

func ulps(u *gradcheck.Ulps) string {
	if u == nil {
		return ""
	}
	return roundedUp(u.Error)
}

func nonzeroShare(a gradcheck.Array) string {
	if a.Result {
		return ""
	}
	return fmt.Sprintf("%.1f %%", 100*a.NonzeroShare())
}

// roundedUp writes x, 0 or more, with one digit, which is not below it: 3.1e-15
// is 4e-15, and 0.2 and 7 are themselves.
func roundedUp(x float64) string {
	digits := strconv.FormatFloat(x, 'e', -1, 64)
	mantissa, exponent, ok := strings.Cut(digits, "e")
	if !ok || x == 0 {
		return strconv.FormatFloat(x, 'g', -1, 64) // NaN, Inf, 0
	}
	digit := int(mantissa[0] - '0')
	if len(mantissa) > 1 {
		digit++
	}
	up, _ := strconv.ParseFloat(fmt.Sprintf("%de%s", digit, exponent), 64)
	if up < 1e-3 {
		return strconv.FormatFloat(up, 'e', 0, 64)
	}
	return strconv.FormatFloat(up, 'g', -1, 64)
}
