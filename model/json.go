package model

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// An object is a JSON object with its keys in order. Values are *object, []any,
// string, json.Number, bool and nil when read, anything when written.
//
// It is here because encoding/json takes the last of two equal keys, DTYPE for
// dtype, and null for anything.
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

// take returns the value of a key and strikes it off.
func (o *object) take(key string) any {
	v, ok := o.values[key]
	if !ok {
		return absent{}
	}
	delete(o.values, key)
	return v
}

// left returns the first key nobody took.
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

// parse reads text, which must be one JSON object and nothing else.
func parse(text []byte) (*object, error) {
	if !utf8.Valid(text) {
		return nil, errors.New("it is not UTF-8")
	}
	// Besides the syntax this checks that values are nested at most 10,000
	// deep, which the tokens below do not: endless brackets would end the
	// program, the stack being full.
	if err := json.Unmarshal(text, new(json.RawMessage)); err != nil {
		return nil, fmt.Errorf("it is not JSON: %w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	v, err := parseValue(dec, "")
	if err != nil {
		return nil, err
	}
	o, ok := v.(*object)
	if !ok {
		return nil, fmt.Errorf("want a JSON object, got %s", show(v))
	}
	return o, nil
}

// parseValue reads the value that stands under the key in.
func parseValue(dec *json.Decoder, in string) (any, error) {
	token, err := dec.Token()
	switch {
	case err != nil:
		return nil, err
	case token == json.Delim('{'):
		o := &object{}
		for dec.More() {
			token, err := dec.Token()
			if err != nil {
				return nil, err
			}
			key := token.(string)
			if _, twice := o.values[key]; twice {
				if in == "" {
					return nil, fmt.Errorf("the key %q stands in it twice", key)
				}
				return nil, fmt.Errorf("the key %q stands twice in %q", key, in)
			}
			v, err := parseValue(dec, key)
			if err != nil {
				return nil, err
			}
			o.set(key, v)
		}
		_, err := dec.Token() // the }
		return o, err
	case token == json.Delim('['):
		list := []any{}
		for dec.More() {
			v, err := parseValue(dec, in)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err := dec.Token() // the ]
		return list, err
	}
	return token, nil
}

// integer returns v as an integer of 0 or more, written as such: not 1.0 or 1e3.
func integer(v any) (int, bool) {
	number, _ := v.(json.Number)
	n, err := strconv.ParseUint(string(number), 10, strconv.IntSize-1)
	return int(n), err == nil
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

// show writes v for an error: in short, whatever its size.
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
