package optim

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/chainrule-go/chainrule/nn"
)

func TestFactor(t *testing.T) {
	cosine := func(p float64) float64 { return (1 + math.Cos(math.Pi*p)) / 2 }
	for _, c := range []struct {
		schedule Schedule
		step     int
		want     float64
	}{
		{&Constant{}, 1000, 1},
		{&StepDecay{10, 0.5}, 9, 1},
		{&StepDecay{10, 0.5}, 10, 0.5},
		{&StepDecay{10, 0.5}, 39, 0.125},
		{&Milestones{[]int{3, 5}, 0.1}, 2, 1},
		{&Milestones{[]int{3, 5}, 0.1}, 3, 0.1},
		{&Milestones{[]int{3, 5}, 0.1}, 99, 0.01},
		{&Linear{4, 0.2}, 0, 1},
		{&Linear{4, 0.2}, 1, 0.8},
		{&Linear{4, 0.2}, 5, 0.2},
		{&Exponential{4, 0.0001}, 0, 1},
		{&Exponential{4, 0.0001}, 3, 0.001},
		{&Exponential{4, 0.0001}, 4, 0.0001},
		{&Cosine{8, 0}, 0, 1},
		{&Cosine{8, 0}, 1, cosine(0.125)},
		{&Cosine{8, 0}, 4, 0.5},
		{&Cosine{8, 0}, 6, cosine(0.75)},
		{&Cosine{8, 0.1}, 8, 0.1},
		{&Cosine{8, 0.1}, 99, 0.1},
		{&OneCycle{11, 6.0 / 11, 0.1, 0.01}, 0, 0.1},
		{&OneCycle{11, 6.0 / 11, 0.1, 0.01}, 5, 1},
		{&OneCycle{11, 6.0 / 11, 0.1, 0.01}, 10, 0.01},
		{&OneCycle{1, 0.3, 0.1, 0.01}, 0, 0.01},
		{&OneCycle{2, 0, 0.1, 0.01}, 0, 1},
		{&OneCycle{10, 0.1, 0.1, 0.01}, 0, 1},
		{&OneCycle{100, 0.01, 0.1, 0.01}, 0, 1},
		{&Warmup{3, &Cosine{8, 0}}, 0, 0.25},
		{&Warmup{3, &Cosine{8, 0}}, 2, 0.75},
		{&Warmup{3, &Cosine{8, 0}}, 3, 1},
		{&Warmup{3, &Cosine{8, 0}}, 7, 0.5},
	} {
		t.Run(fmt.Sprint(c.schedule, " at ", c.step), func(t *testing.T) {
			if got := c.schedule.Factor(c.step); math.Abs(got-c.want) > 1e-15 {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}

// TestScheduleWithoutSteps: a zero value is refused, and not an optimizer that stands still.
func TestScheduleWithoutSteps(t *testing.T) {
	for _, c := range []struct {
		schedule Schedule
		says     string
	}{
		{&StepDecay{Gamma: 0.1}, "*optim.StepDecay wants Every of 1 or more"},
		{&Linear{}, "*optim.Linear wants Steps of 1 or more"},
		{&Exponential{End: 0.1}, "*optim.Exponential wants Steps"},
		{&Cosine{}, "*optim.Cosine wants Steps"},
		{&OneCycle{Rise: 0.3}, "*optim.OneCycle wants Steps"},
		{&Warmup{Steps: 3}, "wants Then"},
		{&Warmup{Steps: 3, Then: &Linear{Steps: -1}}, "*optim.Linear wants Steps of 1 or more, got -1"},
	} {
		t.Run(fmt.Sprintf("%T", c.schedule), func(t *testing.T) {
			o := NewSGD([]*nn.Param[float32]{nn.NewParam[float32]("W", 2)}, 0.1)
			o.Schedule = c.schedule
			if err := o.Check(); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want %q", err, c.says)
			}
		})
	}
}

func TestCosPi(t *testing.T) {
	for i := range 1001 {
		x := float64(i) / 1000
		if got, want := cosPi(x), math.Cos(math.Pi*x); math.Abs(got-want) > 5e-16 {
			t.Errorf("cos %vπ = %v, want %v", x, got, want)
		}
	}
}

// The bits of the factors, recorded on amd64: every processor gives the same.
func TestFactorsHaveTheSameBitsEverywhere(t *testing.T) {
	for _, c := range []struct {
		text string
		want uint64
	}{
		{"step every=7 gamma=0.9", 0xb9bf7d9e5523f3a6},
		{"linear end=0.1", 0xf00069e3063ec545},
		{"exponential end=0.003", 0xd28f4d03977c7559},
		{"cosine end=0.1 warmup=13", 0xedc2dcfc46b15c0f},
		{"onecycle", 0xb461e4a2488c837a},
	} {
		t.Run(c.text, func(t *testing.T) {
			s, err := ParseSchedule(c.text, 1000)
			if err != nil {
				t.Fatal(err)
			}
			var sum uint64
			for step := range 1000 {
				sum = sum*31 + math.Float64bits(s.Factor(step))
			}
			if sum != c.want {
				t.Errorf("checksum %#x, want %#x", sum, c.want)
			}
		})
	}
}

func TestParseSchedule(t *testing.T) {
	for _, c := range []struct {
		text string
		want Schedule
	}{
		{"constant", &Constant{}},
		{"step every=100", &StepDecay{100, 0.1}},
		{"step gamma=0.5 every=10%", &StepDecay{120, 0.5}},
		{"milestones at=50%,75%", &Milestones{[]int{600, 900}, 0.1}},
		{"milestones at=3,4,100000 gamma=0.2", &Milestones{[]int{3, 4, 100000}, 0.2}},
		{"linear", &Linear{1200, 0}},
		{"exponential steps=50%", &Exponential{600, 0.01}},
		{"  cosine   end=1e-3 ", &Cosine{1200, 0.001}},
		{"cosine warmup=200", &Warmup{200, &Cosine{1000, 0}}},
		{"cosine steps=77 warmup=5%", &Warmup{60, &Cosine{77, 0}}},
		{"onecycle", &OneCycle{1200, 0.3, 0.04, 4e-6}},
		{"onecycle rise=0.5 start=0.1 end=0.2 warmup=1", &Warmup{1, &OneCycle{1199, 0.5, 0.1, 0.2}}},
		{"constant warmup=0.01%", &Warmup{1, &Constant{}}},
	} {
		t.Run(c.text, func(t *testing.T) {
			got, err := ParseSchedule(c.text, 1200)
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Fatalf("%v with error %v, want %v", got, err, c.want)
			}
			again, err := ParseSchedule(got.String(), 0)
			if err != nil || !reflect.DeepEqual(again, c.want) {
				t.Errorf("its text %q reads as %v with error %v, want %v", got, again, err, c.want)
			}
		})
	}
}

func TestParseScheduleRefuses(t *testing.T) {
	for _, c := range []struct {
		text  string
		steps int
		want  string
	}{
		{"", 10, `schedule "": want one of constant, step, milestones, linear, exponential, cosine, onecycle, got ""`},
		{"cosin", 10, `want one of constant, step, milestones, linear, exponential, cosine, onecycle, got "cosin"`},
		{"cosine warmp=5", 10, `schedule "cosine warmp=5": cosine has no setting "warmp"; want one of steps, end, warmup`},
		{"cosine 500", 10, `want settings such as warmup=500, got "500"`},
		{"cosine end=", 10, `want settings such as warmup=500, got "end="`},
		{"cosine end=0 end=1", 10, "end is given twice"},
		{"cosine end=2", 10, `end: want a number from 0 to 1, got "2"`},
		{"cosine end=NaN", 10, `end: want a number from 0 to 1, got "NaN"`},
		{"exponential end=0", 10, `end: want a number from 1e-30 to 1, got "0"`},
		{"cosine steps=0", 10, `steps: want a number of steps from 1 to 1073741824, or a percentage of the training, got "0"`},
		{"cosine steps=1.5", 10, `got "1.5"`},
		{"cosine warmup=10", 10, "the warm-up of 10 steps leaves none of the training, which has 10"},
		{"cosine", 0, "want steps=, a number of steps"},
		{"step", 10, "want every=, a number of steps"},
		{"milestones", 10, "want at=, numbers of steps with commas between them"},
		{"milestones at=5,5", 10, "at: want steps that rise, got 5,5"},
		{"milestones at=5,", 10, `at: want a number of steps`},
		{"step every=5%", 0, "every: 5% of an unknown number of steps; give it in steps"},
		{"step every=0%", 10, `every: want a percentage above 0 and up to 100, got "0%"`},
	} {
		t.Run(c.text, func(t *testing.T) {
			s, err := ParseSchedule(c.text, c.steps)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v with error %v, want %s", s, err, c.want)
			}
		})
	}
}

// FuzzParseSchedule: what is read is written as text that reads the same, and its
// factors are from 0 to 1.
func FuzzParseSchedule(f *testing.F) {
	for _, name := range ScheduleNames() {
		f.Add(name+" steps=10 end=0.5 warmup=3", 100)
		f.Add(name+" every=10% gamma=0.5", 100)
		f.Add(name+" at=1,5%,50 rise=0.1 start=0", 100)
	}
	f.Fuzz(func(t *testing.T, text string, steps int) {
		s, err := ParseSchedule(text, steps)
		if err != nil {
			return
		}
		again, err := ParseSchedule(s.String(), 0)
		if err != nil || again.String() != s.String() {
			t.Fatalf("%q reads as %q and then as %v with error %v", text, s, again, err)
		}
		for _, step := range []int{0, 1, 2, 10, 99, 100, 1 << 20, mostSteps} {
			if x := s.Factor(step); !(x >= 0 && x <= 1+1e-15) {
				t.Fatalf("%q: the factor of step %d is %v", s, step, x)
			}
		}
	})
}

// A learning rate follows the schedule, and a training that goes on does so from where
// it was.
func TestRateFollowsTheSchedule(t *testing.T) {
	p := param("w", []float64{0}, nil)
	o := NewSGD([]*nn.Param[float64]{p}, 2)
	o.Schedule = &Linear{4, 0}
	var rates []float64
	for range 3 {
		rates = append(rates, o.Rate())
		p.Grad.Data[0] = 1
		o.Step()
	}
	o.Steps = 1
	rates = append(rates, o.Rate())
	if want := []float64{2, 1.5, 1, 1.5}; !slices.Equal(rates, want) || p.Value.Data[0] != -4.5 {
		t.Errorf("rates %v to w = %v, want %v and -4.5", rates, p.Value.Data[0], want)
	}
}

// descending is a schedule of a user that ends below 0.
type descending struct{}

func (descending) Factor(step int) float64 { return 1 - float64(step) }
func (descending) String() string          { return "descending" }

func TestStepRefusesASchedule(t *testing.T) {
	o := NewSGD([]*nn.Param[float64]{param[float64]("w", []float64{1}, nil)}, 0.5)
	o.Schedule = descending{}
	o.Step()
	o.Step()
	defer func() {
		want := "optim: want a learning rate of 0 or more, got -0.5 at step 2 by the schedule descending"
		if got := fmt.Sprint(recover()); got != want {
			t.Errorf("panic %q, want %q", got, want)
		}
	}()
	o.Step()
}

// The first step after the warm-up is as far above its last as that is above the one before.
func TestWarmupIsContinuous(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 1))
	for _, name := range ScheduleNames() {
		t.Run(name, func(t *testing.T) {
			n := 2 + rng.IntN(50)
			s, err := ParseSchedule(fmt.Sprintf("%s warmup=%d%s", name, n, map[string]string{"step": " every=9", "milestones": " at=7"}[name]), 1000)
			if err != nil {
				t.Fatal(err)
			}
			last, first := s.Factor(n-1), s.Factor(n)
			if want := first * float64(n) / float64(n+1); math.Abs(last-want) > 1e-15 {
				t.Errorf("the last step of %d to warm up has %v, and then %v", n, last, first)
			}
		})
	}
}
