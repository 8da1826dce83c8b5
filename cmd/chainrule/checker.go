package main

import (
	"context"
	"fmt"

	"github.com/chainrule-go/chainrule/gradcheck"
	"github.com/chainrule-go/chainrule/graph/trace"
	"github.com/chainrule-go/chainrule/internal/certify"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// A checker checks one thing after the other, prints what comes of each, and
// counts.
type checker struct {
	*app
	ctx         context.Context
	seed        uint64
	certificate certificate
	done        checkEvent
	mutants     []certify.Mutant
	reports     []gradcheck.NetworkReport // one a trial
	failed      failures
	progress    *progress
}

// The lines of check --json.
type (
	arrayEvent struct {
		Event        string                `json:"event"` // "array", or "erratum" of the loss of the book
		Check        string                `json:"check"`
		Name         string                `json:"name"`
		Elements     int                   `json:"elements"`
		MaxError     number                `json:"max_relative_error"` // of the complex step, or else of what there is
		References   map[string]number     `json:"references"`         // the same of each
		Worst        map[string]worstEvent `json:"worst"`
		Kinks        int                   `json:"kinks"`
		NonzeroShare number                `json:"nonzero_share"`
		Float32      *number               `json:"float32_ulp,omitempty"`
		Adjoint      *number               `json:"adjoint_ulp,omitempty"`
	}
	worstEvent struct {
		Index    []int  `json:"index"`
		Got      number `json:"backpropagation"`
		Want     number `json:"reference"`
		Elements int    `json:"of_elements"`
	}
	faultEvent struct {
		Event    string         `json:"event"` // "fault"
		Fault    string         `json:"fault"`
		Tried    int            `json:"tried"`
		Caught   int            `json:"caught"`
		By       map[string]int `json:"caught_by"`
		Contract int            `json:"caught_by_contract"`
	}
	bitsEvent struct {
		Event    string `json:"event"` // "bits"
		Check    string `json:"check"`
		Checksum string `json:"checksum"`
		OK       bool   `json:"ok"`
	}
	checkEvent struct {
		Event             string            `json:"event"` // "done"
		OK                bool              `json:"ok"`
		Parameters        int               `json:"parameters"`
		MaxError          number            `json:"max_relative_error"` // of the complex step
		References        map[string]number `json:"references"`
		Kinks             int               `json:"kinks"`
		NonzeroShare      number            `json:"nonzero_share"`
		MNISTNonzeroShare *number           `json:"mnist_nonzero_share,omitempty"`
		FaultsTried       int               `json:"faults_tried"`
		FaultsCaught      int               `json:"faults_caught"`
		Checksums         int               `json:"checksums"`
		ChecksumsRight    int               `json:"checksums_as_recorded"`
		Speedup           number            `json:"speedup"`
	}
)

// referenceKeys are the names of the references in JSON.
var referenceKeys = map[gradcheck.Reference]string{
	gradcheck.Graph: "graph", gradcheck.ComplexStep: "complex_step", gradcheck.CentralDifference: "central_difference",
}

// run checks the subject and, if all is asked for, the layers of the library.
func (c *checker) run(s *subject, all bool) error {
	c.done = checkEvent{Event: "done", NonzeroShare: 1, References: map[string]number{}}
	total := len(s.trials) * networkSteps
	if all {
		total += 2*len(trace.Rows()) + len(certify.RealSize())
	}
	c.progress = c.newProgress(total, "checking", "")
	defer c.progress.end()
	c.certificate.networks()
	for i, t := range s.trials {
		if err := c.network(t, i*networkSteps); err != nil {
			return err
		}
	}
	if all {
		c.layers()
		if err := c.book(s.trials[len(s.trials)-1]); err != nil {
			return err
		}
	}
	c.faults(all)
	return c.ctx.Err()
}

// networkSteps is how many steps of progress a network is.
const networkSteps = 50

// network checks a network. before is the number of steps of the progress bar so far.
func (c *checker) network(t trial, before int) error {
	r, err := gradcheck.Network("network, "+t.name, t.net, nn.NewSoftmaxWithLoss[float64](), t.x, nn.Labels[float64](t.labels...),
		func(done, total int) { c.progress.set(before + done*networkSteps/total) })
	if err != nil {
		return err
	}
	single, err := nn.Convert[float32](t.net)
	if err != nil {
		return err
	}
	x := tensor.New[float32](t.x.Shape...)
	for i, v := range t.x.Data {
		x.Data[i] = float32(v)
	}
	if err := r.Float32(single, nn.NewSoftmaxWithLoss[float32](), x, nn.Labels[float32](t.labels...)); err != nil {
		return err
	}
	c.report(r.Report)
	c.certificate.network(t.name, r.Report)
	c.mutants = append(c.mutants, certify.NetworkMutants(r, t.net)...)
	c.progress.set(before + networkSteps)

	c.reports = append(c.reports, r)
	c.done.Parameters, c.done.Speedup = r.Parameters, number(r.Speedup())
	share := number(r.NonzeroOfAll())
	if t.mnist {
		c.done.MNISTNonzeroShare = &share
	} else {
		c.done.NonzeroShare = min(c.done.NonzeroShare, number(r.NonzeroShare()))
	}
	return c.ctx.Err()
}

func (c *checker) layers() {
	var layers, adjoints []gradcheck.Report
	for _, row := range trace.Rows() {
		r := gradcheck.Layer(row.Case)
		c.report(r)
		layers = append(layers, r)
		c.done.NonzeroShare = min(c.done.NonzeroShare, number(r.NonzeroShare()))
		c.progress.step()
	}
	c.certificate.layers(layers)
	c.mutants = append(c.mutants, certify.Mutants()...)
	c.progress.set(c.progress.done + len(layers))

	for _, l := range certify.RealSize() {
		r := certify.Adjoint(l, certify.RealBatch)
		c.printArrays("array", r)
		c.fail(r.Err())
		adjoints = append(adjoints, r)
		c.progress.step()
	}
	c.certificate.adjoints(adjoints)

	bits := certify.Bits()
	for _, b := range bits {
		c.done.Checksums++
		if b.Err() == nil {
			c.done.ChecksumsRight++
		}
		c.fail(b.Err())
		if c.json {
			c.printJSON(bitsEvent{"bits", b.Name, fmt.Sprintf("%016x", b.Got), b.Err() == nil})
		}
	}
	c.certificate.bits(bits)
}

// book shows what the loss of the book costs. That it is wrong is no failure
// here.
func (c *checker) book(t trial) error {
	r, err := certify.BookLoss(t.net, t.x, nn.Labels[float64](t.labels...))
	if err != nil {
		return err
	}
	c.printArrays("erratum", r)
	c.certificate.book(r, c.reports[len(c.reports)-1].Report)
	return nil
}

func (c *checker) faults(all bool) {
	for _, m := range c.mutants {
		c.done.FaultsTried++
		if m.Caught() {
			c.done.FaultsCaught++
		} else {
			c.fail(fmt.Errorf("a planted fault was not caught: %s", m.Name))
		}
	}
	tallies := certify.Tallies(c.mutants)
	for _, t := range tallies {
		if c.json {
			e := faultEvent{"fault", t.Fault, t.Tried, t.Caught, map[string]int{}, t.Contract}
			for _, w := range gradcheck.References() {
				e.By[referenceKeys[w]] = t.By[w]
			}
			c.printJSON(e)
		}
	}
	c.certificate.faults(tallies, all)
}

// fail adds what is wrong, each error of several on its own.
func (c *checker) fail(err error) {
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range several.Unwrap() {
			c.fail(e)
		}
		return
	}
	c.failed.add(err)
}

// report prints the arrays of a check and adds it to the sums.
func (c *checker) report(r gradcheck.Report) {
	c.printArrays("array", r)
	for _, w := range gradcheck.References() {
		if worst, compared := r.Error(w); compared {
			c.done.References[referenceKeys[w]] = max(c.done.References[referenceKeys[w]], number(worst))
		}
	}
	c.done.Kinks += r.Kinks()
	c.fail(r.Err())
}

func (c *checker) printArrays(event string, r gradcheck.Report) {
	if !c.json {
		return
	}
	for _, a := range r.Arrays {
		e := arrayEvent{Event: event, Check: r.Name, Name: a.Name, Elements: a.Elements, Kinks: a.Kinks(),
			NonzeroShare: number(a.NonzeroShare()), References: map[string]number{}, Worst: map[string]worstEvent{}}
		for _, w := range a.Comparisons {
			key := referenceKeys[w.Reference]
			e.References[key] = number(w.MaxError)
			e.Worst[key] = worstEvent{w.Worst.Index, number(w.Worst.Got), number(w.Worst.Want), w.Elements}
			if _, step := a.Error(gradcheck.ComplexStep); !step || w.Reference == gradcheck.ComplexStep {
				e.MaxError = number(w.MaxError)
			}
		}
		if a.Float32 != nil && len(a.Comparisons) > 0 {
			e.Float32 = (*number)(&a.Float32.Error)
		} else if a.Float32 != nil {
			e.Adjoint = (*number)(&a.Float32.Error)
		}
		c.printJSON(e)
	}
}

// finish prints the sum of it all, and returns the certificate.
func (c *checker) finish(s *subject) (text string) {
	c.done.MaxError = c.done.References[referenceKeys[gradcheck.ComplexStep]]
	c.done.OK = c.failed.err() == nil
	text = c.certificate.complete(s, c.seed, c.done, c.reports, c.failed)
	if c.json {
		c.printJSON(c.done)
		return text
	}
	last := c.reports[len(c.reports)-1]
	fmt.Fprintf(c.stdout, "%s\n%d gradients: %.1f s by central differences, %.2g s by backpropagation, %.0f times faster\n",
		text, c.done.Parameters, last.Numerical.Seconds(), last.Backprop.Seconds(), last.Speedup())
	return text
}
