package data

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/chainrule-go/chainrule/tensor"
)

// slots returns what is read from each column of a table for training: the inputs in the order
// of the file, then the columns to predict, then the column of parts.
func (f *tableFile) slots(o *Options) ([]slot, error) {
	uses := map[int]use{}
	var predicted []int
	name := func(names []string, as use) error {
		for _, n := range names {
			i, err := f.column(n)
			if err != nil {
				return err
			}
			if _, ok := uses[i]; ok {
				return &TableError{Name: f.records.name, Column: i + 1, Header: f.headerOf(i), Err: optionf("the column is named twice")}
			}
			uses[i] = as
			if as != partColumn {
				predicted = append(predicted, i)
			}
		}
		return nil
	}
	label := o.Targets
	as := targetColumn
	if o.Label != "" {
		label, as = []string{o.Label}, labelColumn
	}
	if err := name(label, as); err != nil {
		return nil, err
	}
	if len(predicted) == 0 {
		return nil, &TableError{Name: f.records.name, Err: optionf("name the column to predict: as a label (--label) if it has classes, as a target (--target) if numbers; the columns are %s", list(f.names))}
	}
	if o.PartColumn != "" {
		if err := name([]string{o.PartColumn}, partColumn); err != nil {
			return nil, err
		}
	}
	ignored, err := f.set(o.Ignore)
	if err != nil {
		return nil, err
	}
	categorical, err := f.set(o.Categorical)
	if err != nil {
		return nil, err
	}
	fills, err := f.fills(o.Fill)
	if err != nil {
		return nil, err
	}

	var slots []slot
	for i := range f.names {
		if _, other := uses[i]; other || ignored[i] {
			continue
		}
		if c := &f.begin[i]; c.CommaNumbers() && !c.Numeric() && !categorical[i] {
			return nil, &TableError{Name: f.records.name, Line: c.TextLine, Column: i + 1, Header: f.headerOf(i), Err: fmt.Errorf("the column has numbers with commas; %s, or leave the column out (--ignore), or, if they are categories, say so (--categorical)", commaRemedy)}
		}
		s := slot{column: i, numeric: f.begin[i].Numeric() && !categorical[i], codes: map[string]int{}, open: true, most: mostCategories}
		if how, ok := fills[i]; ok {
			s.missing = noted
			if constant, ok := strings.CutPrefix(how, "="); ok {
				s.missing = filled
				if s.instead, err = s.parse([]byte(constant), nil); err != nil {
					return nil, &TableError{Name: f.records.name, Column: i + 1, Header: f.headerOf(i), Err: optionf("the constant to fill it with: %w", err)}
				}
			}
		}
		slots = append(slots, s)
	}
	if len(slots) == 0 {
		return nil, &TableError{Name: f.records.name, Err: optionf("no column is left as an input; ignore fewer")}
	}
	for _, i := range predicted {
		slots = append(slots, slot{column: i, use: uses[i], numeric: uses[i] == targetColumn, codes: map[string]int{}, open: true, most: mostClasses})
	}
	if o.PartColumn != "" {
		i, _ := f.column(o.PartColumn)
		texts := []string{"train", "validation", "test"} // in the order of the constants
		slots = append(slots, slot{column: i, use: partColumn, codes: codes(texts), texts: texts})
	}
	return slots, nil
}

// codes returns the index of each text.
func codes(texts []string) map[string]int {
	m := make(map[string]int, len(texts))
	for i, text := range texts {
		m[text] = i
	}
	return m
}

// set returns the set of the named columns.
func (f *tableFile) set(names []string) (map[int]bool, error) {
	s := map[int]bool{}
	for _, n := range names {
		i, err := f.column(n)
		if err != nil {
			return nil, err
		}
		s[i] = true
	}
	return s, nil
}

// fills returns how the missing values of each column are filled.
func (f *tableFile) fills(all []string) (map[int]string, error) {
	fills := map[int]string{}
	general := ""
	for _, fill := range all {
		column, how, one := strings.Cut(fill, "=")
		if column == "" || !one { // "=text" or "median"
			one, how = false, fill
		}
		if !slices.Contains([]string{"mean", "median", "most-frequent"}, how) && !strings.HasPrefix(how, "=") {
			return nil, optionf("want mean, median, most-frequent or =TEXT to fill missing values with, for all columns or as COLUMN=mean, got %q", fill)
		}
		if !one {
			general = how
			continue
		}
		i, err := f.column(column)
		if err != nil {
			return nil, err
		}
		fills[i] = how
	}
	for i := range f.names {
		if _, ok := fills[i]; !ok && general != "" {
			fills[i] = general
		}
	}
	return fills, nil
}

// prepare computes from the training part what replaces missing values, and the mean and
// standard deviation of each column.
func (t *table) prepare(f *tableFile, o *Options, part []uint8) (*Preparation, error) {
	p := &Preparation{Header: f.header, Missing: o.missing()}
	if !f.header {
		p.Fields = len(f.names)
	}
	fills, err := f.fills(o.Fill)
	if err != nil {
		return nil, err
	}
	categorical, err := f.set(o.Categorical)
	if err != nil {
		return nil, err
	}
	for k := range t.slots {
		if s := &t.slots[k]; s.missing == noted {
			if err := t.fill(k, fills[s.column], part); err != nil {
				return nil, &TableError{t.name, 0, s.column + 1, s.header, err}
			}
		}
	}
	means, stds := t.scales(o.Raw, part)
	for k := range t.slots {
		s := &t.slots[k]
		c := Column{Name: f.names[s.column]}
		if s.missing != refused {
			text := strconv.FormatFloat(s.instead, 'g', -1, 64)
			if !s.numeric {
				text = s.texts[int(s.instead)]
			}
			c.Fill = &text
		}
		if s.numeric {
			c.Mean, c.Std = means[k], stds[k]
		} else {
			c.Categories = s.texts
		}
		switch s.use {
		case inputColumn:
			p.Columns = append(p.Columns, c)
		case targetColumn:
			p.Targets = append(p.Targets, c)
		case labelColumn:
			p.Label, p.Classes = c.Name, c.Categories
			if len(p.Classes) < 2 {
				return nil, &TableError{t.name, 0, s.column + 1, s.header, fmt.Errorf("want 2 classes or more, got %s alone", list(p.Classes))}
			}
			if continuous(p.Classes, t.rows) && !categorical[s.column] {
				return nil, &TableError{t.name, 0, s.column + 1, s.header, optionf("its values are numbers with decimals, and seldom occur twice; to predict a number, name it as a target (--target), or, if they are classes, say so (--categorical)")}
			}
		}
	}
	if err := p.Check(); err != nil {
		return nil, fmt.Errorf("%s: %w", t.name, err)
	}
	if err := t.fits(p); err != nil {
		return nil, err
	}
	return p, nil
}

// fits refuses a table whose categories would take much more memory than its fields.
func (t *table) fits(p *Preparation) error {
	inputs, rows := p.Shape()[0], int64(t.rows)
	if most := max(freeInputs, inputsPerField*rows*int64(len(p.Columns))); rows*int64(inputs) > most {
		return &TableError{Name: t.name, Err: fmt.Errorf("%d records of %d inputs are %d numbers; want at most %d; leave columns of many categories out (--ignore), or give fewer records", rows, inputs, rows*int64(inputs), most)}
	}
	return nil
}

// fill replaces the missing values of a slot, which are NaN, by a value that is computed
// from the training part.
func (t *table) fill(k int, how string, part []uint8) error {
	s := &t.slots[k]
	var values []float64
	t.each(part, func(row []float64) {
		if v := row[k]; v == v {
			values = append(values, v)
		}
	})
	if len(values) == 0 {
		return errors.New("every value of the training part is missing; leave the column out (--ignore)")
	}
	slices.Sort(values)
	switch n := len(values); {
	case how == "most-frequent" || !s.numeric:
		best := 0
		for i := 0; i < n; {
			from := i
			for i < n && values[i] == values[from] {
				i++
			}
			if i-from > best {
				best, s.instead = i-from, values[from]
			}
		}
	case how == "median":
		s.instead = values[n/2]
		if n%2 == 0 {
			s.instead = values[n/2-1]/2 + values[n/2]/2
		}
	default:
		s.instead = mean(values)
	}
	for i := range t.rows {
		if row := t.row(i); row[k] != row[k] {
			row[k] = s.instead
		}
	}
	return nil
}

// each calls do with the records of the training part.
func (t *table) each(part []uint8, do func(row []float64)) {
	i, width := 0, len(t.slots)
	for _, block := range t.blocks {
		for ; len(block) > 0; block = block[width:] {
			if part[i] == trainPart {
				do(block[:width])
			}
			i++
		}
	}
}

// scales returns the mean and the standard deviation of each slot over the training part. If raw
// is set, they are 0 and 1.
func (t *table) scales(raw bool, part []uint8) (means, stds []float64) {
	means, stds = make([]float64, len(t.slots)), make([]float64, len(t.slots))
	n := 0.0
	if !raw {
		t.each(part, func(row []float64) {
			n++
			for k, v := range row {
				means[k] += v
			}
		})
	}
	n = max(n, 1)
	for k := range means {
		means[k] /= n
	}
	if !raw {
		t.each(part, func(row []float64) {
			for k, v := range row {
				d := v - means[k]
				stds[k] += float64(d * d)
			}
		})
	}
	for k := range stds {
		stds[k] = deviation(means[k], stds[k]/n)
	}
	return means, stds
}

// deviation returns the root of a variance, or 1 if all values are the same. They are the same if
// the root is only what rounding leaves of the mean: the mean of n equal values v is off by up to
// n·2^-53·|v|, and by about √n·2^-53·|v| as a rule (Higham, Accuracy and Stability of Numerical
// Algorithms, 2002, section 4.2).
func deviation(mean, variance float64) float64 {
	if std := math.Sqrt(variance); std > 1e-12*math.Abs(mean) {
		return std
	}
	return 1
}

func mean(values []float64) float64 {
	var sum float64
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// sets returns the records of each part as samples. It frees the table as it goes.
func sets[T tensor.Float](t *table, p *Preparation, part []uint8) (all [parts]Samples[T]) {
	var count [parts]int
	for _, of := range part {
		count[of]++
	}
	inputs := p.Shape()[0]
	var made [parts]Set[T]
	for of, n := range count {
		if n == 0 {
			continue
		}
		made[of].X = tensor.New[T](n, inputs)
		if len(p.Targets) > 0 {
			made[of].Values = tensor.New[T](n, len(p.Targets))
		} else {
			made[of].T = make([]int, n)
		}
	}
	var at [parts]int
	for i := range t.rows {
		of := part[i]
		s, j := &made[of], at[of]
		at[of]++
		row := t.row(i)
		setInputs(s.X.Data[j*inputs:][:inputs], p.Columns, row)
		row = row[len(p.Columns):]
		switch {
		case len(p.Targets) > 0:
			for k := range p.Targets {
				s.Values.Data[j*len(p.Targets)+k] = T((row[k] - p.Targets[k].Mean) / p.Targets[k].Std)
			}
		case len(row) > 0:
			s.T[j] = int(row[0])
		}
		if (i+1)%t.perBlock() == 0 {
			t.blocks[i/t.perBlock()] = nil // the samples may need twice as much memory
		}
	}
	for of := range made {
		if count[of] > 0 {
			all[of] = made[of]
		}
	}
	return all
}

// setInputs sets the inputs for a record, except those that are 0.
func setInputs[T tensor.Float](x []T, columns []Column, row []float64) {
	for i := range columns {
		c := &columns[i]
		if len(c.Categories) > 0 {
			x[int(row[i])] = 1
			x = x[len(c.Categories):]
		} else {
			x[0] = T((row[i] - c.Mean) / c.Std)
			x = x[1:]
		}
	}
}
