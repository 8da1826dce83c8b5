package data

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// A TableError says what is wrong in a table of text, where, and what to do.
type TableError struct {
	Name   string // the file
	Line   int    // counted from 1; 0 if it is not in one line
	Column int    // the number of the field in the line, counted from 1; 0 if it is not in one field
	Header string // the name of the column; "" if it has none
	Err    error
}

func (e *TableError) Error() string {
	at := e.Name
	if e.Line > 0 {
		at = fmt.Sprintf("%s:%d", at, e.Line)
	}
	if e.Column > 0 {
		at = fmt.Sprintf("%s: column %d", at, e.Column)
		if e.Header != "" {
			at = fmt.Sprintf("%s (%s)", at, e.Header)
		}
	}
	return fmt.Sprintf("%s: %v", at, e.Err)
}

// Unwrap returns e.Err.
func (e *TableError) Unwrap() error { return e.Err }

const (
	readAhead     = 1 << 18  // bytes that are read at a time; they fit into the cache
	longestRecord = 16 << 20 // bytes
)

// records reads the records of a CSV or TSV file by RFC 4180. Lines end in LF or CRLF.
// Fields are separated by commas or another separator, and are in quotes if they hold
// separators, line ends or (doubled) quotes. Beyond the RFC, a UTF-8 mark at the beginning,
// empty lines, and spaces around a field are skipped. A quote inside a field that does not
// begin with a quote is an error.
//
// Its memory is readAhead or twice the longest record.
type records struct {
	r         io.Reader
	name      string
	separator byte
	ahead     int // readAhead; smaller in tests

	buf     []byte // bytes that are not returned yet; its array is blockSize longer
	at      int    // where in buf the next record begins
	marks   marks  // in buf, after at
	done    bool   // r is at its end
	err     error  // what ended r
	line    int    // the first line of the record that next returned last
	lines   int    // line ends before buf[at]
	fields  []field
	doubled []int // indices of the fields with doubled quotes
}

// A field is a part of records.buf.
type field struct{ begin, end int }

// text returns the text of a field of the record that next returned last.
func (c *records) text(f field) []byte { return c.buf[f.begin:f.end] }

func newRecords(r io.Reader, name string, separator byte) *records {
	return &records{r: r, name: name, separator: separator, ahead: readAhead, marks: marks{separator: separator}}
}

// next returns the fields of the next record. They are valid until the next call. The error is
// io.EOF at the end of the file.
func (c *records) next() ([]field, error) {
	for {
		c.line = c.lines + 1
		begin := c.at
		whole, err := c.split()
		switch {
		case err != nil:
			return nil, err
		case whole:
			if len(c.fields) == 1 && c.fields[0].begin == c.fields[0].end && bytes.IndexByte(c.buf[begin:c.at], '"') < 0 { // an empty line
				continue
			}
			return c.fields, nil
		case c.done && c.at == len(c.buf):
			return nil, c.err
		}
		if err := c.fill(); err != nil {
			return nil, err
		}
	}
}

// fill reads more of the file into buf, after the bytes that are left.
func (c *records) fill() error {
	left := copy(c.buf[:cap(c.buf)], c.buf[c.at:])
	if left >= longestRecord {
		return c.fail(0, "the line is longer than %d MB; is a quote missing?", longestRecord>>20)
	}
	c.buf = c.buf[:left]
	if left+blockSize >= cap(c.buf) {
		c.buf = append(make([]byte, 0, max(c.ahead, 2*left)+blockSize), c.buf...)
	}
	n, err := io.ReadFull(c.r, c.buf[left:cap(c.buf)-blockSize])
	c.buf, c.at = c.buf[:left+n], 0
	c.marks.reset(c.buf)
	if err == io.ErrUnexpectedEOF {
		err = io.EOF
	}
	if err != nil {
		c.done, c.err = true, err
		if err != io.EOF {
			return fmt.Errorf("reading %s: %w", c.name, err)
		}
	}
	return nil
}

// split divides the record at buf[at] into fields, and moves at past its line end. whole is
// false if the end of the record has not been read yet; then call fill.
func (c *records) split() (whole bool, err error) {
	b, fields, lines := c.buf, c.fields[:0], 0
	c.doubled = c.doubled[:0]
	if c.at == len(b) {
		return false, nil
	}
	for begin := c.at; ; {
		end := c.marks.next()
		if end == len(b) && !c.done {
			return false, nil
		}
		f := field{begin, end}
		if end < len(b) && b[end] == '"' {
			if f, end, err = c.quoted(len(fields), f, &lines); end < 0 {
				return false, err
			}
		} else if begin < end && (b[begin] <= ' ' || b[end-1] <= ' ') {
			f = c.trim(f)
		}
		fields = append(fields, f)
		if end < len(b) && b[end] == c.separator {
			begin = end + 1
			continue
		}
		if c.at = end; end < len(b) {
			lines++
			c.at++
		}
		c.lines += lines
		for _, k := range c.doubled { // only once, when the record is whole
			fields[k].end = fields[k].begin + undouble(c.text(fields[k]))
		}
		c.fields = fields
		return true, nil
	}
}

// quoted returns the text of field k, whose first quote is the mark at f.end, and the mark that
// ends the field. end is -1 if that has not been read yet. It adds the line ends in the field
// to lines.
func (c *records) quoted(k int, f field, lines *int) (text field, end int, err error) {
	b := c.buf
	if len(bytes.TrimLeft(c.text(f), " \t")) > 0 {
		return f, -1, c.fail(k+1, `got a quote inside a field that does not begin with one; write the field as "...", and a quote in it as ""`)
	}
	f.begin = f.end + 1
	doubled := false
	for {
		i := c.marks.next()
		switch {
		case i == len(b) && c.done:
			return f, -1, c.fail(k+1, "the quote that begins the field has no end; add it, or double a quote that belongs to the text")
		case i == len(b), i+1 == len(b) && !c.done:
			return f, -1, nil
		case b[i] == '\n':
			*lines++
		case b[i] != '"': // a separator
		case i+1 < len(b) && b[i+1] == '"':
			c.marks.next()
			doubled = true
		default:
			if doubled {
				c.doubled = append(c.doubled, k)
			}
			f.end = i
			end, err = c.afterQuote(k, i+1)
			return f, end, err
		}
	}
}

// undouble replaces each doubled quote by one, and returns the new length.
func undouble(b []byte) int {
	n := 0
	for i := 0; i < len(b); i++ {
		b[n] = b[i]
		n++
		if b[i] == '"' {
			i++
		}
	}
	return n
}

// afterQuote returns the mark that ends field k, whose last quote is before buf[i]. end is -1 if
// it has not been read yet.
func (c *records) afterQuote(k, i int) (end int, err error) {
	b := c.buf
	for i < len(b) && (b[i] == ' ' || b[i] == '\t') && b[i] != c.separator {
		i++
	}
	last := i + 1 // after a CR here, only LF or the end of the file may come
	switch {
	case i == len(b) && !c.done, last == len(b) && b[i] == '\r' && !c.done:
		return -1, nil
	case i < len(b) && b[i] == '\r' && (last == len(b) || b[last] == '\n'):
		i++
	}
	if i < len(b) && b[i] != c.separator && b[i] != '\n' {
		return -1, c.fail(k+1, "want a separator after the quote that ends the field, got %q; double a quote that belongs to the text", b[i])
	}
	return c.marks.next(), nil
}

// trim removes the spaces around a field, and the CR of a CRLF.
func (c *records) trim(f field) field {
	for b := c.buf; f.begin < f.end && (b[f.end-1] == ' ' || b[f.end-1] == '\t' || b[f.end-1] == '\r'); {
		f.end--
	}
	for b := c.buf; f.begin < f.end && (b[f.begin] == ' ' || b[f.begin] == '\t'); {
		f.begin++
	}
	return f
}

func (c *records) fail(column int, format string, args ...any) error {
	return &TableError{Name: c.name, Line: c.line, Column: column, Err: fmt.Errorf(format, args...)}
}

// A format is what the beginning of a table says about it.
type format struct {
	separator byte
	mark      int // length of the UTF-8 mark in bytes
}

// separators are the separators that are tried, the most likely first.
const separators = ",\t;|"

// detect finds the separator that occurs most often in the first line, outside of quotes.
func detect(begin []byte) (format, error) {
	var f format
	switch {
	case bytes.HasPrefix(begin, []byte("\xff\xfe")), bytes.HasPrefix(begin, []byte("\xfe\xff")):
		return f, errors.New("it is UTF-16; save it as UTF-8")
	case bytes.HasPrefix(begin, gzipMagic):
		return f, errors.New("it is compressed; decompress it with gunzip")
	case bytes.IndexByte(begin, 0) >= 0:
		return f, errors.New("it holds zero bytes, so it is no text; name a CSV or TSV file")
	case bytes.HasPrefix(begin, []byte("\uFEFF")):
		f.mark = 3
	}
	var count [256]int
	inQuotes, seen := false, false
	for _, b := range begin[f.mark:] {
		if b == '"' {
			inQuotes = !inQuotes
		}
		if b == '\n' && !inQuotes && seen {
			break
		}
		if !inQuotes {
			count[b]++
		}
		seen = seen || b > ' '
	}
	f.separator = separators[0]
	for i := range len(separators) {
		if count[separators[i]] > count[f.separator] {
			f.separator = separators[i]
		}
	}
	return f, nil
}
