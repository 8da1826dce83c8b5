package data

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
)

// allRecords reads a text to its end.
func allRecords(r io.Reader) (all [][]string, lines []int, err error) {
	c := newRecords(r, "t.csv", ',')
	for {
		fields, err := c.next()
		if err == io.EOF {
			return all, lines, nil
		} else if err != nil {
			return all, lines, err
		}
		var record []string
		for _, f := range fields {
			record = append(record, string(f))
		}
		all, lines = append(all, record), append(lines, c.line)
	}
}

func TestRecords(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       [][]string
		lines      []int
	}{
		{"empty", "", nil, nil},
		{"LF", "a,b\n1,2\n", [][]string{{"a", "b"}, {"1", "2"}}, []int{1, 2}},
		{"no line end", "a,b\n1,2", [][]string{{"a", "b"}, {"1", "2"}}, []int{1, 2}},
		{"CRLF", "a,b\r\n1,2\r\n", [][]string{{"a", "b"}, {"1", "2"}}, []int{1, 2}},
		{"CR at the end", "a\r", [][]string{{"a"}}, []int{1}},
		{"empty lines", "\n\na\n\r\n  \nb\n\n", [][]string{{"a"}, {"b"}}, []int{3, 6}},
		{"empty fields", ",\na,\n,b\n", [][]string{{"", ""}, {"a", ""}, {"", "b"}}, []int{1, 2, 3}},
		{"spaces", "  a b ,\t c\t\n", [][]string{{"a b", "c"}}, []int{1}},
		{"quotes", `"a,b", "c ""d"" " ,""` + "\n", [][]string{{"a,b", `c "d" `, ""}}, []int{1}},
		{"an empty field in quotes alone", "\"\"\n", [][]string{{""}}, []int{1}},
		{"a line end in quotes", "\"a\r\nb\",c\nd,e\n", [][]string{{"a\r\nb", "c"}, {"d", "e"}}, []int{1, 3}},
		{"quotes and CRLF", "\"a\"\r\n\"b\"\r", [][]string{{"a"}, {"b"}}, []int{1, 2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for how, r := range map[string]io.Reader{
				"at once":          strings.NewReader(c.text),
				"byte by byte":     iotest.OneByteReader(strings.NewReader(c.text)),
				"with its end":     iotest.DataErrReader(strings.NewReader(c.text)),
				"through a buffer": iotest.HalfReader(strings.NewReader(c.text)),
			} {
				got, lines, err := allRecords(r)
				if err != nil || !reflect.DeepEqual(got, c.want) || !reflect.DeepEqual(lines, c.lines) {
					t.Errorf("%s: got %q in lines %v (%v), want %q in lines %v", how, got, lines, err, c.want, c.lines)
				}
			}
		})
	}
}

func TestRecordsAcrossBuffers(t *testing.T) {
	line := `"` + strings.Repeat(`a "" b,`+"\n", readAhead/5) + `",` + strings.Repeat("x", readAhead) + "\n"
	got, lines, err := allRecords(strings.NewReader(line + line + "1,2\n"))
	if err != nil || len(got) != 3 || got[0][0] != got[1][0] || len(got[1][1]) != readAhead {
		t.Fatalf("got %d records (%v), want 3, two of them long and the same", len(got), err)
	}
	if want := 2*(readAhead/5+1) + 1; lines[2] != want {
		t.Errorf("the last record is in line %d, want %d", lines[2], want)
	}
}

func TestRecordsErrors(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"a quote inside", "a,b\n1,2\"3\n", `t.csv:2: column 2: got a quote inside a field`},
		{"text behind a quote", "a,b\n\"1\"x,2\n", `t.csv:2: column 1: want a separator after the quote that ends the field, got 'x'`},
		{"a quote without end", "a\n\"b\nc\n", `t.csv:2: column 1: the quote that begins the field has no end`},
		{"a line without end", strings.Repeat("a", longestRecord+2*readAhead), "t.csv:1: the line is longer than 16 MB; is a quote missing?"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := allRecords(strings.NewReader(c.text))
			if table, ok := errors.AsType[*TableError](err); !ok || !strings.Contains(table.Error(), c.want) {
				t.Errorf("got %v, want a TableError with %q", err, c.want)
			}
		})
	}
	t.Run("a reader that fails", func(t *testing.T) {
		_, _, err := allRecords(iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader("a,b\n1,2\n"))))
		if !errors.Is(err, iotest.ErrTimeout) {
			t.Errorf("got %v, want the error of the reader", err)
		}
	})
}

// FuzzRecords compares with encoding/csv where that accepts a text: it keeps spaces at the
// end of fields, which are trimmed here, and takes what follows spaces for no quote.
func FuzzRecords(f *testing.F) {
	for _, s := range []string{"a,b\n1,2\n", "\"a\"\"\",b\r\n\n,\"\n\"", "\"", "a\"b", "\xef\xbb\xbfa", ",,\n,", "\"a\" ,b\r", " \"a\""} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, _, err := allRecords(bytes.NewReader(text))
		piecewise, _, errPiecewise := allRecords(iotest.OneByteReader(bytes.NewReader(text)))
		if !reflect.DeepEqual(got, piecewise) || (err == nil) != (errPiecewise == nil) {
			t.Fatalf("at once %q (%v), byte by byte %q (%v)", got, err, piecewise, errPiecewise)
		}
		if bytes.ContainsAny(text, " \t\r") {
			return
		}
		std := csv.NewReader(bytes.NewReader(text))
		std.FieldsPerRecord = -1
		want, errStd := std.ReadAll()
		if (err == nil) != (errStd == nil) || err == nil && !(len(got) == 0 && len(want) == 0) && !reflect.DeepEqual(got, want) {
			t.Errorf("got %q (%v), encoding/csv %q (%v)", got, err, want, errStd)
		}
	})
}
