package gradcheck

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/chainrule-go/chainrule/nn"
)

// recorder is a test that only writes down what fails.
type recorder struct {
	testing.TB
	errors []string
}

func (r *recorder) Helper() {}
func (r *recorder) Errorf(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}

// TestTest: a test fails once for each failure, and not for a correct layer.
func TestTest(t *testing.T) {
	var r recorder
	if Test(&r, relu); len(r.errors) > 0 {
		t.Errorf("a correct layer fails: %q", r.errors)
	}
	c := relu
	c.New = func(*rand.Rand) nn.Layer[float64] { return &unguarded{} }
	c.Float32 = nil
	if Test(&r, c); len(r.errors) != len(Layer(c).Failures()) || !strings.HasPrefix(r.errors[0], "ReLU: ") {
		t.Errorf("a wrong layer fails as %q", r.errors)
	}
}

// TestFailureString: every part of a failure that is known.
func TestFailureString(t *testing.T) {
	for _, test := range []struct {
		f    Failure
		want string
	}{
		{Failure{Clause: Parameters, What: "Params lists W twice"}, "parameters: Params lists W twice"},
		{Failure{Clause: GradientOfX, Array: "dx", Index: []int{1, 2}, Got: 1, Want: 2, What: "graph says so", Cause: "the sign", Input: "x = 1"},
			"gradient of x: dx[1 2] is 1, want 2: graph says so (the sign); shown by x = 1"},
		{Failure{Clause: ValueOfY, Array: "loss", Got: 1, Want: 2, What: "graph says so"}, "value of y: loss is 1, want 2: graph says so"},
	} {
		if got := test.f.String(); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

// TestShown: the input of a failure is shrunk to one sample and one number.
func TestShown(t *testing.T) {
	c := Case{Name: "Double", Sample: []int{3}, New: func(*rand.Rand) nn.Layer[float64] { return &wrongAbove1{} }}
	for _, f := range Layer(c).Failures() {
		if f.Clause == GradientOfX {
			if want := "x = Tensor(1, 3) [["; !strings.HasPrefix(f.Input, want) || strings.Count(f.Input, "0 ")+strings.Count(f.Input, "0]") != 2 {
				t.Errorf("shown by %s, want one sample with two zeros", f.Input)
			}
			return
		}
	}
	t.Error("it is accepted")
}

// wrongAbove1 doubles x, and is wrong where x is above 1.
type wrongAbove1 struct{ x nn.Saved[float64] }

func (l *wrongAbove1) Forward(p *nn.Pass[float64], x array) array {
	l.x.Set(p, x)
	y := p.New(x.Shape...)
	for i, v := range x.Data {
		y.Data[i] = 2 * v
	}
	return y
}

func (l *wrongAbove1) Backward(p *nn.Pass[float64], dy array) array {
	x := l.x.Get(p, l)
	nn.CheckShape(l, dy, x.Shape)
	dx := p.New(dy.Shape...)
	for i, d := range dy.Data {
		dx.Data[i] = 2 * d
		if x.Data[i] > 1 {
			dx.Data[i] = 3 * d
		}
	}
	return dx
}

func (l *wrongAbove1) Params() []*nn.Param[float64] { return nil }

// TestState: what a layer writes is named by its field; what a mutex guards is not.
func TestState(t *testing.T) {
	l := &remembers{}
	before := stateOf(l)
	if field := before.changed(stateOf(l)); field != "" {
		t.Errorf("%s changes by itself", field)
	}
	l.guarded.calls++
	if field := before.changed(stateOf(l)); field != "" {
		t.Errorf("%s changes, and a mutex guards it", field)
	}
	for _, test := range []struct {
		change func()
		want   string
	}{
		{func() { l.inner.sums = append(l.inner.sums, 1) }, "inner.sums"},
		{func() { l.inner.sums[0] = 2 }, "inner.sums"},
		{func() { l.table = map[string]float64{"a": 1} }, "table"},
		{func() { l.table["a"] = 2 }, "table"},
		{func() { l.calls++ }, "calls"},
	} {
		before := stateOf(l)
		test.change()
		if got := before.changed(stateOf(l)); got != test.want {
			t.Errorf("%q changes, want %q", got, test.want)
		}
	}
}

type remembers struct {
	calls   int
	inner   struct{ sums []float64 }
	table   map[string]float64
	guarded struct {
		sync.Mutex
		calls int
	}
}
