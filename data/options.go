package data

import (
	"fmt"

	"github.com/chainrule-go/chainrule/tensor"
)

// Options say how [Load] turns data into samples. The zero value is enough for pictures and
// arrays; a table needs a Label or Targets.
type Options struct {
	// Of a table. A column is given by its name, or by its number, counted from 1; -1 is the
	// last column.

	// Label is the column with the class to predict. Targets are columns of numbers to
	// predict. A table has one or the other.
	Label   string
	Targets []string

	// Ignore lists columns that are not inputs.
	Ignore []string

	// Categorical lists columns that hold numbers but are categories. As a Label, numbers with
	// decimals that seldom occur twice are an error unless they are listed.
	Categorical []string

	// Missing lists the texts that stand for a missing value; nil is UsualMissing.
	Missing []string

	// Header says whether the first line names the columns: "yes", "no", or "" to find out.
	// "" takes the first line for names if none of its fields is a number.
	Header string

	// Fill says what takes the place of missing values: "mean", "median" or "most-frequent"
	// of the training part, or "=" and a text. "age=median" is for the column age alone,
	// "median" for all others; a column of categories then takes the most frequent one.
	// Without Fill a missing value is an error.
	Fill []string

	// Of pictures.

	// Height and Width are the size in pixels to which pictures are scaled. If they are 0,
	// all pictures must have the size of the first.
	Height, Width int

	// Channels is 1 for gray and 3 for color. If it is 0, it is that of the first picture.
	Channels int

	// Of arrays.

	// Labels is the file with the labels of an IDX file, or with the targets of an npy file.
	// If it is "", the file is found by its name: an IDX file whose name has labels instead
	// of images, and idx1 instead of idx3; or an npy file whose name has y instead of x at
	// its beginning.
	Labels string

	// Of the parts.

	// Validation and Test are the shares of the data that are not trained on, each from 0 to
	// below 1. Seed decides which samples they are. Data that have such a part themselves (a
	// folder test, an array x_test) keep it, whatever the share.
	Validation, Test float64

	// ValidationPath and TestPath name a file or folder of the same kind, instead of a share.
	ValidationPath, TestPath string

	// PartColumn is a column of a table that holds train, validation or test for each record,
	// instead of shares and paths.
	PartColumn string

	Seed uint64

	// Raw leaves the numbers of tables and arrays as they are. Otherwise each column is
	// standardized: over the training part, its mean becomes 0 and its standard deviation 1.
	Raw bool
}

// missing returns the texts for missing values.
func (o *Options) missing() []string {
	if o.Missing == nil {
		return UsualMissing
	}
	return o.Missing
}

// An OptionError says that options do not fit the data, or each other: other options mend it.
// All other errors of [Load] are about the data. It may be inside of a [TableError], so find it
// with errors.As.
type OptionError struct{ Err error }

func (e *OptionError) Error() string { return e.Err.Error() }

// Unwrap returns e.Err.
func (e *OptionError) Unwrap() error { return e.Err }

func optionf(format string, args ...any) error { return &OptionError{fmt.Errorf(format, args...)} }

// Check returns an [*OptionError] if options contradict each other or are out of range.
func (o *Options) Check() error {
	switch {
	case !(o.Validation >= 0 && o.Test >= 0 && o.Validation+o.Test < 1):
		return optionf("want shares of validation and test of 0 or more that leave something to train on, got %v and %v", o.Validation, o.Test)
	case o.Validation > 0 && o.ValidationPath != "", o.Test > 0 && o.TestPath != "":
		return optionf("want a share or a file for a part, not both")
	case o.Label != "" && len(o.Targets) > 0:
		return optionf("want a label (classes) or targets (numbers) to predict, not both")
	case o.Header != "" && o.Header != "yes" && o.Header != "no":
		return optionf("want yes or no for the header, got %q", o.Header)
	case (o.Height == 0) != (o.Width == 0), o.Height < 0, o.Width < 0, o.Height > longestSide, o.Width > longestSide:
		return optionf("want pictures of 1 to %d pixels on a side, got %d x %d", longestSide, o.Width, o.Height)
	case o.Channels != 0 && o.Channels != 1 && o.Channels != 3:
		return optionf("want 1 channel (gray) or 3 (color), got %d", o.Channels)
	case o.PartColumn != "" && (o.Validation > 0 || o.Test > 0 || o.ValidationPath != "" || o.TestPath != ""):
		return optionf("want the parts of the data by a column, or by shares and files, not both")
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
