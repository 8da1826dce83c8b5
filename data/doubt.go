package data

import (
	"bytes"
	"math"
	"strings"
)

// What could be meant in two ways is refused, with the remedy, rather than guessed.

// doubtful returns an error if the first line, which has numbers and is taken as a record, could
// name the columns, such as those of years: if it has a text where the second record has a number,
// or a text that occurs nowhere else in a column of few texts. texts are those of the first line,
// and r is after it.
func (f *tableFile) doubtful(texts []string, r *records, missing []string) error {
	second, err := r.next()
	if err != nil || len(second) != len(texts) {
		return nil // an error comes again when the table is read
	}
	names, how := -1, "" // the column
	for i, text := range texts {
		if isNumber([]byte(text)) || isMissing([]byte(text), missing) || commaNumber([]byte(text)) {
			continue
		}
		switch c := &f.begin[i]; {
		case isNumber(r.text(second[i])):
			names, how = i, "where the next one has a number"
		case c.Values[text] > 1:
			return nil // it is a value
		case c.Values != nil && 2*(len(c.Values)-1) <= c.Texts-1 && c.Texts > 10 && names < 0:
			names, how = i, "which is nowhere else in its column"
		}
	}
	if names < 0 {
		return nil
	}
	return &TableError{Name: r.name, Line: 1, Column: names + 1, Err: optionf("the line could name the columns or be a record: it has numbers, and %s %s; say which with --header yes or no", short([]byte(texts[names])), how)}
}

// commaNumber reports whether a field is a number but for its commas: 0,5 or 1,234.56 or
// 1.234.567,89, but not a list such as 1,2,3.
func commaNumber(field []byte) bool {
	comma := bytes.IndexByte(field, ',')
	if comma < 0 || bytes.IndexByte([]byte("+-.,0123456789"), field[0]) < 0 {
		return false
	}
	whole, rest := field[:comma], field[comma+1:]
	if bytes.IndexByte(rest, ',') < 0 { // after a point or two, it is before the decimals
		return isNumber(bytes.Join([][]byte{bytes.ReplaceAll(whole, []byte("."), nil), rest}, nil))
	}
	for group := range bytes.SplitSeq(rest, []byte(",")) { // of thousands
		if end := bytes.IndexByte(group, '.'); len(group) < 3 || len(group) > 3 && end != 3 {
			return false
		}
	}
	return isNumber(bytes.ReplaceAll(field, []byte(","), nil))
}

const commaRemedy = "write a number with a point before its decimals, and without commas"

// CommaNumbers reports whether nearly all fields of the column would be numbers but for their
// commas, as in 0,5 or 1,234.56. [Load] takes no such column, unless it is named as a column of
// categories.
func (c *ColumnSummary) CommaNumbers() bool {
	return c.Commas > 0 && 10*(c.Numbers+c.Commas) >= 9*(c.Numbers+c.Texts)
}

// Numbering reports whether the column could be the number of each record: whether its fields are
// integers, each above the one before or, in a table of at most 1,000 records, all different.
func (c *ColumnSummary) Numbering() bool {
	return c.Numbers > 20 && c.Texts+c.Missing == 0 && c.Integers && (c.Rising || len(c.Values) == c.Numbers)
}

// continuous reports whether the classes of a table are numbers with decimals, maybe after a
// comma, that seldom occur twice.
func continuous(classes []string, records int) bool {
	integers := true
	for _, class := range classes {
		v, err := number([]byte(strings.Replace(class, ",", ".", 1)))
		if err != nil {
			return false
		}
		integers = integers && v == math.Trunc(v)
	}
	return !integers && len(classes) > 10 && 2*len(classes) > records
}
