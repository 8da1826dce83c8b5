package gradcheck

import (
	"errors"
	"fmt"
	"slices"
)

// A Report is the outcome of a check: of a layer, of a network, or of a layer at
// real size. Tests, the command and docs/CERTIFICATE.md all read it.
type Report struct {
	Name     string
	Arrays   []Array
	Failures []string // broken promises, in words
}

// An Array is what was found out about one array: the gradient of an input or of
// a parameter, or the result y.
type Array struct {
	Name     string // "dx", the name of the parameter, or "y"
	Shape    []int
	Batch    int  // the number of samples
	Result   bool // it is y, or the loss, and no gradient
	Elements int
	NonZero  int  // elements that are not 0
	OwnZeros int  // zeros of a layer that is flat there, to one side at least
	Smooth   bool // no zeros of its own are expected

	Against []Comparison // one a witness
	Float32 *Ulps        // float32 against float64; nil if not looked at
	Adjoint *Ulps        // <J·v, w> against <v, Jᵀ·w>; nil if not looked at
	Cause   string       // the likely cause of what is wrong, in words
}

// A Comparison is that of an array with what a witness says.
type Comparison struct {
	Witness  Witness
	Elements int     // that were compared: all, but in networks too large for that
	MaxError float64 // the largest relative error, kinks aside
	Worst    Element // where it is
	Kinks    int     // elements judged by their one-sided derivatives

	outside []Element // kinks whose gradient is not between the derivatives
}

// wrong reports whether the witness contradicts.
func (c Comparison) wrong() bool { return !(c.MaxError <= c.Witness.Bound()) || len(c.outside) > 0 }

// An Element is one gradient and what the witness says.
type Element struct {
	Index     []int
	Got, Want float64
}

// Ulps is an error in units of the last place of float32, and what is allowed.
type Ulps struct {
	Error, Bound float64
	Worst        Element
}

func (u *Ulps) wrong() bool { return u != nil && !(u.Error <= u.Bound) }

// index is the place along each axis of element i.
func (a Array) index(i int) []int {
	index := make([]int, len(a.Shape))
	for axis, d := range slices.Backward(a.Shape) {
		index[axis] = i % d
		i /= d
	}
	return index
}

// Error returns the largest relative error against a witness, and whether it was
// heard.
func (a Array) Error(w Witness) (float64, bool) {
	for _, c := range a.Against {
		if c.Witness == w {
			return c.MaxError, true
		}
	}
	return 0, false
}

// Kinks returns how many elements were judged one-sidedly.
func (a Array) Kinks() (n int) {
	for _, c := range a.Against {
		n += c.Kinks
	}
	return n
}

// Coverage is the share of gradients that are not 0: the part of the comparison
// that proves something. Zeros that the function has of itself (ReLU's flat
// half) and that were confirmed from one side do not count against it. It is
// NaN for no elements.
func (a Array) Coverage() float64 {
	return float64(a.NonZero+a.OwnZeros) / float64(a.Elements)
}

// Error returns the largest relative error of all arrays against a witness, and
// whether it was heard.
func (r Report) Error(w Witness) (worst float64, heard bool) {
	for _, a := range r.Arrays {
		if err, ok := a.Error(w); ok {
			worst, heard = max(worst, err), true
		}
	}
	return worst, heard
}

// Coverage returns the lowest coverage of the gradients, those of a single sample
// aside: one sample need not wake every unit.
func (r Report) Coverage() float64 {
	lowest := 1.0
	for _, a := range r.Arrays {
		if a.Batch > 1 && !a.Result {
			lowest = min(lowest, a.Coverage())
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

// Contradicts reports whether the witness contradicts a gradient.
func (r Report) Contradicts(w Witness) bool {
	return slices.ContainsFunc(r.Arrays, func(a Array) bool {
		return slices.ContainsFunc(a.Against, func(c Comparison) bool { return c.Witness == w && c.wrong() })
	})
}

// Err returns nil if the check passed, and otherwise everything that is wrong.
func (r Report) Err() error {
	var errs []error
	wrong := func(a Array, format string, args ...any) {
		err := fmt.Sprintf(format, args...)
		if a.Cause != "" {
			err += " (" + a.Cause + ")"
		}
		errs = append(errs, fmt.Errorf("%s: %s%s", r.Name, a.Name, err))
	}
	for _, a := range r.Arrays {
		// The first witness to contradict speaks for the others.
		for _, c := range a.Against {
			for _, e := range c.outside {
				wrong(a, "%v is %v at a kink, outside the one-sided derivatives around %v", e.Index, e.Got, e.Want)
			}
			if !(c.MaxError <= c.Witness.Bound()) {
				wrong(a, "%v is %v, %s says %v: relative error %.2g, at most %.0e",
					c.Worst.Index, c.Worst.Got, c.Witness, c.Worst.Want, c.MaxError, c.Witness.Bound())
				break
			}
		}
		if u := a.Float32; u.wrong() {
			wrong(a, "%v is %v in float32, %v in float64: %.3g ulp, at most %.3g", u.Worst.Index, u.Worst.Got, u.Worst.Want, u.Error, u.Bound)
		}
		if u := a.Adjoint; u.wrong() {
			wrong(a, ": <J·v, w> is %v, <v, Jᵀ·w> is %v: %.3g ulp, at most %.3g", u.Worst.Want, u.Worst.Got, u.Error, u.Bound)
		}
	}
	for _, f := range r.Failures {
		errs = append(errs, fmt.Errorf("%s: %s", r.Name, f))
	}
	return errors.Join(errs...)
}
