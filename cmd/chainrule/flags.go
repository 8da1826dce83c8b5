package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/optim"
)

// The types of flags whose values have a range, checked where they are read, so
// that a value out of range is an error in the command line.

// count is a whole number from lo to hi.
type count struct{ value, lo, hi int }

func (c *count) Set(s string) error {
	n, err := strconv.Atoi(s)
	if err != nil || n < c.lo || n > c.hi {
		return fmt.Errorf("want a whole number from %d to %d", c.lo, c.hi)
	}
	c.value = n
	return nil
}
func (c *count) String() string { return strconv.Itoa(c.value) }
func (c *count) Type() string   { return "int" }

// class is the index of a class.
type class int

func (v *class) Set(s string) error {
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil {
		return fmt.Errorf("want the index of a class, counted from 0")
	}
	*v = class(n)
	return nil
}
func (v *class) String() string { return strconv.Itoa(int(*v)) }
func (v *class) Type() string   { return "int" }

// seed is any number of 64 bits.
type seed uint64

func (v *seed) Set(s string) error {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return fmt.Errorf("want a whole number from 0 to %d", uint64(math.MaxUint64))
	}
	*v = seed(n)
	return nil
}
func (v *seed) String() string { return strconv.FormatUint(uint64(*v), 10) }
func (v *seed) Type() string   { return "int" }

// rate is a learning rate: a number above 0.
type rate float64

func (r *rate) Set(s string) error {
	v, err := strconv.ParseFloat(s, 64)
	// Below the smallest normal float32, steps would vanish.
	if err != nil || !(v >= 0x1p-126) || v > math.MaxFloat32 {
		return fmt.Errorf("want a number above 0 and below 3.4e+38, such as 0.1")
	}
	*r = rate(v)
	return nil
}
func (r *rate) String() string { return strconv.FormatFloat(float64(*r), 'g', -1, 64) }
func (r *rate) Type() string   { return "number" }

// amount is a number of 0 or more.
type amount float64

func (v *amount) Set(s string) error {
	x, err := strconv.ParseFloat(s, 64)
	if err != nil || !(x == 0 || x >= 0x1p-126) || x > math.MaxFloat32 {
		return fmt.Errorf("want 0, or a number from 1.2e-38 to 3.4e+38, such as 0.1")
	}
	*v = amount(x)
	return nil
}
func (v *amount) String() string { return strconv.FormatFloat(float64(*v), 'g', -1, 64) }
func (v *amount) Type() string   { return "number" }

// schedule is the text of one.
type schedule string

func (v *schedule) Set(s string) error {
	// Whether a warm-up is shorter than the training is seen when that is known.
	if _, err := optim.ParseSchedule(s, math.MaxInt32); err != nil {
		return err
	}
	*v = schedule(s)
	return nil
}
func (v *schedule) String() string { return string(*v) }
func (v *schedule) Type() string   { return "how" }

// folder is the path of a folder, which is not empty.
type folder string

func (v *folder) Set(s string) error {
	if s == "" {
		return fmt.Errorf("want a folder, got no name")
	}
	*v = folder(s)
	return nil
}
func (v *folder) String() string { return string(*v) }
func (v *folder) Type() string   { return "folder" }

// sizes are the numbers of units of the hidden layers.
type sizes []int

func (v *sizes) Set(s string) error {
	const most = 1 << 16
	var parsed sizes
	for part := range strings.SplitSeq(s, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(part))
		if err != nil || n < 1 || n > most {
			return fmt.Errorf("want the units of each hidden layer, from 1 to %d, such as 50 or 128,64", most)
		}
		parsed = append(parsed, n)
	}
	*v = parsed
	return nil
}
func (v *sizes) String() string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint([]int(*v)), " ", ","), "[]")
}
func (v *sizes) Type() string { return "units" }

// activation is the layer after a hidden Affine.
type activation string

// activations are the names of all there are.
func activations() (names []string) {
	for _, kind := range nn.Kinds() {
		if l, _ := nn.NewOfKind[float32](kind); l != nil {
			if _, ok := l.(nn.Activation); ok {
				names = append(names, strings.ToLower(kind))
			}
		}
	}
	return names
}

func (v *activation) Set(s string) error {
	if !slices.Contains(activations(), s) {
		return fmt.Errorf("want one of %s", strings.Join(activations(), ", "))
	}
	*v = activation(s)
	return nil
}

func (v *activation) String() string { return string(*v) }
func (v *activation) Type() string   { return "name" }

// optimizer is the name of one.
type optimizer string

func (v *optimizer) Set(s string) error {
	if _, err := optim.Named[float32](s, nil); err != nil {
		return err
	}
	*v = optimizer(s)
	return nil
}
func (v *optimizer) String() string { return string(*v) }
func (v *optimizer) Type() string   { return "name" }

// initial is how weights are drawn: "he", "xavier", a standard deviation, or
// "auto".
type initial string

func (v *initial) Set(s string) error {
	if _, err := nn.ParseInit(s); err != nil && s != "auto" {
		return fmt.Errorf("want he, xavier, auto or a standard deviation above 0 and up to 1e6, such as 0.01")
	}
	*v = initial(s)
	return nil
}
func (v *initial) String() string { return string(*v) }
func (v *initial) Type() string   { return "how" }

// augmentation is how images are changed.
type augmentation data.Augmentation

func (v *augmentation) Set(s string) error {
	a, err := data.ParseAugmentation(s)
	*v = augmentation(a)
	return err
}
func (v *augmentation) String() string { return data.Augmentation(*v).String() }
func (v *augmentation) Type() string   { return "terms" }
