// Package strictjson reads JSON that others wrote, in bounded memory: what has more than
// one meaning is an error, and so is what holds very many values.
package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// An Object is a JSON object with its keys in order, which encoding/json does not keep.
// Values are *Object, []any, string, json.Number, bool and nil when read, anything when
// written.
type Object struct {
	keys   []string
	values map[string]any
}

// Set adds a key, which must be a new one.
func (o *Object) Set(key string, value any) {
	if o.values == nil {
		o.values = map[string]any{}
	}
	o.keys = append(o.keys, key)
	o.values[key] = value
}

// Absent is the result of Take for a key that is missing.
type Absent struct{}

// Take returns the value of a key and removes it.
func (o *Object) Take(key string) any {
	v, ok := o.values[key]
	if !ok {
		return Absent{}
	}
	delete(o.values, key)
	return v
}

// Left returns the first key that was not taken.
func (o *Object) Left() (key string, ok bool) {
	for _, key := range o.keys {
		if _, ok := o.values[key]; ok {
			return key, true
		}
	}
	return "", false
}

// MarshalJSON writes the keys in order.
func (o *Object) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, key := range o.keys {
		if i > 0 {
			b = append(b, ',')
		}
		for _, part := range []struct {
			value any
			end   string
		}{{key, ":"}, {o.values[key], ""}} {
			text, err := json.Marshal(part.value)
			if err != nil {
				return nil, err
			}
			b = append(append(b, text...), part.end...)
		}
	}
	return append(b, '}'), nil
}

// Parse reads text, which must be one JSON object and nothing else. Package jsontext
// refuses text with more than one meaning: keys that occur twice in an object, text that is
// not UTF-8, and halves of surrogate pairs. It also refuses values nested more than 10,000
// deep.
//
// More than maxValues values are an error: each takes far more memory than its text.
func Parse(text []byte) (*Object, error) {
	v, err := Value(text)
	if err != nil {
		return nil, err
	}
	o, ok := v.(*Object)
	if !ok {
		return nil, fmt.Errorf("want a JSON object, got %s", Show(v))
	}
	return o, nil
}

// Value is [Parse] for a value of any kind.
func Value(text []byte) (any, error) {
	p := parser{dec: jsontext.NewDecoder(bytes.NewBuffer(text))}
	v, err := p.value()
	if err == nil {
		err = End(p.dec)
	}
	if err != nil {
		return nil, Problem(err)
	}
	return v, nil
}

// End returns an error if anything follows the value that was read.
func End(dec *jsontext.Decoder) error {
	_, err := dec.ReadToken()
	switch err {
	case io.EOF:
		return nil
	case nil:
		return errors.New("more follows after its end")
	}
	return err
}

// Members calls read for each key of the object that comes next; read reads the value.
func Members(dec *jsontext.Decoder, read func(key string) error) error {
	if _, err := dec.ReadToken(); err != nil { // the {
		return err
	}
	for dec.PeekKind() != '}' {
		key, err := dec.ReadToken()
		if err != nil {
			return err
		}
		if err := read(key.String()); err != nil {
			return err
		}
	}
	_, err := dec.ReadToken()
	return err
}

// Problem returns the message for an error of jsontext.
func Problem(err error) error {
	e, ok := errors.AsType[*jsontext.SyntacticError](err)
	switch {
	case err == errManyValues:
		return err
	case ok && errors.Is(err, jsontext.ErrDuplicateName):
		key, in := e.JSONPointer.LastToken(), e.JSONPointer.Parent()
		if in == "" {
			return fmt.Errorf("the key %q occurs twice", key)
		}
		return fmt.Errorf("the key %q occurs twice in %q", key, strings.TrimPrefix(string(in), "/"))
	case ok && e.Err != nil:
		return fmt.Errorf("it is not JSON: %w at byte %d", e.Err, e.ByteOffset)
	case errors.Is(err, io.ErrUnexpectedEOF), err == io.EOF:
		return errors.New("it is not JSON: it ends too early")
	}
	return fmt.Errorf("it is not JSON: %w", err)
}

const maxValues = 100_000

var errManyValues = fmt.Errorf("want at most %d values in all its lists and objects", maxValues)

// A parser parses values, and counts them.
type parser struct {
	dec    *jsontext.Decoder
	values int
}

func (p *parser) value() (any, error) {
	if p.values++; p.values > maxValues {
		return nil, errManyValues
	}
	dec := p.dec
	if dec.PeekKind() == '{' {
		o := &Object{}
		err := Members(dec, func(key string) error {
			v, err := p.value()
			o.Set(key, v)
			return err
		})
		return o, err
	}
	token, err := dec.ReadToken()
	if err != nil {
		return nil, err
	}
	switch token.Kind() {
	case '[':
		list := []any{}
		for dec.PeekKind() != ']' {
			v, err := p.value()
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err := dec.ReadToken()
		return list, err
	case '"':
		return token.String(), nil
	case '0':
		return json.Number(token.String()), nil
	case 't', 'f':
		return token.Bool(), nil
	}
	return nil, nil // null
}

// Integer returns v as an integer of 0 or more. It must be written as one: not 1.0 or 1e3.
func Integer(v any) (int, bool) {
	number, _ := v.(json.Number)
	n, err := strconv.ParseUint(string(number), 10, strconv.IntSize-1)
	return int(n), err == nil
}

// SignedInteger returns v as an integer, which may be negative. It must be written as one.
func SignedInteger(v any) (int, bool) {
	number, _ := v.(json.Number)
	n, err := strconv.ParseInt(string(number), 10, strconv.IntSize)
	return int(n), err == nil
}

// Float returns v as a number.
func Float(v any) (float64, bool) {
	number, _ := v.(json.Number)
	x, err := strconv.ParseFloat(string(number), 64)
	return x, err == nil
}

// Key returns v as a random key: 16 hexadecimal digits, because not every program reads
// integers of 64 bits.
func Key(v any) (uint64, bool) {
	digits, _ := v.(string)
	k, err := strconv.ParseUint(digits, 16, 64)
	return k, err == nil && len(digits) == 16
}

// Integers returns v as a list of such integers.
func Integers(v any) ([]int, bool) {
	list, ok := v.([]any)
	if !ok {
		return nil, false
	}
	ints := make([]int, len(list))
	for i, v := range list {
		if ints[i], ok = Integer(v); !ok {
			return nil, false
		}
	}
	return ints, true
}

// ShowValue writes a value of any size for an error.
func ShowValue(value jsontext.Value) string {
	switch value.Kind() {
	case '{':
		return "an object"
	case '[':
		return "a list"
	}
	return Clip(string(value))
}

// Show formats v for an error, in short form.
func Show(v any) string {
	switch v := v.(type) {
	case Absent:
		return "nothing"
	case nil:
		return "null"
	case string:
		return strconv.Quote(Clip(v))
	case *Object:
		return "an object"
	case []any:
		parts := make([]string, 0, 4)
		for i, e := range v {
			if _, nested := e.([]any); nested || i == cap(parts) {
				return fmt.Sprintf("a list of %d", len(v))
			}
			parts = append(parts, Show(e))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return fmt.Sprint(v)
}

// Clip shortens a text for an error message: a file may hold names of millions of letters.
func Clip(s string) string {
	const most = 400
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
