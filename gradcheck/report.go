package gradcheck

import (
	"errors"
	"fmt"
	"slices"
)

// A Report is the outcome of a check of a layer or of a network.
type Report struct {
	Name   string
	Arrays []Array
	Broken []Failure // of the clauses that are not seen from Arrays
}

// An Array is what was found out about one array: the gradient of an input or of
// a parameter, or the result y.
type Array struct {
	Name      string // "dx", the name of the parameter, or "y"
	Shape     []int
	Batch     int  // the number of samples
	Result    bool // it is y, or the loss, and no gradient
	Elements  int
	Nonzero   int  // elements that are not 0
	FlatZeros int  // zeros where the function is constant, to one side at least
	Smooth    bool // the function is nowhere constant

	Comparisons []Comparison // one a reference
	Float32     *Ulps        // float32 against float64; nil if not compared
	Cause       string       // the likely cause of what is wrong, in words

	loose bool   // exact references bound it by looseBound
	input string // the plainest found that shows what is wrong
	of    Clause // that a wrong element breaks; "" if it is of the gradients themselves
}

// A Comparison is the result of comparing an array with a reference.
type Comparison struct {
	Reference Reference
	Elements  int     // that were compared: all, except in networks too large for that
	MaxError  float64 // the largest relative error, kinks aside
	Worst     Element // where it is
	Kinks     int     // elements judged by their one-sided derivatives
	Unjudged  int     // elements where differences of no step agree, so that nothing can be said

	bad     bool      // Worst is wrong
	outside []Element // kinks whose gradient is not between the derivatives
}

// wrong reports whether the reference contradicts.
func (c Comparison) wrong() bool { return c.bad || len(c.outside) > 0 }

// An Element is one gradient and what it should be.
type Element struct {
	Index     []int
	Got, Want float64
}

// Ulps is an error in units in the last place of float32, and the largest one allowed.
type Ulps struct {
	Error, Bound float64
	Worst        Element
}

func (u *Ulps) wrong() bool { return u != nil && !(u.Error <= u.Bound) }

// Error returns the largest relative error against a reference, and whether the array
// was compared with it.
func (a Array) Error(r Reference) (float64, bool) {
	for _, c := range a.Comparisons {
		if c.Reference == r {
			return c.MaxError, true
		}
	}
	return 0, false
}

// Kinks returns how many elements were judged one-sidedly.
func (a Array) Kinks() (n int) {
	for _, c := range a.Comparisons {
		n += c.Kinks
	}
	return n
}

// NonzeroShare is the share of the elements that are not 0. A gradient of 0 that agrees
// with 0 proves nothing. Zeros of a layer that is constant there do not count against
// it. It is NaN for no elements.
func (a Array) NonzeroShare() float64 {
	return float64(a.Nonzero+a.FlatZeros) / float64(a.Elements)
}

// Error returns the largest relative error of all arrays against a reference, and
// whether one was compared with it.
func (r Report) Error(by Reference) (worst float64, compared bool) {
	for _, a := range r.Arrays {
		if err, ok := a.Error(by); ok {
			worst, compared = max(worst, err), true
		}
	}
	return worst, compared
}

// NonzeroShare returns the lowest nonzero share of the gradients. Batches of one sample are left
// out, because one sample need not activate every unit.
func (r Report) NonzeroShare() float64 {
	lowest := 1.0
	for _, a := range r.Arrays {
		if a.Batch > 1 && !a.Result {
			lowest = min(lowest, a.NonzeroShare())
		}
	}
	return lowest
}

// Kinks returns how many elements were judged one-sidedly.
func (r Report) Kinks() (n int) {
	for _, a := range r.Arrays {
		n += a.Kinks()
	}
	return n
}

// Contradicts reports whether the reference contradicts a gradient.
func (r Report) Contradicts(by Reference) bool {
	return slices.ContainsFunc(r.Arrays, func(a Array) bool {
		return slices.ContainsFunc(a.Comparisons, func(c Comparison) bool { return c.Reference == by && c.wrong() })
	})
}

// Failures returns everything that is wrong: what the arrays show, then what else of the
// contract is broken.
func (r Report) Failures() []Failure {
	var all []Failure
	// Gradients that an argument was changed under, or that are not the same twice, are
	// wrong for that reason.
	if !slices.ContainsFunc(r.Broken, func(f Failure) bool { return f.explains() }) {
		for _, a := range r.Arrays {
			if a.of == "" || len(all) == 0 {
				all = append(all, a.failures()...)
			}
		}
	}
	return append(all, r.Broken...)
}

// Err returns nil if the check passed, and otherwise everything that is wrong.
func (r Report) Err() error {
	var errs []error
	for _, f := range r.Failures() {
		errs = append(errs, fmt.Errorf("%s: %s", r.Name, f))
	}
	return errors.Join(errs...)
}

// failures returns what is wrong with an array.
func (a Array) failures() (all []Failure) {
	wrong := func(clause Clause, e Element, format string, args ...any) {
		all = append(all, Failure{Clause: clause, Array: a.Name, Index: e.Index, Got: e.Got, Want: e.Want, What: fmt.Sprintf(format, args...), Cause: a.Cause, Input: a.input})
	}
	// The first reference to contradict stands for the others.
	for _, c := range a.Comparisons {
		for _, e := range c.outside {
			wrong(AtKinks, e, "it is outside the one-sided derivatives around that")
		}
		if c.Unjudged > c.Elements/2 && a.of == "" {
			all = append(all, Failure{Clause: Judgment, Array: a.Name, What: fmt.Sprintf("cannot judge %d of %d elements of %s: differences of no step agree there; give the formula (Case.Graph), or inputs at which the layer is less steep (Case.Draw)", c.Unjudged, c.Elements, a.Name)})
		}
		if c.bad {
			most := c.Reference.Bound()
			if a.loose {
				most = max(most, looseBound)
			}
			wrong(a.clause(), c.Worst, "%s says so: relative error %.2g, at most %.0e", c.Reference, c.MaxError, most)
			break
		}
	}
	if u := a.Float32; u.wrong() {
		wrong(Float32, u.Worst, "in float32 it is off by %.3g ulp, at most %.3g", u.Error, u.Bound)
	}
	return all
}

// clause is what a wrong element of the array breaks.
func (a Array) clause() Clause {
	switch {
	case a.of != "":
		return a.of
	case a.Result:
		return ValueOfY
	case a.Name == "dx":
		return GradientOfX
	}
	return GradientOfParams
}
