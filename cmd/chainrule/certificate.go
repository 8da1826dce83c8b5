package main

import (
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/chainrule-go/chainrule/gradcheck"
	"github.com/chainrule-go/chainrule/internal/certify"
	"github.com/chainrule-go/chainrule/internal/kernel"
)

// A certificate is what check found, in Markdown that reads well as it is. It has
// no times, and errors are rounded up to one digit, so that it is the same on
// every run. The verdict comes first, and so what is found is kept until the end.
type certificate struct {
	strings.Builder
	rows [][]string // of the table that is being written
}

func (c *certificate) printf(format string, args ...any) { fmt.Fprintf(c, format, args...) }

// complete returns the text with the verdict, and what was checked by what, in
// front of what was found.
func (c *certificate) complete(s *subject, seed uint64, done checkEvent, networks []gradcheck.NetworkReport, failed failures) string {
	var front certificate
	front.verdict(s, done, networks, failed)
	front.origin(s, seed)
	front.terms()
	return front.String() + c.String()
}

func (c *certificate) verdict(s *subject, done checkEvent, networks []gradcheck.NetworkReport, failed failures) {
	c.printf("# Certificate\n\n")
	if done.OK {
		c.printf("**Verified: all gradients are right**, on the inputs named below and to the errors in this table.\n\n")
	} else {
		c.printf("**Not verified.** This is wrong:\n\n")
		for _, err := range failed {
			c.printf("- %s\n", shown(strings.ReplaceAll(err.Error(), "\n", " ")))
		}
		c.printf("\n")
	}
	c.head("what", "found", "wanted")
	c.row("gradients of the network", strconv.Itoa(done.Parameters), "")
	for _, by := range gradcheck.References() {
		c.row("largest relative error against the "+by.String(), roundedUp(float64(done.References[referenceKeys[by]])),
			"at most "+fmt.Sprint(by.Bound()))
	}
	for i, r := range networks {
		c.row("nonzero share of the gradients, "+s.trials[i].name, fmt.Sprintf("%.1f %%", 100*r.NonzeroOfAll()), "")
	}
	c.row("planted faults that were caught", fmt.Sprintf("%d of %d", done.FaultsCaught, done.FaultsTried), "all")
	if done.Checksums > 0 {
		c.row("checksums that are as recorded", fmt.Sprintf("%d of %d", done.ChecksumsRight, done.Checksums), "all")
	}
	c.endTable()
}

func (c *certificate) origin(s *subject, seed uint64) {
	built := commit()
	if built == "" {
		built = "not recorded in this build"
	}
	c.printf("\n## What was checked, and by what\n\n")
	c.printf("- Program: chainrule %s, %s\n", programVersion(), runtime.Version())
	c.printf("- Commit: %s\n", built)
	c.printf("- Processor: %s, kernels: %s\n", runtime.GOARCH, kernel.Paths()[0])
	c.printf("- Seed: %d\n", seed)
	c.printf("- Network: %s\n", quoted(s.net.String()))
	if s.origin != "" {
		c.printf("- Model: %s\n", s.origin)
	}
	for _, t := range s.trials {
		c.printf("- %s: %s\n", capital(t.name), t.choice)
	}
}

func (c *certificate) terms() {
	c.printf(`
## Terms

- Gradient: by how much the loss changes for a small change of one number, divided by that change.
- Backpropagation: what computes all gradients in training, layer by layer from the loss to the
  input. It is what is checked here, in float64.
- Graph: the first reference. The formula of the network, built anew from elementary operations
  (+ - * / exp log sqrt tanh erf maximum dot sum max broadcast hold gather), each with its own rule of
  differentiation.
- Complex step: the second. Im f(x + ih)/h with h = 1e-30, by the graph over complex numbers. It
  uses no rule of differentiation and takes no difference, so it is exact to rounding.
- Central difference, "difference" in tables: the third. (f(x+h) - f(x-h))/2h with h = 1e-4, by
  the forward pass of the layers. It knows nothing of the graph.
- Error: |a-n| / max(|a|, |n|, s/100) of a gradient a and its reference n, s being the largest
  gradient of the same array. Tables show the largest of all elements, rounded up to one digit.
- Nonzero share, "nonzero" in tables: the share of gradients that are not 0, where they may differ
  from 0. That 0 agrees with 0 shows little.
- Kink: where a function has no derivative, as ReLU at 0. There a gradient must lie between the
  derivatives of both sides.
- Ulp: a unit in the last place, the distance between neighboring numbers of float32.
- Verified: each element that is named was compared, on the inputs that are named. It is not proved
  for other inputs.

The same seed gives the same certificate, except for program, commit and processor. On another
architecture than amd64, the references round in other places, and some errors have other digits.
`)
}

// networks begins the tables of network.
func (c *certificate) networks() {
	c.printf(`
## The network

"100 of 300" elements means that the complex step and the central difference are of every third one
alone, for they take long, and the graph is of all. float32 is the error of training's precision,
in ulps of the largest gradient of the array.
`)
}

func (c *certificate) network(samples string, r gradcheck.Report) {
	c.printf("\n%s:\n\n", capital(samples))
	c.head("gradient of", "elements", "nonzero", "graph", "complex step", "difference", "float32, ulp")
	for _, a := range r.Arrays {
		c.row(append(gradient("", a), ulps(a))...)
	}
	c.endTable()
}

func (c *certificate) layers(reports []gradcheck.Report) {
	c.printf(`
## Layers and losses

On a batch of 4 samples. Each layer also passes on one sample, on none and on memory used before,
and keeps the contract of package nn. y is the result itself. "At kinks" has elements of x at
kinks, where the gradient must also be the one that is defined, 0 for ReLU.

`)
	c.head("gradient of", "elements", "nonzero", "graph", "complex step", "difference")
	for _, r := range reports {
		for _, a := range r.Arrays {
			if a.Batch != 1 { // they are in the JSON
				c.row(gradient(r.Name+": ", a)...)
			}
		}
	}
	c.endTable()
	c.printf(`
The same layers in float32, which must differ from float64 by rounding alone: the largest error of
any result or gradient, in ulps of the terms that it is the sum of.

`)
	c.head("layer", "float32, ulp", "allowed, ulp")
	for _, r := range reports {
		var worst *gradcheck.Ulps
		for _, a := range r.Arrays {
			if u := a.Float32; u != nil && (worst == nil || !(u.Error <= worst.Error)) {
				worst = u
			}
		}
		if worst != nil {
			c.row(r.Name, roundedUp(worst.Error), fmt.Sprint(worst.Bound))
		}
	}
	c.endTable()
}

func capital(name string) string { return strings.ToUpper(name[:1]) + name[1:] }

// gradient is the beginning of the row of an array.
func gradient(of string, a gradcheck.Array) []string {
	name := of + a.Name
	if n := a.Kinks(); n > 0 {
		name += fmt.Sprintf(" (%d kinks)", n)
	}
	return []string{name, elements(a), nonzeroShare(a),
		against(a, gradcheck.Graph), against(a, gradcheck.ComplexStep), against(a, gradcheck.CentralDifference)}
}

func (c *certificate) adjoints(reports []gradcheck.Report) {
	c.printf(`
## At real size

The layers in float32, by the fastest instructions of the processor, on batches of %d. Backward
must be the adjoint of the derivative J of Forward: <J·v, w> = <v, Jᵀ·w> for random v and w, with
J·v by complex step through the graph and Jᵀ·w by Backward. The difference is in ulps of the root
of the sum of squares of the terms. In whole numbers nothing rounds, and it must be 0.

`, certify.RealBatch)
	c.head("layer", "gradient of", "elements", "difference, ulp", "allowed, ulp")
	for _, r := range reports {
		for _, a := range r.Arrays {
			c.row(r.Name, a.Name, strconv.Itoa(a.Elements), ulps(a), fmt.Sprint(a.Float32.Bound))
		}
	}
	c.endTable()
}

func (c *certificate) bits(sums []certify.Checksum) {
	c.printf(`
## Bits

Checksums of y, dx and all gradients of the layers of real size. Every processor, with or without
assembly, on any number of threads, must give those recorded with the loops in Go.

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

It computes log(y + 1e-7), whose derivative is not y - t: each gradient is off by a relative 1e-7/y,
y being the probability of the label, 0.1 in an untrained network of ten classes. The loss computed
here is log y, as a log-sum-exp. The same gradients against both, on the dense samples:

`)
	c.head("gradient of", "log(y + 1e-7): graph", "complex step", "log y: graph", "complex step")
	for _, a := range book.Arrays {
		i := slices.IndexFunc(ours.Arrays, func(b gradcheck.Array) bool { return a.Name == b.Name })
		c.row(a.Name, against(a, gradcheck.Graph), against(a, gradcheck.ComplexStep),
			against(ours.Arrays[i], gradcheck.Graph), against(ours.Arrays[i], gradcheck.ComplexStep))
	}
	c.endTable()
}

func (c *certificate) faults(tallies []certify.Tally, all bool) {
	where := "Each is planted into the layers of\nthe network where it makes the gradient of a parameter wrong."
	if all {
		where = "Each is planted into every layer and\nloss above that can have it, and into the layers of the network where it makes the gradient of a\nparameter wrong."
	}
	c.printf(`
## Planted faults

Can this check fail? A fault is a mistake that people make. %s

"Caught" says how many of the planted faults the check caught, and the other columns how many each
reference alone would have caught. "Contract" stands for the other rules of a layer: it does not
modify its arguments, it adds to Grad, it gives the same bits again.

`, where)
	c.head("fault", "caught", "graph", "complex step", "difference", "contract")
	for _, t := range tallies {
		c.row(t.Fault, fmt.Sprintf("%d/%d", t.Caught, t.Tried), strconv.Itoa(t.By[gradcheck.Graph]),
			strconv.Itoa(t.By[gradcheck.ComplexStep]), strconv.Itoa(t.By[gradcheck.CentralDifference]), strconv.Itoa(t.Contract))
	}
	c.endTable()
}

// head begins a table, row adds to it, and endTable writes it with straight
// columns.
func (c *certificate) head(cells ...string) { c.rows = [][]string{cells} }

// row takes names from a file too.
func (c *certificate) row(cells ...string) {
	for i, cell := range cells {
		if cell != "" {
			cells[i] = strings.ReplaceAll(quoted(cell), "|", `\|`)
		}
	}
	c.rows = append(c.rows, cells)
}

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
		return fmt.Sprintf("%d of %d", least, a.Elements)
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

func ulps(a gradcheck.Array) string {
	if a.Float32 == nil {
		return ""
	}
	return roundedUp(a.Float32.Error)
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
