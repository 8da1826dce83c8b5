package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// printJSON prints one object on a line of its own.
func (a *app) printJSON(v any) {
	var line bytes.Buffer
	e := json.NewEncoder(&line)
	e.SetEscapeHTML(false) // "Affine(784->50)" is no HTML
	e.Encode(v)            // of our own types, which encode
	a.stdout.Write(safeJSON(line.Bytes()))
}

// safeJSON writes as \uXXXX what a terminal does not print, such as a mark that
// reverses the direction of the text. The value stays the same.
func safeJSON(text []byte) []byte {
	if bytes.IndexFunc(text, hidden) < 0 {
		return text
	}
	return []byte(escape(string(text), func(r rune) string {
		if r < 0x10000 {
			return fmt.Sprintf(`\u%04x`, r)
		}
		r -= 0x10000
		return fmt.Sprintf(`\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
	}))
}

// quoted returns a name from outside, of a file or a layer, as it can be shown:
// as it is, or in quotes with escapes if a terminal would act on a character of
// it or hide one.
func quoted(name string) string {
	if name == "" || !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return !strconv.IsPrint(r) }) {
		return strconv.Quote(name)
	}
	return name
}

// shortened is quoted, but cut where it is long: a name in a table makes every line of it
// as long.
func shortened(name string) string {
	name, rest := beginning(name)
	return quoted(name) + rest
}

// quotedShort is a text from outside in quotes, cut where it is long.
func quotedShort(text string) string {
	text, rest := beginning(text)
	return strconv.Quote(text) + rest
}

// beginning returns the first letters of a long text, and an ellipsis for the rest.
func beginning(text string) (begin, rest string) {
	const most = 60
	letters := 0
	for i := range text {
		if letters++; letters == most {
			begin = text[:i]
		} else if letters > most {
			return begin, "…"
		}
	}
	return text, ""
}

// hidden reports whether a terminal acts on r or does not show it. Lines and
// columns of a text are what they are for.
func hidden(r rune) bool { return r != '\n' && r != '\t' && !strconv.IsPrint(r) }

// shown is a text of several lines in which nothing is hidden.
func shown(text string) string {
	return escape(text, func(r rune) string { return strings.Trim(strconv.QuoteRune(r), "'") })
}

func escape(text string, as func(r rune) string) string {
	var b strings.Builder
	for i, r := range text {
		if r == utf8.RuneError && !strings.HasPrefix(text[i:], "\uFFFD") {
			fmt.Fprintf(&b, `\x%02x`, text[i])
		} else if hidden(r) {
			b.WriteString(as(r))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// number is a float64 that JSON writes as null where it is NaN or infinite.
type number float64

func (n number) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(n)) || math.IsInf(float64(n), 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

// logf writes a line to standard error, as what is not a result.
func (a *app) logf(format string, args ...any) {
	line := strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", `\n`)
	fmt.Fprintln(a.stderr, shown(line))
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// isPipe reports whether another program reads w, which may print to the
// terminal at any time.
func isPipe(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&(os.ModeNamedPipe|os.ModeSocket) != 0
}
