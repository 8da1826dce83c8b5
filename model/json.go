package model

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

// An object is a JSON object with its keys in order, which encoding/json does not keep.
// Values are *object, []any, string, json.Number, bool and nil when read, anything when
// written.
type object struct {
	keys   []string
	values map[string]any
}

// set adds a key, which must be a new one.
func (o *object) set(key string, value any) {
	if o.values == nil {
		o.values = map[string]any{}
	}
	o.keys = append(o.keys, key)
	o.values[key] = value
}

// absent is what take returns for a key that is not there.
type absent struct{}

// take returns the value of a key and removes it.
func (o *object) take(key string) any {
	v, ok := o.values[key]
	if !ok {
		return absent{}
	}
	delete(o.values, key)
	return v
}

// left returns the first key that was not taken.
func (o *object) left() (key string, ok bool) {
	for _, key := range o.keys {
		if _, ok := o.values[key]; ok {
			return key, true
		}
	}
	return "", false
}

// MarshalJSON writes the keys in order.
func (o *object) MarshalJSON() ([]byte, error) {
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

// parse reads text, which must be one JSON object and nothing else. Package jsontext
// refuses what has more than one meaning: keys that occur twice in an object, text that
// is not UTF-8, halves of surrogate pairs, values nested more than 10,000 deep.
//
// More than maxValues values are an error: each takes far more memory than its text.
func parse(text []byte) (*object, error) {
	p := parser{dec: jsontext.NewDecoder(bytes.NewBuffer(text))}
	v, err := p.value()
	if err == nil {
		err = end(p.dec)
	}
	if err != nil {
		return nil, jsonProblem(err)
	}
	o, ok := v.(*object)
	if !ok {
		return nil, fmt.Errorf("want a JSON object, got %s", show(v))
	}
	return o, nil
}

// end reports what follows after the value that was read.
func end(dec *jsontext.Decoder) error {
	_, err := dec.ReadToken()
	switch err {
	case io.EOF:
		return nil
	case nil:
		return errors.New("more follows after its end")
	}
	return err
}

// members calls read for each key of the object that follows; read reads its value.
func members(dec *jsontext.Decoder, read func(key string) error) error {
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

// jsonProblem returns the message for an error of jsontext.
func jsonProblem(err error) error {
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
		o := &object{}
		err := members(dec, func(key string) error {
			v, err := p.value()
			o.set(key, v)
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

// integer returns v as an integer of 0 or more, written as such: not 1.0 or 1e3.
func integer(v any) (int, bool) {
	number, _ := v.(json.Number)
	n, err := strconv.ParseUint(string(number), 10, strconv.IntSize-1)
	return int(n), err == nil
}

// signedInteger returns v as an integer of any sign, written as such.
func signedInteger(v any) (int, bool) {
	number, _ := v.(json.Number)
	n, err := strconv.ParseInt(string(number), 10, strconv.IntSize)
	return int(n), err == nil
}

// float returns v as a number.
func float(v any) (float64, bool) {
	number, _ := v.(json.Number)
	x, err := strconv.ParseFloat(string(number), 64)
	return x, err == nil
}

// key returns v as a random key: 16 hexadecimal digits, for not every program reads
// integers of 64 bits.
func key(v any) (uint64, bool) {
	digits, _ := v.(string)
	k, err := strconv.ParseUint(digits, 16, 64)
	return k, err == nil && len(digits) == 16
}

// integers returns v as a list of such integers.
func integers(v any) ([]int, bool) {
	list, ok := v.([]any)
	if !ok {
		return nil, false
	}
	ints := make([]int, len(list))
	for i, v := range list {
		if ints[i], ok = integer(v); !ok {
			return nil, false
		}
	}
	return ints, true
}

// showValue writes a value of any size for an error.
func showValue(value jsontext.Value) string {
	switch value.Kind() {
	case '{':
		return "an object"
	case '[':
		return "a list"
	}
	return clip(string(value))
}

// show formats v for an error, in short form.
func show(v any) string {
	switch v := v.(type) {
	case absent:
		return "nothing"
	case nil:
		return "null"
	case string:
		return strconv.Quote(clip(v))
	case *object:
		return "an object"
	case []any:
		parts := make([]string, 0, 4)
		for i, e := range v {
			if _, nested := e.([]any); nested || i == cap(parts) {
				return fmt.Sprintf("a list of %d", len(v))
			}
			parts = append(parts, show(e))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return fmt.Sprint(v)
}
