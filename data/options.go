package data

import (
	"errors"
	"fmt"

	"github.com/chainrule-go/chainrule/tensor"
)

// Options say how one's own data become samples. The zero value is enough for pictures and
// arrays; a table wants a Label or Targets.
type Options struct {
	// Of a table. Columns are named, or numbered from 1 (-1 is the last).
	Label       string   // the column that has the class, or
	Targets     []string // the columns of numbers that are predicted
	Ignore      []string // columns that are no inputs
	Categorical []string // columns of categories though they hold numbers
	Missing     []string // the texts that stand for a missing value; nil is UsualMissing
	Header      string   // whether the first line names the columns: "yes", "no", or "" to find out: it does if no field of it is a number

	// Fill says what takes the place of missing values: "mean", "median" or
	// "most-frequent" of the training part, or "=" and a text. "age=median" is for the column
	// age alone, "median" for all others; columns of categories then take the most frequent.
	// Without it a missing value is an error.
	Fill []string

	// Of pictures. If neither is given, all must have the size and the channels of the first.
	Height, Width int
	Channels      int // 1: grey; 3: colour

	// Labels is the file of the labels or targets of an IDX or npy file. That of an IDX
	// file is found by its name, if the two are called as those of MNIST.
	Labels string

	// Validation and Test are parts of the data that are not trained on: their shares, from
	// 0 to below 1, drawn by Seed; or a file or folder of the same kind; or, in a table,
	// the lines in whose column PartColumn stands validation or test, and not train. Data
	// that have such a part themselves (a folder test, an array x_test) keep it, whatever
	// the share.
	Validation, Test         float64
	ValidationPath, TestPath string
	PartColumn               string
	Seed                     uint64

	// Raw leaves the numbers of tables and arrays as they are. Else each column is
	// standardised: its mean over the training part becomes 0, its standard deviation 1.
	Raw bool
}

// missing returns the texts for missing values.
func (o *Options) missing() []string {
	if o.Missing == nil {
		return UsualMissing
	}
	return o.Missing
}

// Check returns an error if options contradict each other or are out of range.
func (o *Options) Check() error {
	switch {
	case !(o.Validation >= 0 && o.Test >= 0 && o.Validation+o.Test < 1):
		return fmt.Errorf("want shares of validation and test of 0 or more that leave something to train on, got %v and %v", o.Validation, o.Test)
	case o.Validation > 0 && o.ValidationPath != "", o.Test > 0 && o.TestPath != "":
		return errors.New("want a share or a file for a part, not both")
	case o.Label != "" && len(o.Targets) > 0:
		return errors.New("want a label (classes) or targets (numbers) to predict, not both")
	case o.Header != "" && o.Header != "yes" && o.Header != "no":
		return fmt.Errorf("want yes or no for the header, got %q", o.Header)
	case (o.Height == 0) != (o.Width == 0), o.Height < 0, o.Width < 0, o.Height > longestSide, o.Width > longestSide:
		return fmt.Errorf("want pictures of 1 to %d pixels on a side, got %d x %d", longestSide, o.Width, o.Height)
	case o.Channels != 0 && o.Channels != 1 && o.Channels != 3:
		return fmt.Errorf("want 1 channel (grey) or 3 (colour), got %d", o.Channels)
	case o.PartColumn != "" && (o.Validation > 0 || o.Test > 0 || o.ValidationPath != "" || o.TestPath != ""):
		return errors.New("want the parts of the data by a column, or by shares and files, not both")
	}
	return nil
}

// Parts are data that were read to train on.
type Parts[T tensor.Float] struct {
	Train, Validation, Test Samples[T] // nil where there are none

	Preparation *Preparation
	SHA256      string   // of the files, in hexadecimal digits: see [Load]
	Unused      []string // the columns of a table that are no inputs and are not predicted
}
