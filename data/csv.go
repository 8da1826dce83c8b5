package data

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// A TableError says where a table of text cannot be used, and what to do.
type TableError struct {
	Name   string // the file
	Line   int    // counted from 1; 0 if it is none in particular
	Column int    // the number of the field in the line, counted from 1; 0 likewise
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
	readAhead     = 1 << 18  // bytes of the file that are read at a time: they fit the cache
	longestRecord = 16 << 20 // bytes
)

// records reads the records of a CSV or TSV file as RFC 4180 has them: lines that end in
// LF or CRLF, fields with commas between them, or another separator, and in quotes if they
// hold separators, line ends or (doubled) quotes. Beyond the RFC, a mark of UTF-8 at the
// beginning and empty lines are skipped, and so are spaces around a field; a quote inside
// a field that does not begin with one is an error.
//
// Its memory is readAhead and twice the longest record.
type records struct {
	r         io.Reader
	name      string
	separator byte
	ahead     int // readAhead, but for tests

	buf    []byte // read but not returned; its array is blockSize longer than is read
	at     int    // where in buf the next record begins
	marks  marks  // of buf, behind at
	done   bool   // r is at its end
	err    error  // what ended r
	line   int    // where the record that next returned begins
	lines  int    // line ends before buf[at]
	fields [][]byte
	plain  []byte // fields that had doubled quotes
}

func newRecords(r io.Reader, name string, separator byte) *records {
	return &records{r: r, name: name, separator: separator, ahead: readAhead, marks: marksOf(separator)}
}

// next returns the fields of the next record, which stay as they are until the next call.
// The error is io.EOF at the end of the file.
func (c *records) next() ([][]byte, error) {
	for {
		c.line = c.lines + 1
		begin := c.at
		whole, err := c.split()
		switch {
		case err != nil:
			return nil, err
		case whole:
			if len(c.fields) == 1 && len(c.fields[0]) == 0 && bytes.IndexByte(c.buf[begin:c.at], '"') < 0 { // an empty line
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

// fill reads more of the file, behind what is left of buf.
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

// split divides the record at buf[at] into fields, and moves at behind its line end. The
// record is not whole if its end has not been read yet: then fill comes next.
func (c *records) split() (whole bool, err error) {
	c.fields, c.plain = c.fields[:0], c.plain[:0]
	if c.at == len(c.buf) {
		return false, nil
	}
	lines := 0
	for begin := c.at; ; {
		end := c.marks.next()
		if end == len(c.buf) && !c.done {
			return false, nil
		}
		var field []byte
		if end < len(c.buf) && c.buf[end] == '"' {
			if field, end, err = c.quoted(begin, end, &lines); field == nil {
				return false, err
			}
		} else {
			field = trim(c.buf[begin:end])
		}
		c.fields = append(c.fields, field)
		if end < len(c.buf) && c.buf[end] == c.separator {
			begin = end + 1
			continue
		}
		if c.at = end; end < len(c.buf) {
			lines++
			c.at++
		}
		c.lines += lines
		return true, nil
	}
}

// quoted returns the text of the field at buf[begin], whose first quote is buf[open], and
// the mark that ends the field; nil if that has not been read. It adds the line ends in
// the field to lines.
func (c *records) quoted(begin, open int, lines *int) (field []byte, end int, err error) {
	b, column := c.buf, len(c.fields)+1
	if len(bytes.TrimLeft(b[begin:open], " \t")) > 0 {
		return nil, 0, c.fail(column, `got a quote inside a field that does not begin with one; write the field as "...", and a quote in it as ""`)
	}
	plain, from := len(c.plain), open+1
	for {
		i := c.marks.next()
		switch {
		case i == len(b) && c.done:
			return nil, 0, c.fail(column, "the quote that begins the field has no end; add it, or double a quote that belongs to the text")
		case i == len(b), i+1 == len(b) && !c.done:
			return nil, 0, nil
		case b[i] == '\n':
			*lines++
		case b[i] != '"':
		case i+1 < len(b) && b[i+1] == '"':
			c.plain = append(c.plain, b[from:i+1]...)
			from = c.marks.next() + 1
		default:
			field = b[from:i]
			if len(c.plain) > plain {
				c.plain = append(c.plain, field...)
				field = c.plain[plain:]
			}
			end, err = c.afterQuote(i + 1)
			if end < 0 {
				field = nil
			}
			return field, end, err
		}
	}
}

// afterQuote returns the mark that ends a field whose last quote is before buf[i]; -1 if
// it has not been read.
func (c *records) afterQuote(i int) (end int, err error) {
	b := c.buf
	for i < len(b) && (b[i] == ' ' || b[i] == '\t') && b[i] != c.separator {
		i++
	}
	last := i + 1 // where a CR must be followed by LF, or by nothing
	switch {
	case i == len(b) && !c.done, last == len(b) && b[i] == '\r' && !c.done:
		return -1, nil
	case i < len(b) && b[i] == '\r' && (last == len(b) || b[last] == '\n'):
		i++
	}
	if i < len(b) && b[i] != c.separator && b[i] != '\n' {
		return -1, c.fail(len(c.fields)+1, "want a separator after the quote that ends the field, got %q; double a quote that belongs to the text", b[i])
	}
	return c.marks.next(), nil
}

// trim removes the spaces around a field, and the CR of a CRLF.
func trim(b []byte) []byte {
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t' || b[len(b)-1] == '\r') {
		b = b[:len(b)-1]
	}
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	return b
}

func (c *records) fail(column int, format string, args ...any) error {
	return &TableError{Name: c.name, Line: c.line, Column: column, Err: fmt.Errorf(format, args...)}
}

// A format is what is found out from the beginning of a table.
type format struct {
	separator byte
	mark      int // bytes of the mark of UTF-8
}

// separators are those that are tried, the likelier first.
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
