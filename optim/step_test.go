package optim

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/chainrule-go/chainrule/internal/kernel"
	"github.com/chainrule-go/chainrule/nn"
)

// everything turns on all that an optimizer can do.
func everything[T interface{ float32 | float64 }](o *Optimizer[T]) {
	o.ClipNorm, o.ClipValue, o.Decay = 10, 0.5, 0.01
	o.Schedule = &Warmup{2, &Cosine{10, 0.1}}
	g := o.Group(o.Params()[1])
	g.Rate, g.Decay = 0.5, 0
}

// sizes of parameters on both sides of a piece, and together enough to wake threads.
var sizes = []int{70*kernel.Piece + 5, 7, kernel.Piece, kernel.Piece + 1, 1, 0}

func drawn(rng *rand.Rand) (params []*nn.Param[float32]) {
	for i, n := range sizes {
		p := nn.NewParam[float32](fmt.Sprint("p", i), n)
		for j := range n {
			p.Value.Data[j] = float32(rng.Float64() - 0.5)
		}
		params = append(params, p)
	}
	return params
}

// TestSameBits: each optimizer of the table, with everything on, has the same bits on
// each path and any number of threads.
func TestSameBits(t *testing.T) {
	old := runtime.GOMAXPROCS(3)
	defer runtime.GOMAXPROCS(old)
	run := func(t *testing.T, name string, threads int) (all []float32) {
		rng := rand.New(rand.NewPCG(3, 1))
		params := drawn(rng)
		o, err := Named(name, params)
		if err != nil {
			t.Fatal(err)
		}
		everything(o)
		o.Threads = threads
		for range 4 {
			for _, p := range params {
				for j := range p.Grad.Data {
					p.Grad.Data[j] = float32(2*rng.Float64() - 1)
				}
			}
			o.Step()
		}
		for _, p := range params {
			all = append(append(all, p.Value.Data...), p.Grad.Data...)
		}
		for _, s := range o.State() {
			all = append(all, s.Value.Data...)
		}
		return all
	}
	paths := kernel.Paths()
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			want := run(t, name, 1)
			for _, path := range paths {
				restore, err := kernel.Use(path)
				if err != nil {
					t.Fatal(err)
				}
				for _, threads := range []int{1, 2, 3} {
					if got := run(t, name, threads); !slices.Equal(got, want) {
						t.Errorf("%s on %d threads has other bits", path, threads)
					}
				}
				restore()
			}
		})
	}
}

// TestClipNorm: the norm is that of all gradients together, and an element of it is the
// exact quotient of PyTorch's formula.
func TestClipNorm(t *testing.T) {
	for _, c := range []struct {
		name   string
		norm   float64
		want   [2]float64 // 3 and 4 of two parameters
		frozen bool
	}{
		{"above", 1, [2]float64{-3 / (5 + 1e-6), -4 / (5 + 1e-6)}, false},
		{"at", 5, [2]float64{-3 * (5 / (5 + 1e-6)), -4 * (5 / (5 + 1e-6))}, false},
		{"below", 5.1, [2]float64{-3, -4}, false},
		{"none", 0, [2]float64{-3, -4}, false},
		{"a frozen one does not count", 3.1, [2]float64{-3, 0}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, b := param("a", []float64{0}, []float64{3}), param("b", []float64{0}, []float64{4})
			o := NewSGD([]*nn.Param[float64]{a, b}, 1)
			o.ClipNorm = c.norm
			o.Group(b).Frozen = c.frozen
			o.Step()
			for i, p := range o.Params() {
				if got := p.Value.Data[0]; math.Abs(got-c.want[i]) > 1e-15 {
					t.Errorf("%s = %v, want %v", p.Name, got, c.want[i])
				}
				if p.Grad.Data[0] != 0 {
					t.Errorf("the gradient of %s is %v after the step", p.Name, p.Grad.Data[0])
				}
			}
		})
	}
}

// A float32 gradient whose squares overflow is clipped like any other.
func TestClipNormOfLargeGradients(t *testing.T) {
	p := param("w", []float32{0, 0}, []float32{3e30, 4e30})
	o := NewSGD([]*nn.Param[float32]{p}, 1)
	o.ClipNorm = 5
	o.Step()
	if got := p.Value.Data; math.Abs(float64(got[0])+3) > 1e-6 || math.Abs(float64(got[1])+4) > 1e-6 {
		t.Errorf("w = %v, want [-3 -4]", got)
	}
}

func TestNaNIsNotClipped(t *testing.T) {
	p := param("w", []float64{1, 1}, []float64{math.NaN(), 1})
	o := NewSGD([]*nn.Param[float64]{p}, 1)
	o.ClipNorm, o.ClipValue = 1, 1
	o.Step()
	if got := p.Value.Data; !math.IsNaN(got[0]) || !math.IsNaN(got[1]) {
		t.Errorf("w = %v, want NaN twice", got)
	}
}

// Settings that have no effect on these gradients change no bit.
func TestWhatIsOffChangesNoBit(t *testing.T) {
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			run := func(set func(o *Optimizer[float32])) []float32 {
				p := param("w", []float32{1, -2, 0.3}, nil)
				o, err := Named(name, []*nn.Param[float32]{p})
				if err != nil {
					t.Fatal(err)
				}
				set(o)
				for step := range 5 {
					for i := range p.Grad.Data {
						p.Grad.Data[i] = float32(i+step) * 0.1
					}
					o.Step()
				}
				return p.Value.Data
			}
			plain := run(func(*Optimizer[float32]) {})
			clipped := run(func(o *Optimizer[float32]) {
				o.ClipNorm, o.ClipValue, o.Schedule = 1e6, 1e6, &Constant{}
				o.Group(o.Params()...)
			})
			if !slices.Equal(plain, clipped) {
				t.Errorf("w = %v, and %v with settings that do nothing", plain, clipped)
			}
		})
	}
}

// TestStateDecaysToZero: without gradients no state ends among the subnormal numbers,
// where a step would be many times slower.
func TestStateDecaysToZero(t *testing.T) {
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			p := param("w", []float32{1}, []float32{1e-17})
			o, err := Named(name, []*nn.Param[float32]{p})
			if err != nil {
				t.Fatal(err)
			}
			for step := range 3000 {
				o.Step()
				for _, s := range o.State() {
					if v := float64(s.Value.Data[0]); v != 0 && math.Abs(v) < 0x1p-126 {
						t.Fatalf("step %d: the %s is the subnormal %x", step, s.Name, v)
					}
				}
			}
		})
	}
}

func TestStepAllocatesNothing(t *testing.T) {
	for _, name := range Names() {
		for _, threads := range []int{1, 2} {
			t.Run(fmt.Sprintf("%s/threads=%d", name, threads), func(t *testing.T) {
				o, err := Named(name, drawn(rand.New(rand.NewPCG(4, 1))))
				if err != nil {
					t.Fatal(err)
				}
				everything(o)
				o.Schedule = &Warmup{5, &Exponential{100, 0.1}}
				o.Threads = threads
				if n := testing.AllocsPerRun(20, o.Step); n != 0 {
					t.Errorf("%v allocations a step, want 0", n)
				}
			})
		}
	}
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		name string
		set  func(o *Optimizer[float32])
		want string
	}{
		{"as it is", func(*Optimizer[float32]) {}, ""},
		{"decay", func(o *Optimizer[float32]) { o.Decay = -0.1 }, "optim: want a weight decay of 0 or more, got -0.1"},
		{"norm", func(o *Optimizer[float32]) { o.ClipNorm = math.NaN() }, "optim: want a ClipNorm of 0 or more, got NaN"},
		{"value", func(o *Optimizer[float32]) { o.ClipValue = 1e39 }, "optim: want a ClipValue of 0 or more, got 1e+39"},
		{"tiny value", func(o *Optimizer[float32]) { o.ClipValue = 1e-50 }, "optim: ClipValue 1e-50 is 0 as a float32: every gradient would be 0"},
		{"group", func(o *Optimizer[float32]) { o.Group(o.Params()[0]).Rate = -1 },
			"optim: the group of parameter w: want a Rate and a Decay of 0 or more, got -1 and 0"},
		{"group's decay", func(o *Optimizer[float32]) { o.Group(o.Params()[0]).Decay = math.Inf(1) },
			"optim: the group of parameter w: want a Rate and a Decay of 0 or more, got 1 and +Inf"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := NewSGD([]*nn.Param[float32]{param("w", []float32{1}, nil)}, 0.1)
			c.set(o)
			got := ""
			if err := o.Check(); err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("error %q, want %q", got, c.want)
			}
		})
	}
}

func TestStepRefusesAnotherSize(t *testing.T) {
	p := param("w", []float32{1, 2}, nil)
	o := NewSGD([]*nn.Param[float32]{p}, 0.1)
	p.Grad = nn.NewParam[float32]("", 3).Grad
	defer func() {
		want := "optim: parameter w has a Value of 2 and a Grad of 3 elements, want 2 as at first"
		if got := fmt.Sprint(recover()); got != want {
			t.Errorf("panic %q, want %q", got, want)
		}
	}()
	o.Step()
}

// lion is a rule of a user: the sign of the gradient is all that counts.
type lion struct{}

func (lion) State() []string { return []string{"steps"} }

func (lion) Update(u Update[float32]) {
	for i, g := range u.Grad {
		if g != 0 {
			u.W[i] -= u.LR * g / float32(math.Abs(float64(g)))
		}
		u.State[0][i] = float32(u.Step)
		u.Grad[i] = 0
	}
}

// A rule of a user has clipping, decay, groups and threads like those of the package.
func TestRuleOfAUser(t *testing.T) {
	params := drawn(rand.New(rand.NewPCG(5, 1)))
	o := New(params, 0.25, lion{})
	o.Decay = 0.5
	want := slices.Clone(params[0].Value.Data)
	for i, w := range want {
		want[i] = w - float32(math.Copysign(0.25, float64(w)))
	}
	o.Step()
	if !slices.Equal(params[0].Value.Data, want) {
		t.Error("the weights did not go down their decay")
	}
	for _, s := range o.State() {
		if len(s.Value.Data) > 0 && (s.Name != "steps" || slices.Min(s.Value.Data) != 1) {
			t.Errorf("state %q of %s: an element had no step", s.Name, s.Param.Name)
		}
	}
}

func TestFrozenAndThawed(t *testing.T) {
	p := param("w", []float64{1}, []float64{1})
	o := NewMomentum([]*nn.Param[float64]{p}, 0.5, 0.5)
	g := o.Group(p)
	o.Step()
	g.Frozen = true
	p.Grad.Data[0] = 9
	o.Step()
	if v := o.State()[0].Value.Data[0]; p.Value.Data[0] != 0.5 || v != -0.5 || p.Grad.Data[0] != 0 {
		t.Errorf("frozen, w = %v with velocity %v and gradient %v, want 0.5, -0.5 and 0", p.Value.Data[0], v, p.Grad.Data[0])
	}
	g.Frozen = false
	o.Step()
	if p.Value.Data[0] != 0.25 {
		t.Errorf("thawed, w = %v, want 0.25", p.Value.Data[0])
	}
}

func TestGroupRefuses(t *testing.T) {
	o := NewSGD([]*nn.Param[float64]{param[float64]("w", nil, nil)}, 0.1)
	defer func() {
		if got := fmt.Sprint(recover()); !strings.HasPrefix(got, "optim: parameter 0 of the group is none of the optimizer") {
			t.Errorf("panic %q, want one that names the parameter", got)
		}
	}()
	o.Group(param[float64]("other", nil, nil))
}

func TestParamsIn(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 1))
	net := nn.NewSequential(nn.NewAffine[float32](4, 3, rng), nn.NewReLU[float32](),
		nn.NewSequential(nn.NewAffine[float32](3, 3, rng), nn.NewAffine[float32](3, 2, rng)))
	all := net.Params()
	inner := nn.ParamPaths(net)[all[2]]
	inner = inner[:strings.Index(inner, ".")] // the path of the inner chain
	for _, c := range []struct {
		name  string
		paths []string
		want  []*nn.Param[float32]
	}{
		{"none", nil, nil},
		{"a layer", []string{"Affine1"}, all[:2]},
		{"a container", []string{inner}, all[2:]},
		{"a layer in it", []string{inner + ".Affine2"}, all[4:]},
		{"both, named once", []string{inner + ".Affine1", inner}, all[2:]},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := ParamsIn(net, c.paths...)
			if err != nil || !slices.Equal(got, c.want) {
				t.Errorf("%d parameters with error %v, want %d", len(got), err, len(c.want))
			}
		})
	}
	_, err := ParamsIn(net, "Affine1", "Affine7")
	want := `optim: the network has no layer "Affine7"; want one of Affine1, ReLU1, ` + inner + ", " + inner + ".Affine1, " + inner + ".Affine2"
	if err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}
