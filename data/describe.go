package data

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math"
	"slices"
)

// A ColumnSummary says what is in a column of a table.
type ColumnSummary struct {
	Name    string `json:"name"`
	Numbers int    `json:"numbers"` // fields that are one
	Texts   int    `json:"texts"`   // fields that are neither a number nor missing
	Missing int    `json:"missing"`

	Min  float64 `json:"min"` // of the numbers; 0 if there are none
	Max  float64 `json:"max"`
	Mean float64 `json:"mean"`
	Std  float64 `json:"std"` // the root of the mean square deviation

	// Values are how often each value occurs, as it is written; nil if there are more than
	// 1,000 different ones.
	Values map[string]int `json:"values,omitempty"`

	MissingLine int `json:"missing_line,omitempty"` // the first line where one is missing
	TextLine    int `json:"text_line,omitempty"`    // the first line with a text

	squares float64 // sum of the square deviations from Mean
}

// Numeric reports whether the column is taken as numbers: more of its fields are numbers
// than texts.
func (c *ColumnSummary) Numeric() bool { return c.Numbers > c.Texts }

// add adds a field of a line.
func (c *ColumnSummary) add(field []byte, line int, missing []string) {
	v, err := number(field)
	switch {
	case err == nil:
		if c.Numbers == 0 {
			c.Min, c.Max = v, v
		}
		c.Numbers++
		c.Min, c.Max = min(c.Min, v), max(c.Max, v)
		d := v - c.Mean // Welford's recurrence
		c.Mean += d / float64(c.Numbers)
		c.squares += float64(d * (v - c.Mean))
	case isMissing(field, missing):
		if c.Missing++; c.MissingLine == 0 {
			c.MissingLine = line
		}
		return
	default:
		if c.Texts++; c.TextLine == 0 {
			c.TextLine = line
		}
	}
	if c.Values != nil {
		if n, ok := c.Values[string(field)]; ok {
			c.Values[string(field)] = n + 1
		} else if len(c.Values) == mostCategories || len(field) > longestName {
			c.Values = nil
		} else {
			c.Values[string(field)] = 1
		}
	}
}

// summarise reads all records. On an error it returns what was summarised before.
func summarise(r *records, f *tableFile, missing []string) ([]ColumnSummary, error) {
	columns := make([]ColumnSummary, len(f.names))
	for i, name := range f.names {
		columns[i] = ColumnSummary{Name: name, Values: map[string]int{}}
	}
	if f.header {
		if _, err := r.next(); err != nil {
			return columns, err
		}
	}
	for {
		fields, err := r.next()
		if err == nil && len(fields) != len(columns) {
			err = r.fail(0, "want %d fields, as in the first line, got %d", len(columns), len(fields))
		}
		if err != nil {
			for i := range columns {
				columns[i].Std = math.Sqrt(columns[i].squares / float64(max(columns[i].Numbers, 1)))
			}
			if err == io.EOF {
				err = nil
			}
			return columns, err
		}
		for i := range columns {
			columns[i].add(r.text(fields[i]), r.line, missing)
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

// DescribeTable summarises a table of text, in memory that does not depend on its length.
// Only Header and Missing of the options are looked at.
func DescribeTable(r io.Reader, name string, o Options) (*TableSummary, error) {
	missing := o.missing()
	f, err := openTable(r, name, o.Header, missing)
	if err != nil {
		return nil, err
	}
	t := &TableSummary{Separator: string(f.records.separator), Header: f.header}
	if t.Columns, err = summarise(f.records, f, missing); err != nil {
		return nil, err
	}
	if len(t.Columns) > 0 {
		c := &t.Columns[0]
		t.Rows = c.Numbers + c.Texts + c.Missing
	}
	return t, nil
}

// An ArraySummary says what is in an IDX or npy file.
type ArraySummary struct {
	Shape []int  `json:"shape"`
	Type  string `json:"type"` // as NumPy writes it: f4, u1 ...
}

// Describe summarises a table of text, as [DescribeTable] does, or an IDX or npy file,
// of which it reads the header; the other one is nil.
func Describe(r io.Reader, name string, o Options) (*TableSummary, *ArraySummary, error) {
	in := bufio.NewReader(r)
	begin, err := in.Peek(8)
	if err != nil && err != io.EOF {
		return nil, nil, fmt.Errorf("reading %s: %w", name, err)
	}
	switch kindOf(begin) {
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

// A FolderSummary says what is in a folder of pictures.
type FolderSummary struct {
	Classes []ClassSummary `json:"classes"`
}

// A ClassSummary is a class of pictures, and the size of the first.
type ClassSummary struct {
	Name     string `json:"name"`
	Pictures int    `json:"pictures"`
	Width    int    `json:"width"`
	Height   int    `json:"height"`
}

// DescribeFolder summarises a folder that has a folder of pictures for each class.
func DescribeFolder(ctx context.Context, dir string) (*FolderSummary, error) {
	f, err := openImageFolder(ctx, dir)
	if err != nil {
		return nil, err
	}
	s := &FolderSummary{}
	for i, class := range f.classes {
		image := &Image{}
		if _, err := readPicture(ctx, f.path(f.files[i][0]), "", image, "", nil); err != nil {
			return nil, err
		}
		s.Classes = append(s.Classes, ClassSummary{class, len(f.files[i]), image.Width, image.Height})
	}
	return s, nil
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
