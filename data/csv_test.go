package data

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"
)

// allRecords reads a text to its end, at first ahead bytes at a time.
func allRecords(r io.Reader, ahead int) (all [][]string, lines []int, err error) {
	c := newRecords(r, "t.csv", ',')
	c.ahead = ahead
	for {
		fields, err := c.next()
		if err == io.EOF {
			return all, lines, nil
		} else if err != nil {
			return all, lines, err
		}
		var record []string
		for _, f := range fields {
			record = append(record, string(c.text(f)))
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
				got, lines, err := allRecords(r, readAhead)
				if err != nil || !reflect.DeepEqual(got, c.want) || !reflect.DeepEqual(lines, c.lines) {
					t.Errorf("%s: got %q in lines %v (%v), want %q in lines %v", how, got, lines, err, c.want, c.lines)
				}
			}
		})
	}
}

func TestRecordsAcrossBuffers(t *testing.T) {
	line := `"` + strings.Repeat(`a "" b,`+"\n", readAhead/5) + `",` + strings.Repeat("x", readAhead) + "\n"
	got, lines, err := allRecords(strings.NewReader(line+line+"1,2\n"), readAhead)
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
			_, _, err := allRecords(strings.NewReader(c.text), readAhead)
			if table, ok := errors.AsType[*TableError](err); !ok || !strings.Contains(table.Error(), c.want) {
				t.Errorf("got %v, want a TableError with %q", err, c.want)
			}
		})
	}
	t.Run("a reader that fails", func(t *testing.T) {
		_, _, err := allRecords(iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader("a,b\n1,2\n"))), readAhead)
		if !errors.Is(err, iotest.ErrTimeout) {
			t.Errorf("got %v, want the error of the reader", err)
		}
	})
}

// checkRecords compares the records of a text with those of encoding/csv, where that
// accepts the text. There are differences on purpose: spaces around a field and lines of
// spaces are nothing here, and a CR before a line end in quotes is part of the text.
func checkRecords(t *testing.T, text []byte) {
	got, _, err := allRecords(bytes.NewReader(text), len(text)+1)
	for _, ahead := range []int{1, 7} {
		piecewise, _, errPiecewise := allRecords(bytes.NewReader(text), ahead)
		if !reflect.DeepEqual(got, piecewise) || fmt.Sprint(err) != fmt.Sprint(errPiecewise) {
			t.Fatalf("%q at once is %q (%v), %d bytes at a time %q (%v)", text, got, err, ahead, piecewise, errPiecewise)
		}
	}
	std := csv.NewReader(bytes.NewReader(text))
	std.FieldsPerRecord = -1
	want, errStd := std.ReadAll()
	spaces := bytes.ContainsAny(text, " \t\r")
	if errStd != nil {
		if err == nil && !spaces {
			t.Errorf("%q is taken, encoding/csv refuses it: %v", text, errStd)
		}
		return
	}
	if spaces {
		got, want = trimmed(got), trimmed(want)
	}
	if err != nil || len(got)+len(want) > 0 && !reflect.DeepEqual(got, want) {
		t.Errorf("%q is %q (%v), encoding/csv says %q", text, got, err, want)
	}
}

var crBeforeLineEnd = regexp.MustCompile("\r+\n")

// trimmed returns records without what checkRecords lets differ.
func trimmed(records [][]string) (kept [][]string) {
	for _, record := range records {
		for i := range record {
			record[i] = strings.Trim(crBeforeLineEnd.ReplaceAllString(record[i], "\n"), " \t\r")
		}
		if len(record) > 1 || record[0] != "" {
			kept = append(kept, record)
		}
	}
	return kept
}

// TestRecordsRandom: texts of a few bytes that mean something, some longer than a block.
func TestRecordsRandom(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 50_000 {
		pieces := []string{"a", "1.5", ",", ",", "\n", "\"", "\"\"", "\"b,\n\",", "\r\n", " ", "\x80\xac"}[:5+rng.IntN(7)]
		var text []byte
		for range rng.IntN(1 + 1<<rng.IntN(7)) {
			text = append(text, pieces[rng.IntN(len(pieces))]...)
		}
		checkRecords(t, text)
	}
}

func FuzzRecords(f *testing.F) {
	for _, s := range []string{"a,b\n1,2\n", "\"a\"\"\",b\r\n\n,\"\n\"", "\"", "a\"b", "\xef\xbb\xbfa", ",,\n,", "\"a\" ,b\r", " \"a\"", "\"0\r\r\n\""} {
		f.Add([]byte(s))
	}
	f.Fuzz(checkRecords)
}

// TestMarks: the marks are those that a loop over the bytes finds.
func TestMarks(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for length := range 40 * blockSize {
		if length > 3*blockSize && length%blockSize > 1 {
			continue
		}
		all := make([]byte, length+blockSize)
		for i := range all {
			all[i] = byte(rng.IntN(256))
			if rng.IntN(2) == 0 {
				all[i] = "\n\",;"[rng.IntN(4)]
			}
		}
		text := all[:length]
		m := marks{separator: ';'}
		m.reset(text)
		for from := 0; ; {
			want := length
			if i := bytes.IndexAny(text[from:], "\n\";"); i >= 0 {
				want = from + i
			}
			if got := m.next(); got != want {
				t.Fatalf("of %q, the mark after %d is at %d, want %d", text, from, got, want)
			}
			if want == length {
				break
			}
			from = want + 1
		}
	}
}
