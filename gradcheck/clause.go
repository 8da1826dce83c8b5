package gradcheck

import (
	"fmt"
	"strings"
)

// A Clause is one requirement of the contract that [nn.Layer] states, or of a [Case]. Every
// [Failure] names the clause that is broken.
type Clause string

const (
	ValueOfY         Clause = "value of y"            // y is what the formula says
	GradientOfX      Clause = "gradient of x"         // dx is the gradient, and has the shape of x
	GradientOfParams Clause = "gradient of parameter" // and so is what Backward adds to each Grad
	AtKinks          Clause = "kinks"                 // at a kink, a gradient lies between the one-sided derivatives

	XUnmodified      Clause = "x unmodified"
	DYUnmodified     Clause = "dy unmodified"
	YUnmodified      Clause = "y unmodified"          // Backward does not change y
	ParamsUnmodified Clause = "parameters unmodified" // Forward and Backward change no Value
	GradAdded        Clause = "Grad added to"         // Backward adds to Grad, and does not set it
	SameBits         Clause = "same bits"             // the same layer, Pass settings and x give the same bits
	SecondBackward   Clause = "second Backward"       // in the same step: the same dx, and the same gradients are added again

	Steps      Clause = "state across steps" // a step does not depend on earlier ones
	Sizes      Clause = "batch sizes"        // batches of any size, one after another in any order
	Sharing    Clause = "sharing"            // results and memory are not shared between layers or Passes
	Modes      Clause = "modes"              // Train, Keep, Threads, a nil Pass
	Inputs     Clause = "inputs"             // small and large magnitudes, zeros, repeated values
	Float32    Clause = "float32"            // all clauses hold in float32
	Parameters Clause = "parameters"         // Params lists all parameters, each once, in a fixed order; all are used

	Refusals Clause = "refusals" // the layer panics with its name if it is used wrongly
	Judgment Clause = "judgment" // no clause is broken: the check cannot judge the layer
)

// Clauses returns all clauses.
func Clauses() []Clause {
	return []Clause{ValueOfY, GradientOfX, GradientOfParams, AtKinks, XUnmodified, DYUnmodified, YUnmodified, ParamsUnmodified, GradAdded,
		SameBits, SecondBackward, Steps, Sizes, Sharing, Modes, Inputs, Float32, Parameters, Refusals, Judgment}
}

// A Failure is one way in which a layer or a network breaks a clause.
type Failure struct {
	Clause Clause
	Array  string // "y", "dx" or the name of a parameter; "" if there is no array
	Index  []int  // of the worst element; nil if there is none
	Got    float64
	Want   float64
	What   string // what is wrong, in words
	Cause  string // the likely cause; "" if unknown
	Input  string // the shortest input found that shows it
}

func (f Failure) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%s: ", f.Clause)
	if f.Index != nil || f.Got != f.Want {
		s.WriteString(f.Array)
		if f.Index != nil {
			fmt.Fprint(&s, f.Index)
		}
		fmt.Fprintf(&s, " is %v, want %v: ", f.Got, f.Want)
	}
	s.WriteString(f.What)
	if f.Cause != "" {
		fmt.Fprintf(&s, " (%s)", f.Cause)
	}
	if f.Input != "" {
		fmt.Fprintf(&s, "; shown by %s", f.Input)
	}
	return s.String()
}

// explains reports whether the failure explains wrong gradients.
func (f Failure) explains() bool {
	switch f.Clause {
	case XUnmodified, DYUnmodified, YUnmodified, ParamsUnmodified, SameBits, Parameters:
		return true
	}
	return false
}
