package data

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"slices"
)

// A ColumnSummary says what is in a column of a table.
type ColumnSummary struct {
	Name    string `json:"name"`
	Numbers int    `json:"numbers"` // fields that are numbers
	Texts   int    `json:"texts"`   // fields that are neither a number nor missing
	Missing int    `json:"missing"`

	// Commas counts the texts that would be numbers but for their commas, such as 0,5 and
	// 1,234.56.
	Commas int `json:"commas,omitempty"`

	Integers bool `json:"integers"` // all numbers are integers
	Rising   bool `json:"rising"`   // each number is above the one before

	Min  float64 `json:"min"` // of the numbers; 0 if there are none
	Max  float64 `json:"max"`
	Mean float64 `json:"mean"`
	Std  float64 `json:"std"` // the root of the mean square deviation

	// Values are how often each value occurs, as it is written; nil if there are more than
	// 1,000 different ones.
	Values map[string]int `json:"values,omitempty"`

	MissingLine int `json:"missing_line,omitempty"` // the first line with a missing value
	TextLine    int `json:"text_line,omitempty"`    // the first line with a text
}

// Numeric reports whether the column is read as numbers: whether it has more numbers than
// texts.
func (c *ColumnSummary) Numeric() bool { return c.Numbers > c.Texts }

// A tally collects a ColumnSummary.
type tally struct {
	ColumnSummary
	last    float64         // number
	squares float64         // sum of the square deviations from Mean
	values  map[string]*int // Values
}

// add adds a field of the record that r has read.
func (c *tally) add(r *records, f field, missing []string) {
	text := r.text(f)
	v, ok := fixedPoint(r.buf, f.begin, f.end)
	if !ok {
		var err error
		v, err = number(text)
		ok = err == nil
	}
	switch {
	case isMissing(text, missing):
		if c.Missing++; c.MissingLine == 0 {
			c.MissingLine = r.line
		}
		return
	case ok:
		if c.Numbers == 0 {
			c.Min, c.Max, c.Integers, c.Rising = v, v, true, true
		} else if v <= c.last {
			c.Rising = false
		}
		c.last = v
		c.Integers = c.Integers && v == math.Trunc(v)
		c.Numbers++
		c.Min, c.Max = min(c.Min, v), max(c.Max, v)
		d := v - c.Mean // Welford's recurrence
		c.Mean += d / float64(c.Numbers)
		c.squares += float64(d * (v - c.Mean))
	default:
		if c.Texts++; c.TextLine == 0 {
			c.TextLine = r.line
		}
		if commaNumber(text) {
			c.Commas++
		}
	}
	if c.values == nil {
		return
	}
	if n := c.values[string(text)]; n != nil {
		*n++
	} else if len(c.values) == mostCategories || len(text) > longestName {
		c.values = nil
	} else {
		one := 1
		c.values[string(text)] = &one
	}
}

// summary returns the summary of the fields that were added.
func (c *tally) summary() ColumnSummary {
	s := c.ColumnSummary
	s.Std = math.Sqrt(c.squares / float64(max(c.Numbers, 1)))
	if c.values != nil {
		s.Values = map[string]int{}
	}
	for text, n := range c.values {
		s.Values[text] = *n
	}
	return s
}

// summarize reads all records. On an error it returns the summary of the records before it.
func summarize(r *records, f *tableFile, missing []string) ([]ColumnSummary, error) {
	columns := make([]tally, len(f.names))
	for i, name := range f.names {
		columns[i] = tally{ColumnSummary: ColumnSummary{Name: name}, values: map[string]*int{}}
	}
	err := eachRecord(r, f, func(fields []field) {
		for i := range columns {
			columns[i].add(r, fields[i], missing)
		}
	})
	summaries := make([]ColumnSummary, len(columns))
	for i := range columns {
		summaries[i] = columns[i].summary()
	}
	return summaries, err
}

// eachRecord calls do with the fields of each record after the header.
func eachRecord(r *records, f *tableFile, do func([]field)) error {
	for first := f.header; ; first = false {
		fields, err := r.next()
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		case len(fields) != len(f.names):
			return r.fail(0, "want %d fields, as in the first line, got %d", len(f.names), len(fields))
		case !first:
			do(fields)
		}
	}
}

// A TableSummary says what is in a table, and how it was read.
type TableSummary struct {
	Rows      int             `json:"rows"`
	Separator string          `json:"separator"`
	Header    bool            `json:"header"`
	Columns   []ColumnSummary `json:"columns"`
}

// DescribeTable summarizes a table of text, plain or gzip. The memory does not depend on the
// length of the table. Of the options it uses Header and Missing.
func DescribeTable(r io.Reader, name string, o Options) (*TableSummary, error) {
	missing := o.missing()
	f, err := openTable(r, name, o.Header, missing)
	if err != nil {
		return nil, err
	}
	t := &TableSummary{Separator: string(f.records.separator), Header: f.header}
	if t.Columns, err = summarize(f.records, f, missing); err != nil {
		return nil, err
	}
	if len(t.Columns) > 0 {
		c := &t.Columns[0]
		t.Rows = c.Numbers + c.Texts + c.Missing
	}
	if t.Rows == 0 {
		return nil, &TableError{Name: name, Err: errNoRecords}
	}
	return t, nil
}

// An ArraySummary says what is in an IDX or npy file.
type ArraySummary struct {
	Shape []int  `json:"shape"`
	Type  string `json:"type"` // as NumPy writes it: f4, u1 ...
}

// Describe summarizes a table of text, as [DescribeTable] does, or an IDX or npy file, whose
// header it reads. The other summary is nil.
func Describe(r io.Reader, name string, o Options) (*TableSummary, *ArraySummary, error) {
	in := bufio.NewReader(r)
	begin, err := in.Peek(peeked)
	if err != nil && err != io.EOF {
		return nil, nil, fmt.Errorf("reading %s: %w", name, err)
	}
	kind, err := kindOf(begin)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	switch kind {
	case kindIDX:
		x, err := NewIDXReader(in, name)
		if err != nil {
			return nil, nil, err
		}
		return nil, &ArraySummary{x.Shape, "u1"}, nil
	case kindNPY:
		x, _, err := npyHeaderOf(in)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", name, err)
		}
		return nil, &ArraySummary{x.Shape, x.Type}, nil
	case kindNPZ:
		return nil, nil, fmt.Errorf("%s is an npz file; unzip it to look at its arrays", name)
	}
	t, err := DescribeTable(in, name, o)
	return t, nil, err
}

// Common returns the values of a column, the most frequent first.
func (c *ColumnSummary) Common() []string {
	var values []string
	for v := range c.Values {
		values = append(values, v)
	}
	slices.Sort(values)
	slices.SortStableFunc(values, func(a, b string) int { return c.Values[b] - c.Values[a] })
	return values
}
