package data

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// UsualMissing are the texts that stand for a missing value in a table, unless others are given.
// The empty text always does.
var UsualMissing = []string{"NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "?"}

// A table holds the records of a text file as numbers: one number for each slot of a record. For
// a text, it is the index in the slot's texts. A missing value that is filled later is NaN.
type table struct {
	name   string
	slots  []slot
	blocks [][]float64 // perBlock records each; the last one may have fewer
	rows   int
	unused []string // columns without a slot
}

// A slot is a column that is read.
type slot struct {
	column int // in the file, from 0
	header string
	use    use

	numeric bool
	codes   map[string]int // the index of each text in texts
	texts   []string
	last    [64]int32 // codes that were found last; see method code
	open    bool      // new texts are added to texts
	most    int       // the largest number of texts
	missing missing
	instead float64 // the code or number for a missing value
}

// use is the purpose of a column.
type use int

const (
	inputColumn use = iota
	labelColumn
	targetColumn
	partColumn
)

// missing says what happens where a value is missing.
type missing int

const (
	refused missing = iota
	filled          // it becomes slot.instead
	noted           // it becomes NaN, to be filled later
)

// perBlock is the number of numbers in a block of a table.
const perBlock = 1 << 16

// row returns the numbers of a record.
func (t *table) row(i int) []float64 {
	n := t.perBlock()
	return t.blocks[i/n][i%n*len(t.slots):][:len(t.slots)]
}

// perBlock returns the number of records in a block.
func (t *table) perBlock() int { return max(1, perBlock/len(t.slots)) }

// A tableFile is an open table whose beginning has been read.
type tableFile struct {
	records *records
	names   []string // of the columns
	header  bool     // the first line has the names
	begin   []ColumnSummary
}

// sniffed is the number of bytes at the beginning of a table that decide the kinds of columns.
const sniffed = 1 << 20

var errNoRecords = errors.New("it has a header and no records")

// openTable reads the beginning of a table. header is "yes", "no", or "" to find out.
func openTable(r io.Reader, name, header string, missing []string) (*tableFile, error) {
	r, err := unzipped(r)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	begin, err := io.ReadAll(io.LimitReader(r, sniffed))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	form, err := detect(begin)
	if err != nil {
		return nil, &TableError{Name: name, Err: err}
	}
	begin = begin[form.mark:]
	whole := len(begin) < sniffed-form.mark
	some := begin
	if !whole {
		some = begin[:bytes.LastIndexByte(begin, '\n')+1]
	}
	f := &tableFile{records: newRecords(io.MultiReader(bytes.NewReader(begin), r), name, form.separator)}
	records := newRecords(bytes.NewReader(some), name, form.separator)
	first, err := records.next()
	switch {
	case err == io.EOF && !whole:
		return nil, &TableError{Name: name, Line: 1, Err: fmt.Errorf("the line is longer than %d bytes; want a table with a record a line", sniffed)}
	case err == io.EOF:
		return nil, &TableError{Name: name, Err: errors.New("it is empty; want a table with a record a line")}
	case err != nil:
		return nil, err
	case len(first) > mostColumns:
		return nil, &TableError{Name: name, Line: 1, Err: fmt.Errorf("want at most %d columns, got %d", mostColumns, len(first))}
	}
	f.header = header == "yes" || header == "" && !slices.ContainsFunc(first, func(f field) bool { return isNumber(records.text(f)) || commaNumber(records.text(f)) })
	var texts []string // of the first line
	for i, field := range first {
		column := strconv.Itoa(i + 1)
		texts = append(texts, string(records.text(field)))
		if f.header && texts[i] != "" {
			column = texts[i]
		}
		if err := checkName(column); err != nil {
			return nil, &TableError{Name: name, Line: 1, Column: i + 1, Err: err}
		}
		f.names = append(f.names, column)
	}
	if f.header {
		if i, ok := repeated(f.names); ok {
			return nil, &TableError{Name: name, Line: 1, Column: i + 1, Err: fmt.Errorf("two columns are called %q; rename one, or, if the line is a record, say --header no", f.names[i])}
		}
	}
	// Errors in the beginning are ignored: they occur again when the table is read.
	f.begin, _ = summarize(newRecords(bytes.NewReader(some), name, form.separator), f, missing)
	if header == "" && !f.header {
		return f, f.doubtful(texts, records, missing)
	}
	return f, nil
}

func isNumber(field []byte) bool {
	_, err := number(field)
	return err == nil
}

// repeated returns the index of the first name that occurs twice.
func repeated(names []string) (int, bool) {
	seen := map[string]bool{}
	for i, name := range names {
		if seen[name] {
			return i, true
		}
		seen[name] = true
	}
	return 0, false
}

// column returns the index of a column, given by name or by its number from 1; -1 is the last.
func (f *tableFile) column(name string) (int, error) {
	if i := slices.Index(f.names, name); i >= 0 {
		return i, nil
	}
	if i, err := strconv.Atoi(name); err == nil {
		switch {
		case 1 <= i && i <= len(f.names):
			return i - 1, nil
		case -len(f.names) <= i && i <= -1:
			return len(f.names) + i, nil
		}
	}
	return 0, &TableError{Name: f.records.name, Err: optionf("there is no column %q; the columns are %s", name, list(f.names))}
}

// list joins names for an error message: at most the first 20.
func list(names []string) string {
	more := ""
	if len(names) > 20 {
		names, more = names[:20], fmt.Sprintf(" and %d more", len(names)-20)
	}
	return strings.Join(names, ", ") + more
}

// headerOf returns the name of a column for an error message, or "" if the file has no
// header.
func (f *tableFile) headerOf(column int) string {
	if !f.header {
		return ""
	}
	return f.names[column]
}

// read reads all records.
func (f *tableFile) read(slots []slot, missing []string) (*table, error) {
	t := &table{name: f.records.name, slots: slots}
	used := map[int]bool{}
	for i := range slots {
		used[slots[i].column] = true
		slots[i].header = f.headerOf(slots[i].column)
	}
	for i, name := range f.names {
		if !used[i] {
			t.unused = append(t.unused, name)
		}
	}
	if f.header {
		if _, err := f.records.next(); err != nil {
			return nil, err
		}
	}
	full, width := t.perBlock()*len(slots), len(slots)
	numbers := slices.ContainsFunc(missing, func(m string) bool { return isNumber([]byte(m)) }) // that stand for a missing value
	block, n := make([]float64, full), 0                                                        // of block, n numbers are used
	for {
		fields, err := f.records.next()
		if err == io.EOF {
			break
		} else if err != nil {
			return nil, err
		}
		if len(fields) != len(f.names) {
			return nil, f.records.fail(0, "want %d fields, as in the first line, got %d", len(f.names), len(fields))
		}
		row := block[n : n+width]
		for i := range row {
			s := &slots[i]
			field := fields[s.column]
			if s.numeric && !numbers {
				if v, ok := fixedPoint(f.records.buf, field.begin, field.end); ok {
					row[i] = v
					continue
				}
			}
			if row[i], err = s.parse(f.records.text(field), missing); err != nil {
				return nil, &TableError{t.name, f.records.line, s.column + 1, s.header, err}
			}
		}
		t.rows++
		if n += width; n == full {
			t.blocks = append(t.blocks, block)
			block, n = make([]float64, full), 0
		}
	}
	if n > 0 {
		t.blocks = append(t.blocks, block[:n])
	}
	if t.rows == 0 {
		return nil, &TableError{Name: t.name, Err: errNoRecords}
	}
	return t, nil
}

// parse returns the number for a field, or the code of a text.
func (s *slot) parse(field []byte, missing []string) (float64, error) {
	if s.numeric {
		if v, err := number(field); isMissing(field, missing) {
			// Even a number may stand for it.
		} else if err == nil {
			return v, nil
		} else if commaNumber(field) {
			return 0, fmt.Errorf("%w; %s", err, commaRemedy)
		} else {
			return 0, fmt.Errorf("%w; if it stands for a missing value, name it (--missing), and if the column has categories, say so (--categorical)", err)
		}
	} else if code, ok := s.code(field); ok {
		return float64(code), nil
	} else if !isMissing(field, missing) {
		return s.newText(string(field))
	}
	switch s.missing {
	case filled:
		return s.instead, nil
	case noted:
		return math.NaN(), nil
	}
	if s.use != inputColumn {
		return 0, errors.New("the value to predict is missing; leave the line out")
	}
	return 0, errors.New("the value is missing; leave the line or the column out (--ignore), or have it filled (--fill median)")
}

// code returns the code of a text. It first tries the code that was found last for a text with
// the same length, first and last byte, which is faster than the map.
func (s *slot) code(text []byte) (code int, ok bool) {
	if len(text) == 0 {
		code, ok = s.codes[""]
		return code, ok
	}
	last := &s.last[(int(text[0])+5*int(text[len(text)-1])+3*len(text))%len(s.last)]
	if int(*last) < len(s.texts) && s.texts[*last] == string(text) {
		return int(*last), true
	}
	if code, ok = s.codes[string(text)]; ok {
		*last = int32(code)
	}
	return code, ok
}

func isMissing(field []byte, missing []string) bool {
	return len(field) == 0 || slices.ContainsFunc(missing, func(m string) bool { return string(field) == m })
}

// newText adds a text, if the slot is open, and returns its code.
func (s *slot) newText(text string) (float64, error) {
	if !s.open {
		return 0, fmt.Errorf("want one of %s, got %s", list(s.texts), short([]byte(text)))
	}
	if err := checkName(text); err != nil {
		return 0, err
	}
	if len(s.texts) == s.most {
		if s.use == labelColumn {
			return 0, fmt.Errorf("want at most %d classes; to predict a number, name the column as a target (--target)", s.most)
		}
		return 0, fmt.Errorf("want at most %d categories in a column; if it names the samples, leave it out (--ignore)", s.most)
	}
	s.texts = append(s.texts, text)
	s.codes[text] = len(s.texts) - 1
	return float64(len(s.texts) - 1), nil
}

// inputs returns the number of slots that are inputs. They come first.
func (t *table) inputs() int {
	return slices.IndexFunc(t.slots, func(s slot) bool { return s.use != inputColumn })
}

// sortTexts sorts the texts of open slots, so that their codes do not depend on the order of the
// records. If all texts of a slot are numbers, they are sorted as numbers. It returns the key of
// each record, a hash of its inputs, and, if the last slot is a label, its class.
func (t *table) sortTexts() (keys []uint64, classes []int) {
	after := make([][]float64, len(t.slots)) // for each slot its new codes; nil if they do not change
	for k := range t.slots {
		if s := &t.slots[k]; s.open && !s.numeric {
			after[k] = s.sortTexts()
		}
	}
	keys = make([]uint64, t.rows)
	width, inputs := len(t.slots), t.inputs()
	if t.slots[width-1].use == labelColumn {
		classes = make([]int, t.rows)
	}
	row := 0
	for _, block := range t.blocks { // a block stays in the cache for all of the loop
		for k, after := range after {
			for i := k; after != nil && i < len(block); i += width {
				if v := block[i]; v == v {
					block[i] = after[int(v)]
				}
			}
		}
		rows := len(block) / width
		hashNumbers(keys[row:row+rows], block, inputs, width)
		if classes != nil {
			for i := range rows {
				classes[row+i] = int(block[(i+1)*width-1])
			}
		}
		row += rows
	}
	return keys, classes
}

// sortTexts sorts the texts of a slot, and returns the new code for each old one.
func (s *slot) sortTexts() []float64 {
	before := s.texts
	s.texts = slices.Clone(before)
	numbers := map[string]float64{}
	for _, text := range before {
		if v, err := number([]byte(text)); err == nil {
			numbers[text] = v
		}
	}
	slices.SortFunc(s.texts, func(a, b string) int {
		if len(numbers) == len(before) {
			return cmp.Or(cmp.Compare(numbers[a], numbers[b]), cmp.Compare(a, b))
		}
		return cmp.Compare(a, b)
	})
	for code, text := range s.texts {
		s.codes[text] = code
	}
	after := make([]float64, len(before))
	for code, text := range before {
		after[code] = float64(s.codes[text])
	}
	if s.missing == filled {
		s.instead = after[int(s.instead)]
	}
	return after
}
