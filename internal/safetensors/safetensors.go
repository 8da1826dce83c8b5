// Package safetensors writes and reads files of named arrays and a text, whose SHA-256
// stands in the text. The format is that of https://github.com/huggingface/safetensors#format:
//
//	8 bytes   n, the length of the header, little-endian
//	n bytes   the header, a JSON object, padded with spaces:
//	          {"__metadata__": {"key": "text", ...},
//	           "name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ...}
//	the rest  the elements, row-major and little-endian; offsets count from here
package safetensors

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/chainrule-go/chainrule/internal/strictjson"
	"github.com/chainrule-go/chainrule/tensor"
)

const (
	MetadataKey = "__metadata__"
	MaxHeader   = 100_000_000 // as in the reference implementation
	MaxAxes     = 32          // of a tensor or a sample, as in NumPy before version 2
	maxTensors  = 100_000
	maxMetadata = 10_000 // keys
)

// Elements returns the name of T in the format, and its size in bytes.
func Elements[T tensor.Float]() (dtype string, size int) {
	if _, ok := any(T(0)).(float64); ok {
		return "F64", 8
	}
	return "F32", 4
}

// A Tensor is an array under its name in a file.
type Tensor[T tensor.Float] struct {
	Name string
	*tensor.Tensor[T]
}

// Write writes the tensors in order, one after another, and the text under the key in the
// metadata.
func Write[T tensor.Float](w io.Writer, key, text string, tensors []Tensor[T]) error {
	dtype, size := Elements[T]()
	metadata, header := &strictjson.Object{}, &strictjson.Object{}
	metadata.Set(key, text)
	header.Set(MetadataKey, metadata)
	begin := 0
	for _, t := range tensors {
		end := begin + size*len(t.Data)
		entry := &strictjson.Object{}
		entry.Set("dtype", dtype)
		entry.Set("shape", t.Shape)
		entry.Set("data_offsets", []int{begin, end})
		header.Set(t.Name, entry)
		begin = end
	}
	head, err := json.Marshal(header)
	if err != nil {
		return err
	}
	// The data begin at a multiple of 8, so that they can be mapped as they are.
	for len(head)%8 != 0 {
		head = append(head, ' ')
	}
	if len(head) > MaxHeader {
		return fmt.Errorf("the header of the file would be %d bytes, over the limit of %d; use fewer layers or shorter names", len(head), MaxHeader)
	}
	if _, err := w.Write(append(binary.LittleEndian.AppendUint64(nil, uint64(len(head))), head...)); err != nil {
		return err
	}
	for _, t := range tensors {
		if err := writeData(w, t.Data); err != nil {
			return err
		}
	}
	return nil
}

// A Header is the header of a file. Its entries cover the data in order, without holes.
type Header struct {
	Text    string // the text under the key in the metadata
	Found   bool   // whether the metadata have the key
	Entries []Entry
}

// An Entry is a tensor in the header.
type Entry struct {
	Name       string
	Shape      []int
	Begin, End int
}

// ReadHeader reads the header of a file whose tensors all have elements of type T, and the
// text under the key. It takes a small multiple of the header in memory: values are parsed
// one by one, and none may be long.
func ReadHeader[T tensor.Float](r io.Reader, key string) (*Header, error) {
	text, err := readHeader(r)
	if err != nil {
		return nil, err
	}
	dtype, size := Elements[T]()
	h := &Header{}
	dec := jsontext.NewDecoder(bytes.NewBuffer(text))
	err = strictjson.Members(dec, func(name string) (err error) {
		if name == MetadataKey {
			h.Text, h.Found, err = textIn(dec, key)
			return err
		}
		if len(h.Entries) == maxTensors {
			return Fail("header", "want at most %d tensors", maxTensors)
		}
		value, err := dec.ReadValue()
		if err != nil {
			return err
		}
		e, err := parseEntry(name, value, dtype, size)
		h.Entries = append(h.Entries, e)
		return err
	})
	if err == nil {
		err = strictjson.End(dec)
	}
	switch e, ok := errors.AsType[*Error](err); {
	case ok:
		return nil, e
	case err != nil:
		return nil, Fail("header", "%v", strictjson.Problem(err))
	}

	// Entries may come in any order. Their data must not overlap or leave holes.
	slices.SortStableFunc(h.Entries, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(a.Begin, b.Begin), cmp.Compare(a.End, b.End))
	})
	end := 0
	for _, e := range h.Entries {
		if e.Begin != end {
			return nil, Fail(e.Field("data_offsets"), "want them to begin at byte %d, where the tensor before ends, got %d: no hole, no overlap", end, e.Begin)
		}
		end = e.End
	}
	return h, nil
}

// readHeader reads the header, without the padding.
func readHeader(r io.Reader) ([]byte, error) {
	head, err := upTo(r, 8)
	if err != nil {
		return nil, err
	}
	if len(head) < 8 {
		return nil, Fail("header length", "want 8 bytes, got %d: the file is empty, cut off, or no safetensors file", len(head))
	}
	n := binary.LittleEndian.Uint64(head)
	if n > MaxHeader {
		return nil, Fail("header length", "want at most %d bytes, got %d: this is no safetensors file, it begins with %q", MaxHeader, n, head)
	}
	if n == 0 {
		return nil, Fail("header length", "want 2 bytes or more, got 0: this is no safetensors file, it begins with zeros")
	}
	text, err := upTo(r, int(n))
	if err != nil {
		return nil, err
	}
	if len(text) > 0 && text[0] != '{' {
		return nil, Fail("header", "want a JSON object, which begins with {, got %q: this is no safetensors file", text[:min(len(text), 8)])
	}
	if len(text) < int(n) {
		return nil, Fail("header", "want %d bytes, got %d: the file is cut off", n, len(text))
	}
	text = bytes.TrimRight(text, " ")
	if !bytes.HasSuffix(text, []byte{'}'}) {
		return nil, Fail("header", "want a JSON object that ends with } and is padded with spaces, got %q at its end", text[max(0, len(text)-8):])
	}
	return text, nil
}

// textIn returns the text under a key of the metadata. Other keys may belong to other
// programs, as long as their values are texts.
func textIn(dec *jsontext.Decoder, key string) (text string, found bool, err error) {
	if dec.PeekKind() != '{' {
		value, err := dec.ReadValue()
		if err != nil {
			return "", false, err
		}
		return "", false, Fail(MetadataKey, "want an object, got %s", strictjson.ShowValue(value))
	}
	keys := 0
	err = strictjson.Members(dec, func(name string) error {
		if keys++; keys > maxMetadata {
			return Fail(MetadataKey, "want at most %d keys", maxMetadata)
		}
		if dec.PeekKind() != '"' {
			value, err := dec.ReadValue()
			if err != nil {
				return err
			}
			return Fail(fmt.Sprintf("%s: %q", MetadataKey, name), "want a string, got %s", strictjson.ShowValue(value))
		}
		token, err := dec.ReadToken()
		if err == nil && name == key {
			text, found = token.String(), true
		}
		return err
	})
	return text, found, err
}

// parseEntry reads the entry of a tensor. The size of its data must follow from its shape.
func parseEntry(name string, value jsontext.Value, dtype string, size int) (Entry, error) {
	e := Entry{Name: name}
	const longest = 4096 // three fields with the names and numbers that are allowed
	if len(value) > longest {
		return e, Fail(e.Field("entry"), "want at most %d bytes, got %d", longest, len(value))
	}
	v, err := strictjson.Value(value)
	if err != nil {
		return e, Fail(e.Field("entry"), "%v", err)
	}
	o, ok := v.(*strictjson.Object)
	if !ok {
		return e, Fail(e.Field("entry"), "want an object, got %s", strictjson.Show(v))
	}
	switch got := o.Take("dtype"); got {
	case dtype:
	case "F32", "F64":
		bits := map[any]int{"F32": 32, "F64": 64}[got]
		return e, Fail(e.Field("dtype"), "want %s, got %s: its weights are float%d, and to load them as such takes a program that asks for it (model.Load[float%[3]d])", dtype, got, bits)
	default:
		return e, Fail(e.Field("dtype"), "want %s, got %s", dtype, strictjson.Show(got))
	}
	shape := o.Take("shape")
	if e.Shape, ok = strictjson.Integers(shape); !ok {
		return e, Fail(e.Field("shape"), "want a list of integers of 0 or more, got %s", strictjson.Show(shape))
	}
	if len(e.Shape) > MaxAxes {
		return e, Fail(e.Field("shape"), "want at most %d axes, got %d", MaxAxes, len(e.Shape))
	}
	offsets := o.Take("data_offsets")
	pair, ok := strictjson.Integers(offsets)
	if !ok || len(pair) != 2 {
		return e, Fail(e.Field("data_offsets"), "want two integers of 0 or more, got %s", strictjson.Show(offsets))
	}
	e.Begin, e.End = pair[0], pair[1]
	if e.Begin > e.End {
		return e, Fail(e.Field("data_offsets"), "want the beginning before the end, got %s", strictjson.Show(offsets))
	}
	n, ok := tensor.Size(e.Shape...)
	if !ok || n > math.MaxInt/size {
		return e, Fail(e.Field("shape"), "want a number of bytes that fits an integer, got %s", strictjson.Show(shape))
	}
	if n*size != e.End-e.Begin {
		return e, Fail(e.Field("data_offsets"), "want the %d bytes of shape %s in %s, got %s, which is %d", n*size, strictjson.Show(shape), dtype, strictjson.Show(offsets), e.End-e.Begin)
	}
	if key, ok := o.Left(); ok {
		return e, Fail(e.Field("entry"), "want dtype, shape and data_offsets, got also %q", key)
	}
	return e, nil
}

// Field names a part of the entry in an error.
func (e Entry) Field(part string) string { return fmt.Sprintf("tensor %q: %s", e.Name, part) }
