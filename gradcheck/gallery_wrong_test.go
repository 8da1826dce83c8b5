package gradcheck_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/chainrule-go/chainrule/gradcheck"
	"github.com/chainrule-go/chainrule/nn"
)

// wrong is a layer with a mistake that people make.
type wrong struct {
	name    string
	why     string             // how one comes to write it
	clauses []gradcheck.Clause // one of which the refusal must name first
	sample  []int
	make    func(rng *rand.Rand) nn.Layer[float64]
	gradcheck.Case
	beyond string // why it is accepted; "" if it is refused
}

// of is the case of the wrong layer.
func (w wrong) of() gradcheck.Case {
	c := w.Case
	c.Name, c.Sample, c.New = w.name, w.sample, w.make
	return c
}

// wrongs are the wrong layers by kind.
var wrongs = []struct {
	kind   string
	layers []wrong
}{
	{"state", wrongState},
	{"sizes", wrongSizes},
	{"sharing", wrongSharing},
	{"modes", wrongModes},
	{"inputs", wrongInputs},
	{"float32", wrongFloat32},
	{"parameters", wrongParameters},
	{"sign", wrongSign},
	{"factor", wrongFactor},
	{"transpose", wrongTranspose},
	{"missing sum", wrongSum},
	{"missing mean", wrongMean},
	{"stale row", wrongRow},
	{"set", wrongSet},
	{"writes", wrongWrites},
	{"function", wrongFunction},
	{"second Backward", wrongSecond},
	{"shape", wrongShape},
	{"refusals", wrongRefusals},
}

// TestWrong: every wrong layer is refused, by the name of what it breaks, but for those
// that are said to be beyond the check.
func TestWrong(t *testing.T) {
	names := map[string]bool{}
	for _, kind := range wrongs {
		t.Run(kind.kind, func(t *testing.T) {
			t.Parallel()
			for _, w := range kind.layers {
				t.Run(w.name, func(t *testing.T) {
					failures := gradcheck.Layer(w.of()).Failures()
					switch {
					case w.beyond != "":
						if len(failures) > 0 {
							t.Errorf("it is said to be accepted, and is refused as %v", failures)
						}
					case len(failures) == 0:
						t.Errorf("it is accepted; %s", w.why)
					case poisoned && strings.HasSuffix(w.name, "AddsToScratch"):
						// With -tags poison the first step shows it, as NaN.
					case !slices.Contains(w.clauses, failures[0].Clause):
						t.Errorf("it is refused as %v, want one of %q; %s", failures, w.clauses, w.why)
					}
				})
			}
		})
		for _, w := range kind.layers {
			if names[w.name] {
				t.Errorf("there are two layers %s", w.name)
			}
			names[w.name] = true
		}
		if len(kind.layers) < 5 {
			t.Errorf("%d layers of the kind %s, want 5 or more", len(kind.layers), kind.kind)
		}
	}
	if len(names) < 150 {
		t.Errorf("%d wrong layers, want 150 or more", len(names))
	}
}

// poisoned says that memory of a Pass is NaN when it is lent: -tags poison.
var poisoned = math.IsNaN((&nn.Pass[float64]{}).New(1).Data[0])

// These shorten the table.
type (
	pass    = *nn.Pass[float64]
	clauses = []gradcheck.Clause
	made    = nn.Layer[float64]
)

var (
	dx = clauses{gradcheck.GradientOfX}
	dw = clauses{gradcheck.GradientOfParams}
)

// linear43 is y = x·W + b from 4 to 3 features, with its parameters.
func linear43(rng *rand.Rand) (l *layer[float64], w, b *nn.Param[float64]) {
	l = linear[float64](rng, 4, 3)
	return l, l.params[0], l.params[1]
}

// then runs more after the correct Backward.
func then(l *layer[float64], more func(p pass, x, y, dy, dx array)) *layer[float64] {
	right := l.backward
	l.backward = func(p pass, x, y, dy array) array {
		dx := right(p, x, y, dy)
		more(p, x, y, dy, dx)
		return dx
	}
	return l
}

// afterForward runs more after the correct Forward.
func afterForward(l *layer[float64], more func(p pass, x, y array)) *layer[float64] {
	right := l.forward
	l.forward = func(p pass, x array) array {
		y := right(p, x)
		more(p, x, y)
		return y
	}
	return l
}

// keeps reports whether a pass saves.
func keeps(p pass) bool { return p != nil && p.Keep }

// trains reports whether a pass trains.
func trains(p pass) bool { return p != nil && p.Train }
