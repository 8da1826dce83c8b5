package optim

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// named is a schedule of this package. Its methods are used to read it from text and to
// write it.
type named interface {
	Schedule
	parts() (name string, settings []setting)
}

// A setting is a part of the text of a schedule. value is an *int or a *[]int, for steps, or a
// *float64, from least to 1.
type setting struct {
	name  string
	value any
	least float64
}

// schedules lists the schedules with their usual settings for a training with the given
// number of steps. Steps that are 0 must be given in the text.
func schedules(steps int) []named {
	return []named{
		&Constant{},
		&StepDecay{Gamma: 0.1},
		&Milestones{Gamma: 0.1},
		&Linear{Steps: steps},
		&Exponential{Steps: steps, End: 0.01},
		&Cosine{Steps: steps},
		&OneCycle{Steps: steps, Rise: 0.3, Start: 0.04, End: 4e-6},
	}
}

func (*Constant) parts() (string, []setting) { return "constant", nil }
func (s *StepDecay) parts() (string, []setting) {
	return "step", []setting{{"every", &s.Every, 1}, {"gamma", &s.Gamma, 0}}
}
func (m *Milestones) parts() (string, []setting) {
	return "milestones", []setting{{"at", &m.At, 1}, {"gamma", &m.Gamma, 0}}
}
func (l *Linear) parts() (string, []setting) {
	return "linear", []setting{{"steps", &l.Steps, 1}, {"end", &l.End, 0}}
}
func (e *Exponential) parts() (string, []setting) {
	return "exponential", []setting{{"steps", &e.Steps, 1}, {"end", &e.End, 1e-30}}
}
func (c *Cosine) parts() (string, []setting) {
	return "cosine", []setting{{"steps", &c.Steps, 1}, {"end", &c.End, 0}}
}
func (o *OneCycle) parts() (string, []setting) {
	return "onecycle", []setting{{"steps", &o.Steps, 1}, {"rise", &o.Rise, 0}, {"start", &o.Start, 0}, {"end", &o.End, 0}}
}

func (c *Constant) String() string    { return text(c) }
func (s *StepDecay) String() string   { return text(s) }
func (m *Milestones) String() string  { return text(m) }
func (l *Linear) String() string      { return text(l) }
func (e *Exponential) String() string { return text(e) }
func (c *Cosine) String() string      { return text(c) }
func (o *OneCycle) String() string    { return text(o) }
func (w *Warmup) String() string      { return fmt.Sprintf("%v warmup=%d", w.Then, w.Steps) }

func text(s named) string {
	name, settings := s.parts()
	for _, set := range settings {
		switch v := set.value.(type) {
		case *int:
			name += fmt.Sprintf(" %s=%d", set.name, *v)
		case *float64:
			name += fmt.Sprintf(" %s=%v", set.name, *v)
		case *[]int:
			name += " " + set.name + "=" + strings.Join(strings.Fields(strings.Trim(fmt.Sprint(*v), "[]")), ",")
		}
	}
	return name
}

// ScheduleNames returns the names that [ParseSchedule] knows.
func ScheduleNames() (names []string) {
	for _, s := range schedules(0) {
		name, _ := s.parts()
		names = append(names, name)
	}
	return names
}

// ParseSchedule reads a schedule from text: a name and settings, as in
//
//	constant
//	step every=1000 gamma=0.5
//	milestones at=50%,75% gamma=0.1
//	linear end=0.1
//	exponential end=0.01
//	cosine warmup=500
//	onecycle rise=0.3 start=0.04 end=4e-6
//
// A setting has the name of its field; if it is left out, it has its usual value. warmup
// puts a [Warmup] before the schedule. steps is the length of the training, 0 if unknown:
// percentages refer to it. If the text does not say otherwise, a schedule with Steps takes
// all steps after the warm-up. String returns a text with all settings, in steps, from
// which ParseSchedule makes the same schedule. An error says what is wrong in the text.
func ParseSchedule(text string, steps int) (Schedule, error) {
	s, err := parseSchedule(strings.Fields(text), steps)
	if err != nil {
		return nil, fmt.Errorf("schedule %q: %w", text, err)
	}
	return s, nil
}

func parseSchedule(words []string, steps int) (Schedule, error) {
	if len(words) == 0 {
		words = []string{""}
	}
	at := slices.Index(ScheduleNames(), words[0])
	if at < 0 {
		return nil, fmt.Errorf("want one of %s, got %q", strings.Join(ScheduleNames(), ", "), words[0])
	}
	given, err := assignments(words[1:])
	if err != nil {
		return nil, err
	}
	warmup := 0
	if err := (setting{"warmup", &warmup, 1}).read(given, steps); err != nil {
		return nil, err
	}
	if steps > 0 && warmup >= steps {
		return nil, fmt.Errorf("the warm-up of %d steps leaves none of the training, which has %d", warmup, steps)
	}
	schedule := schedules(max(0, steps-warmup))[at]
	_, settings := schedule.parts()
	names := []string{}
	for _, set := range settings {
		names = append(names, set.name)
		if err := set.read(given, steps); err != nil {
			return nil, err
		}
	}
	for _, word := range words[1:] { // in the order of the text
		if name, _, _ := strings.Cut(word, "="); given[name] != "" {
			return nil, fmt.Errorf("%s has no setting %q; want one of %s", words[0], name, strings.Join(append(names, "warmup"), ", "))
		}
	}
	for _, set := range settings {
		if v, ok := set.value.(*int); ok && *v == 0 {
			return nil, fmt.Errorf("want %s=, a number of steps", set.name)
		}
		if v, ok := set.value.(*[]int); ok && len(*v) == 0 {
			return nil, fmt.Errorf("want %s=, numbers of steps with commas between them", set.name)
		}
	}
	if warmup > 0 {
		return &Warmup{warmup, schedule}, nil
	}
	return schedule, nil
}

// assignments returns the values in words such as end=0.1, by name.
func assignments(words []string) (map[string]string, error) {
	given := map[string]string{}
	for _, word := range words {
		name, value, ok := strings.Cut(word, "=")
		switch {
		case !ok || name == "" || value == "":
			return nil, fmt.Errorf("want settings such as warmup=500, got %q", word)
		case given[name] != "":
			return nil, fmt.Errorf("%s is given twice", name)
		}
		given[name] = value
	}
	return given, nil
}

// read removes the value of the setting from given and reads it, if it is there.
func (s setting) read(given map[string]string, steps int) (err error) {
	value := given[s.name]
	if value == "" {
		return nil
	}
	delete(given, s.name)
	switch v := s.value.(type) {
	case *int:
		*v, err = parseSteps(value, steps)
	case *[]int:
		for _, word := range strings.Split(value, ",") {
			n, err := parseSteps(word, steps)
			if err == nil && len(*v) > 0 && n <= (*v)[len(*v)-1] {
				err = fmt.Errorf("want steps that rise, got %s", value)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			*v = append(*v, n)
		}
	case *float64:
		if *v, err = strconv.ParseFloat(value, 64); err != nil || !(*v >= s.least && *v <= 1) {
			err = fmt.Errorf("want a number from %v to 1, got %q", s.least, value)
		}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	return nil
}

// parseSteps reads a number of steps, or a percentage of the steps of the training.
func parseSteps(word string, steps int) (int, error) {
	if percent, ok := strings.CutSuffix(word, "%"); ok {
		p, err := strconv.ParseFloat(percent, 64)
		switch {
		case err != nil || !(p > 0 && p <= 100):
			return 0, fmt.Errorf("want a percentage above 0 and up to 100, got %q", word)
		case steps == 0:
			return 0, fmt.Errorf("%s of an unknown number of steps; give it in steps", word)
		}
		return max(1, int(math.Round(p*float64(steps)/100))), nil
	}
	n, err := strconv.Atoi(word)
	if err != nil || n < 1 || n > mostSteps {
		return 0, fmt.Errorf("want a number of steps from 1 to %d, or a percentage of the training, got %q", mostSteps, word)
	}
	return n, nil
}

// mostSteps is more than any training needs, and fits a 32-bit int.
const mostSteps = 1 << 30
