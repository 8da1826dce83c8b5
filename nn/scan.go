package nn

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// A scanner reads the text of a line of layers.
type scanner struct {
	text  string
	at    int // the next byte
	depth int
}

// A list is layers separated by commas or ends of lines.
type list struct {
	at    int
	items []*item
}

// An item is one layer in the text.
type item struct {
	at, kindAt int
	name, kind string
	words      []*word
	lists      []list
}

// A word is the value of a setting. Without a name, it is the value of the next setting.
type word struct {
	at          int // of the value
	name, value string
}

// take removes and returns the word of a setting, or nil if there is none.
func (it *item) take(setting string) *word {
	var next *word
	for _, w := range it.words {
		if w.value != "" && w.name == setting {
			return w
		}
		if w.value != "" && w.name == "" && next == nil {
			next = w
		}
	}
	return next
}

const (
	blank    = " \t\r"
	notWords = blank + "\n,;:()=#"
)

// skip moves past blanks and comments, and past line ends too if lines is set.
func (s *scanner) skip(lines bool) {
	for s.at < len(s.text) {
		switch c := s.text[s.at]; {
		case c == '#':
			end := strings.IndexByte(s.text[s.at:], '\n')
			if end < 0 {
				end = len(s.text) - s.at
			}
			s.at += end
		case strings.IndexByte(blank, c) >= 0, lines && c == '\n':
			s.at++
		default:
			return
		}
	}
}

// next reports whether the next byte is c. If so, it moves past it.
func (s *scanner) next(c byte) bool {
	if s.at < len(s.text) && s.text[s.at] == c {
		s.at++
		return true
	}
	return false
}

// word reads a word, which may be empty.
func (s *scanner) word() string {
	rest := s.text[s.at:]
	end := strings.IndexAny(rest, notWords)
	if end < 0 {
		end = len(rest)
	}
	s.at += end
	return rest[:end]
}

// list reads layers up to the end of the text, a bracket that closes, or a semicolon.
func (s *scanner) list() (l list, err error) {
	for l.at = s.at; ; {
		s.skip(true)
		if s.at == len(s.text) || strings.IndexByte(");", s.text[s.at]) >= 0 {
			return l, nil
		}
		it, err := s.item()
		if err != nil {
			return l, err
		}
		l.items = append(l.items, it)
		s.skip(false)
		if s.at < len(s.text) && strings.IndexByte(",\n);", s.text[s.at]) < 0 {
			return l, s.fail(s.at, fmt.Errorf("want a comma after the layer, got %s", s.letter()))
		}
		s.next(',')
	}
}

// item reads a layer.
func (s *scanner) item() (*item, error) {
	it := &item{at: s.at, kindAt: s.at}
	it.kind = s.word()
	if it.kind == "" {
		return nil, s.fail(s.at, fmt.Errorf("want the kind of a layer, such as relu, got %s", s.letter()))
	}
	if s.next(':') {
		s.skip(false)
		it.name, it.kindAt = it.kind, s.at
		if it.kind = s.word(); it.kind == "" {
			return nil, s.fail(s.at, errors.New("want the kind of a layer after its name and the colon"))
		}
	}
	for {
		s.skip(false)
		at := s.at
		value := s.word()
		if value == "" {
			break
		}
		w := &word{at: at, value: value}
		if s.next('=') {
			w.name, w.at = value, s.at
			if w.value = s.word(); w.value == "" {
				return nil, s.fail(s.at, fmt.Errorf("want a value after %s", clip(w.name+"=")))
			}
		}
		for _, other := range it.words {
			if w.name != "" && w.name == other.name {
				return nil, s.fail(at, fmt.Errorf("the setting %s occurs twice", clip(w.name)))
			}
		}
		it.words = append(it.words, w)
	}
	return it, s.lists(it)
}

// lists reads the layers inside a layer.
func (s *scanner) lists(it *item) error {
	open := s.at
	if !s.next('(') {
		return nil
	}
	if s.depth++; s.depth >= mostDepth {
		return s.fail(open, fmt.Errorf("want brackets at most %d deep", mostDepth-1))
	}
	defer func() { s.depth-- }()
	for {
		l, err := s.list()
		if err != nil {
			return err
		}
		it.lists = append(it.lists, l)
		switch {
		case s.next(')'):
			return nil
		case s.at == len(s.text):
			return s.fail(open, errors.New("this bracket is not closed"))
		}
		s.next(';')
	}
}

// letter returns the next letter for an error message.
func (s *scanner) letter() string {
	if s.at == len(s.text) {
		return "the end"
	}
	r, _ := utf8.DecodeRuneInString(s.text[s.at:])
	return fmt.Sprintf("%q", r)
}

// fail returns err with the place where it happened.
func (s *scanner) fail(at int, err error) *ParseError {
	start := strings.LastIndexByte(s.text[:at], '\n') + 1
	source, _, _ := strings.Cut(s.text[start:], "\n")
	return &ParseError{
		Line:   1 + strings.Count(s.text[:start], "\n"),
		Column: 1 + utf8.RuneCountInString(s.text[start:at]),
		Source: strings.TrimSuffix(source, "\r"),
		Err:    err,
	}
}

// clip quotes a part of a line of layers for an error message, and shortens it.
func clip(s string) string {
	const most = 40
	if letters := []rune(s); len(letters) > most {
		s = string(letters[:most]) + "…"
	}
	return fmt.Sprintf("%q", s)
}
