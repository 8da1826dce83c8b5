package gradcheck

import (
	"errors"
	"fmt"
	"math"
)

// Bound is the relative error up to which central differences with h = 1e-4 in
// float64 agree with a right gradient. What they leave is their own truncation.
const Bound = 1e-6

// An Array is the comparison of one array of gradients with its witness.
type Array struct {
	Name     string  // "dx", or the name of the parameter
	Batch    int     // the number of samples
	Elements int     //
	NonZero  int     // gradients that are not 0
	OwnZeros int     // zeros of a layer that is flat there, to one side at least
	Kinks    int     // elements judged by their one-sided derivatives
	MaxError float64 // the largest relative error, kinks aside
	Worst    Element // where it is
	Smooth   bool    // no zeros of its own are expected

	outside []Element // kinks whose gradient is not between the derivatives
}

// An Element is one gradient and what the witness says.
type Element struct {
	Index     []int
	Got, Want float64
}

// Coverage is the share of gradients that are not 0: the part of the comparison
// that proves something. Zeros that the function has of itself (ReLU's flat
// half) and that were confirmed from one side do not count against it. It is
// NaN for no elements.
func (a Array) Coverage() float64 {
	return float64(a.NonZero+a.OwnZeros) / float64(a.Elements)
}

// A Report is the outcome of a check.
type Report struct {
	Name     string
	Arrays   []Array
	Failures []string // broken promises, in words
}

// MaxError returns the largest relative error of all arrays.
func (r Report) MaxError() (worst float64) {
	for _, a := range r.Arrays {
		worst = max(worst, a.MaxError)
	}
	return worst
}

// Coverage returns the lowest coverage of the arrays, those of a single sample
// aside: one sample need not wake every unit.
func (r Report) Coverage() float64 {
	lowest := 1.0
	for _, a := range r.Arrays {
		if a.Batch > 1 {
			lowest = min(lowest, a.Coverage())
		}
	}
	return lowest
}

// Kinks returns how many elements were judged one-sidedly.
func (r Report) Kinks() (n int) {
	for _, a := range r.Arrays {
		n += a.Kinks
	}
	return n
}

// Err returns nil if the check passed, and otherwise everything that is wrong.
func (r Report) Err() error {
	var errs []error
	for _, a := range r.Arrays {
		if !(a.MaxError <= Bound) {
			errs = append(errs, fmt.Errorf("%s: %s%v is %v, central differences say %v: relative error %.2g, at most %.0e%s",
				r.Name, a.Name, a.Worst.Index, a.Worst.Got, a.Worst.Want, a.MaxError, Bound, cause(a.Worst)))
		}
		for _, e := range a.outside {
			errs = append(errs, fmt.Errorf("%s: %s%v is %v at a kink, outside the one-sided derivatives around %v",
				r.Name, a.Name, e.Index, e.Got, e.Want))
		}
	}
	for _, f := range r.Failures {
		errs = append(errs, fmt.Errorf("%s: %s", r.Name, f))
	}
	return errors.Join(errs...)
}

// cause guesses what was forgotten from the ratio of the two values.
func cause(e Element) string {
	ratio := e.Got / e.Want
	switch {
	case math.IsNaN(e.Got) || math.IsInf(e.Got, 0):
		return ""
	case e.Got == 0:
		return " (nothing arrives here)"
	case math.Abs(ratio+1) < 1e-3:
		return " (the sign)"
	case ratio > 1.5 && math.Abs(ratio-math.Round(ratio)) < 1e-3:
		return fmt.Sprintf(" (%g times too large)", math.Round(ratio))
	case ratio > 0 && ratio < 0.7 && math.Abs(1/ratio-math.Round(1/ratio)) < 1e-3:
		return fmt.Sprintf(" (%g times too small)", math.Round(1/ratio))
	}
	return ""
}
