package data

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/chainrule-go/chainrule/tensor"
)

// A Preparation says how samples were prepared before a network was trained on them, so that new
// samples are prepared in the same way. It is kept in the model file, as JSON.
//
// Samples are rows of a table (Columns), pictures (Image) or arrays of numbers (Array); one of
// the three is set. Their targets are Classes or Targets. Both are empty if there are classes
// without names.
type Preparation struct {
	Columns []Column `json:"columns,omitempty"` // the columns that are inputs, in order
	Image   *Image   `json:"image,omitempty"`
	Array   *Array   `json:"array,omitempty"`

	Label   string   `json:"label,omitempty"`   // the column of a table with the class
	Classes []string `json:"classes,omitempty"` // the names of the classes, by index
	Targets []Column `json:"targets,omitempty"` // the numbers to predict, and their columns in a table

	Header  bool     `json:"header,omitempty"`  // the first line of a table names the columns
	Fields  int      `json:"fields,omitempty"`  // of a record of a table without a header; 0: not known
	Missing []string `json:"missing,omitempty"` // the texts that stand for a missing value in a table; "" always does
}

// A Column is a column of a table, and how it becomes inputs. A number v becomes (v - Mean)
// / Std. A text becomes one input for each of Categories: 1 for its own category, and 0 for
// all others.
type Column struct {
	Name       string   `json:"name"`
	Mean       float64  `json:"mean,omitempty"`
	Std        float64  `json:"std,omitempty"` // above 0; 0 if there are categories
	Categories []string `json:"categories,omitempty"`
	Fill       *string  `json:"fill,omitempty"` // read instead of a missing value; nil: a missing value is an error
}

// An Image describes pictures as samples of shape (Channels, Height, Width). A byte becomes a
// number by [Brightness].
type Image struct {
	Height   int  `json:"height"`
	Width    int  `json:"width"`
	Channels int  `json:"channels"`        // 1: gray; 3: red, green and blue
	Digit    bool `json:"digit,omitempty"` // pictures of handwritten digits, prepared like those of MNIST
}

// An Array describes samples that are arrays of numbers. A number v becomes (v - Mean) / Std.
// Mean and Std have one number for each element of a sample, or a single number for all.
type Array struct {
	Shape []int     `json:"shape"`
	Mean  []float64 `json:"mean"`
	Std   []float64 `json:"std"`
}

// The limits of a Preparation. They are checked before memory is allocated for it.
const (
	mostColumns    = 20_000
	mostCategories = 1_000     // of a column
	mostClasses    = 65_536    // of a label
	mostInputs     = 1 << 20   // of a row of a table
	freeInputs     = 1 << 28   // of all rows of a table; more are taken if they are at most
	inputsPerField = 16        // for each field of theirs
	mostPixels     = 1<<31 - 1 // bytes of all pictures
	longestName    = 255       // bytes of a name of a column, a class or a category
	longestSide    = 4096      // pixels of an image
)

// Shape returns the shape of a sample: (inputs) for a row of a table.
func (p *Preparation) Shape() []int {
	switch {
	case p.Image != nil:
		return []int{p.Image.Channels, p.Image.Height, p.Image.Width}
	case p.Array != nil:
		return slices.Clone(p.Array.Shape)
	}
	n := 0
	for i := range p.Columns {
		n += p.Columns[i].inputs()
	}
	return []int{n}
}

// inputs returns the number of inputs for a column.
func (c *Column) inputs() int { return max(1, len(c.Categories)) }

// Outputs returns the number of outputs that a network needs for the targets: one for each
// class, or one for each number to predict. It is 0 if neither is known.
func (p *Preparation) Outputs() int { return len(p.Classes) + len(p.Targets) }

// Check returns what is wrong with a Preparation that was read from a file.
func (p *Preparation) Check() error {
	kinds := 0
	for _, is := range []bool{len(p.Columns) > 0, p.Image != nil, p.Array != nil} {
		if is {
			kinds++
		}
	}
	switch {
	case kinds != 1:
		return errors.New("want columns, an image or an array, and one of them alone")
	case len(p.Classes) > 0 && len(p.Targets) > 0:
		return errors.New("want classes or targets, not both")
	case len(p.Columns)+len(p.Targets) > mostColumns:
		return fmt.Errorf("want at most %d columns, got %d", mostColumns, len(p.Columns)+len(p.Targets))
	case p.Fields < 0 || p.Fields > mostColumns || p.Fields > 0 && (p.Header || len(p.Columns) == 0):
		return fmt.Errorf("want fields of a table without a header, from 1 to %d, got %d", mostColumns, p.Fields)
	case p.Image != nil:
		for _, side := range []int{p.Image.Height, p.Image.Width} {
			if side < 1 || side > longestSide {
				return fmt.Errorf("image: want sides of 1 to %d pixels, got %d", longestSide, side)
			}
		}
		if c := p.Image.Channels; c != 1 && c != 3 {
			return fmt.Errorf("image: want 1 channel or 3, got %d", c)
		}
	case p.Array != nil:
		if err := p.Array.check(); err != nil {
			return fmt.Errorf("array: %w", err)
		}
	case len(p.Columns) == 0:
	}
	if err := distinct("classes", p.Classes, mostClasses); err != nil {
		return err
	}
	if err := distinct("missing", p.Missing, mostCategories); err != nil {
		return err
	}
	var names []string
	if p.Label != "" {
		names = append(names, p.Label)
	}
	for _, columns := range [][]Column{p.Columns, p.Targets} {
		for i := range columns {
			if err := columns[i].check(); err != nil {
				return fmt.Errorf("column %q: %w", columns[i].Name, err)
			}
			names = append(names, columns[i].Name)
		}
	}
	for i := range p.Targets {
		if len(p.Targets[i].Categories) > 0 {
			return fmt.Errorf("column %q: want a target of numbers, got categories", p.Targets[i].Name)
		}
	}
	if n := p.Shape()[0]; len(p.Columns) > 0 && n > mostInputs {
		return fmt.Errorf("want at most %d inputs, got %d", mostInputs, n)
	}
	return distinct("columns", names, math.MaxInt)
}

func (c *Column) check() error {
	if c.Categories == nil {
		if err := scale(c.Mean, c.Std); err != nil {
			return err
		}
		if c.Fill != nil {
			if _, err := number([]byte(*c.Fill)); err != nil {
				return fmt.Errorf("fill: %w", err)
			}
		}
		return nil
	}
	if len(c.Categories) == 0 || c.Mean != 0 || c.Std != 0 {
		return errors.New("want categories, or a mean and a standard deviation, and no more")
	}
	if c.Fill != nil && !slices.Contains(c.Categories, *c.Fill) {
		return fmt.Errorf("fill: want one of the categories, got %q", *c.Fill)
	}
	return distinct("categories", c.Categories, mostCategories)
}

func (a *Array) check() error {
	size, ok := tensor.Size(a.Shape...)
	if !ok || size < 1 || len(a.Shape) == 0 {
		return fmt.Errorf("want the shape of a sample, got %v", a.Shape)
	}
	if n := len(a.Mean); n != len(a.Std) || n != 1 && n != size {
		return fmt.Errorf("want a mean and a standard deviation for each of %d elements, or one for all, got %d and %d", size, n, len(a.Std))
	}
	for i, mean := range a.Mean {
		if err := scale(mean, a.Std[i]); err != nil {
			return err
		}
	}
	return nil
}

// scale returns an error if numbers cannot be standardized with this mean and std.
func scale(mean, std float64) error {
	if math.IsNaN(mean) || math.IsInf(mean, 0) || !(std > 0) || math.IsInf(std, 0) {
		return fmt.Errorf("want a finite mean and a standard deviation above 0, got %v and %v", mean, std)
	}
	return nil
}

// distinct returns an error if there are too many names, or one is too long or occurs twice.
func distinct(what string, names []string, most int) error {
	if len(names) > most {
		return fmt.Errorf("%s: want at most %d, got %d", what, most, len(names))
	}
	seen := make(map[string]bool, len(names))
	for _, name := range names {
		if err := checkName(name); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		if seen[name] {
			return fmt.Errorf("%s: want different names, got %q twice", what, name)
		}
		seen[name] = true
	}
	return nil
}

// checkName returns an error if name cannot be the name of a column, a class or a category.
func checkName(name string) error {
	switch {
	case len(name) > longestName:
		return fmt.Errorf("want at most %d bytes, got %d: %s…", longestName, len(name), strconv.Quote(strings.ToValidUTF8(name[:40], "")))
	case !utf8.ValidString(name):
		return fmt.Errorf("want UTF-8, got %q", name)
	case strings.ContainsFunc(name, unicode.IsControl):
		return fmt.Errorf("want a text of one line without control characters, got %q", name)
	}
	return nil
}

// Restore turns standardized outputs of a network back into the units of the targets: v·Std +
// Mean. y holds the outputs of one or more samples. If there are no Targets, nothing changes.
func Restore[T tensor.Float](p *Preparation, y []T) {
	if len(p.Targets) == 0 {
		return
	}
	for i, v := range y {
		c := &p.Targets[i%len(p.Targets)]
		y[i] = T(math.FMA(float64(v), c.Std, c.Mean))
	}
}
