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

// A checker runs the proofs one after the other, prints what comes of each, and
// counts.
type checker struct {
	*app
	ctx         context.Context
	certificate *certificate
	done        checkEvent
	mutants     []certify.Mutant
	dense       gradcheck.NetworkReport
	failed      failures
	progress    *progress // of the proofs; see proofs
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
		MNISTNonzeroShare number            `json:"mnist_nonzero_share"`
		FaultsTried       int               `json:"faults_tried"`
		FaultsCaught      int               `json:"faults_caught"`
		Speedup           number            `json:"speedup"`
	}
)

// referenceKeys are the names of the references in JSON.
var referenceKeys = map[gradcheck.Reference]string{
	gradcheck.Graph: "graph", gradcheck.ComplexStep: "complex_step", gradcheck.CentralDifference: "central_difference",
}

// run proves the subject and, if all is asked for, the layers of the library.
func (c *checker) run(s *subject, all bool) error {
	c.done = checkEvent{Event: "done", NonzeroShare: 1, References: map[string]number{}}
	c.progress = c.newProgress(proofs(all), "checking", "")
	c.certificate.begin(s)
	if err := c.networks(s); err != nil {
		return err
	}
	if all {
		c.layers()
		if err := c.book(s); err != nil {
			return err
		}
	}
	c.faults()
	return c.ctx.Err()
}

// proofs is how many reports run makes.
func proofs(all bool) int {
	if !all {
		return 2
	}
	return 2 + len(trace.Rows()) + len(certify.RealSize())
}

func (c *checker) networks(s *subject) error {
	images, err := c.network("network, MNIST", s.net, s.images, s.labels)
	if err != nil {
		return err
	}
	c.done.Parameters, c.done.MNISTNonzeroShare = images.Parameters, number(images.NonzeroOfAll())
	c.dense, err = c.network("network, dense", s.denseNet, s.dense, s.denseLabels)
	if err != nil {
		return err
	}
	c.done.NonzeroShare = min(c.done.NonzeroShare, number(c.dense.NonzeroShare()))
	c.done.Speedup = number(c.dense.Speedup())
	return c.ctx.Err()
}

func (c *checker) network(name string, net *nn.Sequential[float64], x *tensor.Tensor[float64], t []int) (gradcheck.NetworkReport, error) {
	r, err := gradcheck.Network(name, net, nn.NewSoftmaxWithLoss[float64](), x, nn.Labels[float64](t...))
	if err != nil {
		return r, err
	}
	single, err := nn.Convert[float32, float64](net)
	if err != nil {
		return r, err
	}
	x32 := tensor.New[float32](x.Shape...)
	for i, v := range x.Data {
		x32.Data[i] = float32(v)
	}
	if err := r.Float32(single, nn.NewSoftmaxWithLoss[float32](), x32, nn.Labels[float32](t...)); err != nil {
		return r, err
	}
	c.report(r.Report)
	c.certificate.network(r.Report)
	c.mutants = append(c.mutants, certify.NetworkMutants(r, net)...)
	return r, nil
}

func (c *checker) layers() {
	c.certificate.beginLayers()
	for _, row := range trace.Rows() {
		r := gradcheck.Layer(row.Case)
		c.report(r)
		c.certificate.layer(r)
		c.done.NonzeroShare = min(c.done.NonzeroShare, number(r.NonzeroShare()))
	}
	c.certificate.endTable()
	c.mutants = append(c.mutants, certify.Mutants()...)

	c.certificate.beginAdjoints()
	for _, l := range certify.RealSize() {
		r := certify.Adjoint(l, certify.RealBatch)
		c.report(r)
		c.certificate.adjoint(r)
	}
	c.certificate.endTable()

	bits := certify.Bits()
	for _, b := range bits {
		c.failed.add(b.Err())
		if c.json {
			c.printJSON(bitsEvent{"bits", b.Name, fmt.Sprintf("%016x", b.Got), b.Err() == nil})
		}
	}
	c.certificate.bits(bits)
}

// book shows what the loss of the book costs. That it is wrong is no failure
// here.
func (c *checker) book(s *subject) error {
	r, err := certify.BookLoss(s.denseNet, s.dense, nn.Labels[float64](s.denseLabels...))
	if err != nil {
		return err
	}
	c.printArrays("erratum", r)
	c.certificate.book(r, c.dense.Report)
	return nil
}

func (c *checker) faults() {
	for _, m := range c.mutants {
		c.done.FaultsTried++
		if m.Caught() {
			c.done.FaultsCaught++
		} else {
			c.failed.add(fmt.Errorf("a planted fault was not caught: %s", m.Name))
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
	c.certificate.faults(tallies)
}

// report prints the arrays of a proof and adds it to the sums.
func (c *checker) report(r gradcheck.Report) {
	c.printArrays("array", r)
	for _, w := range gradcheck.References() {
		if worst, compared := r.Error(w); compared {
			c.done.References[referenceKeys[w]] = max(c.done.References[referenceKeys[w]], number(worst))
		}
	}
	c.done.Kinks += r.Kinks()
	c.failed.add(r.Err())
	c.progress.step()
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

// finish prints the sum of it all.
func (c *checker) finish() {
	c.done.MaxError = c.done.References[referenceKeys[gradcheck.ComplexStep]]
	c.done.OK = c.failed.err() == nil
	c.certificate.end(c.done)
	if c.json {
		c.printJSON(c.done)
		return
	}
	fmt.Fprintf(c.stdout, "\n%d gradients: %.1f s by central differences, %.2g s by backpropagation, %.0f times faster\n",
		c.done.Parameters, c.dense.Numerical.Seconds(), c.dense.Backprop.Seconds(), c.dense.Speedup())
}
