package optim

import (
	"errors"
	"fmt"
	"math"

	"github.com/chainrule-go/chainrule/internal/kernel"
)

// A Schedule says by which factor the learning rate is multiplied in each step. The
// schedules of this package give the same bits on every processor.
type Schedule interface {
	// Factor returns the factor of a step, counted from 0; it is 0 or more.
	Factor(step int) float64

	// String returns the text of the schedule. [ParseSchedule] reads the text of the
	// schedules of this package.
	String() string
}

// Constant keeps the learning rate constant.
type Constant struct{}

func (*Constant) Factor(int) float64 { return 1 }

// StepDecay multiplies the learning rate by Gamma every Every steps: the factor of step t
// is Gamma to the power of ⌊t/Every⌋. With Every = 1 it is exponential decay.
type StepDecay struct {
	Every int     // steps, 1 or more
	Gamma float64 // usually 0.1
}

func (s *StepDecay) Factor(step int) float64 { return power(s.Gamma, step/max(1, s.Every)) }

// Milestones multiplies the learning rate by Gamma at each of the steps At. (He and others,
// "Deep residual learning for image recognition", CVPR 2016, section 4.)
type Milestones struct {
	At    []int   // steps
	Gamma float64 // usually 0.1
}

func (m *Milestones) Factor(step int) float64 {
	passed := 0
	for _, at := range m.At {
		if step >= at {
			passed++
		}
	}
	return power(m.Gamma, passed)
}

// Linear changes from 1 to End in Steps steps, and then stays at End:
//
//	1 + (End - 1)·t/Steps
type Linear struct {
	Steps int
	End   float64
}

func (l *Linear) Factor(step int) float64 {
	if step >= l.Steps {
		return l.End
	}
	return math.FMA(l.End-1, part(step, l.Steps), 1)
}

// Exponential changes from 1 to End, which is above 0, in Steps steps, and then stays at End:
//
//	End^(t/Steps)
type Exponential struct {
	Steps int
	End   float64
}

func (e *Exponential) Factor(step int) float64 {
	if step >= e.Steps {
		return e.End
	}
	x := []float64{part(step, e.Steps) * kernel.Log(e.End)}
	kernel.Exp(x, x)
	return x[0]
}

// Cosine changes from 1 to End in Steps steps, along half a wave of the cosine, and then
// stays at End:
//
//	End + (1 - End)·(1 + cos(π·t/Steps))/2
//
// (Loshchilov and Hutter, "SGDR: Stochastic gradient descent with warm restarts", ICLR
// 2017, without restarts.)
type Cosine struct {
	Steps int
	End   float64
}

func (c *Cosine) Factor(step int) float64 {
	if step >= c.Steps {
		return c.End
	}
	return wave(1, c.End, part(step, c.Steps))
}

// OneCycle rises from Start to 1 during the share Rise of its steps, and then falls to End,
// both along half a wave of the cosine. So LR is the highest learning rate. (Smith and
// Topin, "Super-convergence: Very fast training of neural networks using large learning
// rates", 2018. As in PyTorch, the factor is 1 at the step Rise·Steps - 1 and End at the
// last step. The momentum does not change.)
type OneCycle struct {
	Steps            int
	Rise, Start, End float64 // usually 0.3, 0.04 and 4e-6
}

func (o *OneCycle) Factor(step int) float64 {
	t, last := float64(step), float64(o.Steps)-1
	top := float64(o.Rise*float64(o.Steps)) - 1 // the conversion keeps the product rounded
	switch {
	case t >= last:
		return o.End
	case t < top:
		return wave(o.Start, 1, t/top)
	}
	top = max(top, 0)
	return wave(1, o.End, (t-top)/(last-top))
}

// Warmup raises the learning rate in equal parts before the schedule Then begins. The
// factor of a step t < Steps is the first factor of Then times (t + 1)/(Steps + 1). (Goyal
// and others, "Accurate, large minibatch SGD", 2017.)
type Warmup struct {
	Steps int
	Then  Schedule
}

func (w *Warmup) Factor(step int) float64 {
	if step >= w.Steps {
		return w.Then.Factor(step - w.Steps)
	}
	return w.Then.Factor(0) * part(step+1, w.Steps+1)
}

// checkSchedule returns an error if a schedule of this package lacks a setting. A schedule
// with 0 steps would be at its end from the beginning.
func checkSchedule(s Schedule) error {
	steps := func(name string, n int) error {
		if n < 1 {
			return fmt.Errorf("optim: %T wants %s of 1 or more, got %d", s, name, n)
		}
		return nil
	}
	switch s := s.(type) {
	case *StepDecay:
		return steps("Every", s.Every)
	case *Linear:
		return steps("Steps", s.Steps)
	case *Exponential:
		return steps("Steps", s.Steps)
	case *Cosine:
		return steps("Steps", s.Steps)
	case *OneCycle:
		return steps("Steps", s.Steps)
	case *Warmup:
		if s.Then == nil {
			return errors.New("optim: *optim.Warmup wants Then, the schedule after it; &optim.Constant{} keeps the learning rate")
		}
		return checkSchedule(s.Then)
	}
	return nil
}

// part returns step as a share of steps.
func part(step, steps int) float64 { return float64(step) / float64(steps) }

// wave goes from from to to along half a wave of the cosine, as p goes from 0 to 1.
func wave(from, to, p float64) float64 { return math.FMA((from-to)/2, 1+cosPi(p), to) }
