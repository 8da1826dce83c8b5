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
// Its memory is readAhead and the longest record.
type records struct {
	r         io.Reader
	name      string
	separator byte
	stops     [256]bool // the bytes that may end a field without quotes

	buf    []byte // read but not returned
	at     int    // where in buf the next record begins
	done   bool   // r is at its end
	err    error  // what ended r
	line   int    // where the record that next returned begins
	lines  int    // line ends before buf[at]
	fields [][]byte
	plain  []byte // fields that had doubled quotes
}

func newRecords(r io.Reader, name string, separator byte) *records {
	c := &records{r: r, name: name, separator: separator, buf: make([]byte, 0, readAhead)}
	for _, b := range []byte{separator, '\n', '"'} {
		c.stops[b] = true
	}
	return c
}

// next returns the fields of the next record, which stay as they are until the next call.
// The error is io.EOF at the end of the file.
func (c *records) next() ([][]byte, error) {
	for {
		c.line = c.lines + 1
		size, whole, err := c.split(c.buf[c.at:])
		switch {
		case err != nil:
			return nil, err
		case whole:
			record := c.buf[c.at : c.at+size]
			c.at += size
			if len(c.fields) == 1 && len(c.fields[0]) == 0 && bytes.IndexByte(record, '"') < 0 { // an empty line
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
	c.buf, c.at = c.buf[:left], 0
	if left >= longestRecord {
		return c.fail(0, "the line is longer than %d MB; is a quote missing?", longestRecord>>20)
	}
	if left == cap(c.buf) {
		c.buf = append(make([]byte, 0, 2*left), c.buf...)
	}
	n, err := io.ReadFull(c.r, c.buf[left:cap(c.buf)])
	c.buf = c.buf[:left+n]
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

// split divides the record at the beginning of b into fields, and returns its size with
// the line end. It is not whole if its end has not been read yet.
func (c *records) split(b []byte) (size int, whole bool, err error) {
	c.fields, c.plain = c.fields[:0], c.plain[:0]
	lines := 0
	for i := 0; ; {
		for i < len(b) && (b[i] == ' ' || b[i] == '\t') && b[i] != c.separator {
			i++
		}
		begin := i
		var field []byte
		if i < len(b) && b[i] == '"' {
			if field, i, err = c.quoted(b, i+1); field == nil {
				if err == nil && c.done {
					err = c.fail(len(c.fields)+1, "the quote that begins the field has no end; add it, or double a quote that belongs to the text")
				}
				return 0, false, err
			}
			lines += bytes.Count(b[begin:i], []byte{'\n'})
			for i < len(b) && (b[i] == ' ' || b[i] == '\t') && b[i] != c.separator {
				i++
			}
			if i+1 < len(b) && b[i] == '\r' && b[i+1] == '\n' || i+1 == len(b) && c.done && b[i] == '\r' {
				i++
			}
			if i == len(b) && !c.done || i+1 == len(b) && b[i] == '\r' {
				return 0, false, nil
			}
			if i < len(b) && b[i] != c.separator && b[i] != '\n' {
				return 0, false, c.fail(len(c.fields)+1, "want a separator after the quote that ends the field, got %q; double a quote that belongs to the text", b[i])
			}
		} else {
			stops := &c.stops
			for i < len(b) && !stops[b[i]] {
				i++
			}
			if i == len(b) && !c.done {
				return 0, false, nil
			}
			if i < len(b) && b[i] == '"' {
				return 0, false, c.fail(len(c.fields)+1, `got a quote inside a field that does not begin with one; write the field as "...", and a quote in it as ""`)
			}
			field = trimRight(b[begin:i])
		}
		c.fields = append(c.fields, field)
		if i == len(b) {
			if begin == 0 && i == 0 {
				return 0, false, nil // nothing follows
			}
			c.lines += lines
			return i, true, nil
		}
		if b[i] == '\n' {
			c.lines += lines + 1
			return i + 1, true, nil
		}
		i++
	}
}

// quoted returns the text of a field whose quote ends before b[i], and where it ends; nil
// if its end has not been read.
func (c *records) quoted(b []byte, i int) (field []byte, end int, err error) {
	begin, doubled := i, false
	plain := len(c.plain)
	for {
		n := bytes.IndexByte(b[i:], '"')
		if n < 0 || i+n+1 == len(b) && !c.done {
			return nil, 0, nil
		}
		if i+n+1 < len(b) && b[i+n+1] == '"' {
			c.plain = append(c.plain, b[i:i+n+1]...)
			i += n + 2
			doubled = true
			continue
		}
		if !doubled {
			return b[begin : i+n : i+n], i + n + 1, nil
		}
		c.plain = append(c.plain, b[i:i+n]...)
		return c.plain[plain:len(c.plain):len(c.plain)], i + n + 1, nil
	}
}

// trimRight removes spaces at the end, and the CR of a CRLF.
func trimRight(b []byte) []byte {
	n := len(b)
	for n > 0 && (b[n-1] == ' ' || b[n-1] == '\t' || b[n-1] == '\r') {
		n--
	}
	return b[:n]
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
