package model

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

	"github.com/chainrule-go/chainrule/tensor"
)

// The safetensors format, https://github.com/huggingface/safetensors#format:
//
//	8 bytes   n, the length of the header, little-endian
//	n bytes   the header, a JSON object, padded with spaces:
//	          {"__metadata__": {"key": "text", ...},
//	           "name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ...}
//	the rest  the elements, row-major and little-endian; offsets count from here
const (
	metadataKey     = "__metadata__"
	architectureKey = "chainrule" // ours, in the metadata
	maxHeader       = 100_000_000 // as in the reference implementation
	maxAxes         = 32          // of a tensor or a sample, as in NumPy before version 2
	maxTensors      = 100_000
	maxMetadata     = 10_000 // keys
)

// elements returns the name of T in the format, and its size in bytes.
func elements[T tensor.Float]() (dtype string, size int) {
	if _, ok := any(T(0)).(float64); ok {
		return "F64", 8
	}
	return "F32", 4
}

// namedTensor is a tensor to be written.
type namedTensor[T tensor.Float] struct {
	name string
	*tensor.Tensor[T]
}

// writeSafetensors writes the tensors in their order, one behind the other.
func writeSafetensors[T tensor.Float](w io.Writer, architecture string, tensors []namedTensor[T]) error {
	dtype, size := elements[T]()
	metadata, header := &object{}, &object{}
	metadata.set(architectureKey, architecture)
	header.set(metadataKey, metadata)
	begin := 0
	for _, t := range tensors {
		end := begin + size*len(t.Data)
		entry := &object{}
		entry.set("dtype", dtype)
		entry.set("shape", t.Shape)
		entry.set("data_offsets", []int{begin, end})
		header.set(t.name, entry)
		begin = end
	}
	text, err := json.Marshal(header)
	if err != nil {
		return err
	}
	// The data begin at a multiple of 8, so that they can be mapped as they are.
	for len(text)%8 != 0 {
		text = append(text, ' ')
	}
	if len(text) > maxHeader {
		return fmt.Errorf("the header of the file would be %d bytes, over the limit of %d; use fewer layers or shorter names", len(text), maxHeader)
	}
	if _, err := w.Write(append(binary.LittleEndian.AppendUint64(nil, uint64(len(text))), text...)); err != nil {
		return err
	}
	for _, t := range tensors {
		if err := writeData(w, t.Data); err != nil {
			return err
		}
	}
	return nil
}

// chunk is how many elements are converted at a time.
const chunk = 1 << 14

// writeData writes elements as their bytes.
func writeData[T tensor.Float](w io.Writer, data []T) (err error) {
	var buf []byte
	for part := range slices.Chunk(data, chunk) {
		if buf, err = binary.Append(buf[:0], binary.LittleEndian, part); err != nil {
			return err
		}
		if _, err := w.Write(buf); err != nil {
			return err
		}
	}
	return nil
}

// readData reads n elements, or fewer and an io.ErrUnexpectedEOF if r ends before. Its
// memory grows with what arrives.
func readData[T tensor.Float](r io.Reader, n int) (data []T, err error) {
	_, size := elements[T]()
	buf := make([]byte, size*min(n, chunk))
	for len(data) < n {
		part := min(n-len(data), chunk)
		if cap(data)-len(data) < part {
			grown := make([]T, len(data), min(n, max(2*len(data), part)))
			copy(grown, data)
			data = grown
		}
		got, err := io.ReadFull(r, buf[:size*part])
		data = data[:len(data)+got/size]
		if _, err := binary.Decode(buf[:got/size*size], binary.LittleEndian, data[len(data)-got/size:]); err != nil {
			return data, err
		}
		switch err {
		case nil:
		case io.EOF, io.ErrUnexpectedEOF:
			return data, io.ErrUnexpectedEOF
		default:
			return data, err
		}
	}
	return data, nil
}

// layout is the header of a file: its entries cover the data in order, without holes.
type layout struct {
	architecture string
	entries      []entry
}

// entry is a tensor in the header.
type entry struct {
	name       string
	shape      []int
	begin, end int
}

// parseHeader reads the header of a file whose tensors all have the given dtype, of size
// bytes an element. What it takes of memory is a small multiple of the text: values are
// parsed one by one, and none of those allowed is long.
func parseHeader(text []byte, dtype string, size int) (*layout, error) {
	h := &layout{}
	found := false
	dec := jsontext.NewDecoder(bytes.NewBuffer(text))
	err := members(dec, func(name string) (err error) {
		if name == metadataKey {
			found = true
			h.architecture, err = architectureIn(dec)
			return err
		}
		if len(h.entries) == maxTensors {
			return fail("header", "want at most %d tensors", maxTensors)
		}
		value, err := dec.ReadValue()
		if err != nil {
			return err
		}
		e, err := parseEntry(name, value, dtype, size)
		h.entries = append(h.entries, e)
		return err
	})
	if err == nil {
		err = end(dec)
	}
	switch e, ok := errors.AsType[*FormatError](err); {
	case ok:
		return nil, e
	case err != nil:
		return nil, fail("header", "%v", jsonProblem(err))
	case !found:
		return nil, fail(metadataKey, plainWeights, architectureKey)
	}

	// Entries may come in any order, their data may not overlap or leave holes.
	slices.SortStableFunc(h.entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end))
	})
	end := 0
	for _, e := range h.entries {
		if e.begin != end {
			return nil, fail(e.field("data_offsets"), "want them to begin at byte %d, where the tensor before ends, got %d: no hole, no overlap", end, e.begin)
		}
		end = e.end
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
		return nil, fail("header length", "want 8 bytes, got %d: the file is empty, cut off, or no safetensors file", len(head))
	}
	n := binary.LittleEndian.Uint64(head)
	if n > maxHeader {
		return nil, fail("header length", "want at most %d bytes, got %d: this is no safetensors file, it begins with %q", maxHeader, n, head)
	}
	if n == 0 {
		return nil, fail("header length", "want 2 bytes or more, got 0: this is no safetensors file, it begins with zeros")
	}
	text, err := upTo(r, int(n))
	if err != nil {
		return nil, err
	}
	if len(text) > 0 && text[0] != '{' {
		return nil, fail("header", "want a JSON object, which begins with {, got %q: this is no safetensors file", text[:min(len(text), 8)])
	}
	if len(text) < int(n) {
		return nil, fail("header", "want %d bytes, got %d: the file is cut off", n, len(text))
	}
	text = bytes.TrimRight(text, " ")
	if !bytes.HasSuffix(text, []byte{'}'}) {
		return nil, fail("header", "want a JSON object that ends with } and is padded with spaces, got %q at its end", text[max(0, len(text)-8):])
	}
	return text, nil
}

const plainWeights = "want the architecture of the network under %q, got nothing: this is a plain weights file; docs/FORMAT.md says what to add"

// architectureIn returns our part of the metadata. Other keys are for other programs, as
// long as their values are text.
func architectureIn(dec *jsontext.Decoder) (architecture string, err error) {
	if dec.PeekKind() != '{' {
		value, err := dec.ReadValue()
		if err != nil {
			return "", err
		}
		return "", fail(metadataKey, "want an object, got %s", showValue(value))
	}
	found, keys := false, 0
	err = members(dec, func(name string) error {
		if keys++; keys > maxMetadata {
			return fail(metadataKey, "want at most %d keys", maxMetadata)
		}
		if dec.PeekKind() != '"' {
			value, err := dec.ReadValue()
			if err != nil {
				return err
			}
			return fail(fmt.Sprintf("%s: %q", metadataKey, name), "want a string, got %s", showValue(value))
		}
		text, err := dec.ReadToken()
		if err == nil && name == architectureKey {
			architecture, found = text.String(), true
		}
		return err
	})
	if err == nil && !found {
		err = fail(metadataKey, plainWeights, architectureKey)
	}
	return architecture, err
}

// parseEntry reads a tensor's entry, whose size is then that of its shape.
func parseEntry(name string, value jsontext.Value, dtype string, size int) (entry, error) {
	e := entry{name: name}
	const longest = 4096 // three fields with the names and numbers that are allowed
	if len(value) > longest {
		return e, fail(e.field("entry"), "want at most %d bytes, got %d", longest, len(value))
	}
	v, err := (&parser{dec: jsontext.NewDecoder(bytes.NewBuffer(value))}).value()
	if err != nil {
		return e, fail(e.field("entry"), "%v", jsonProblem(err))
	}
	o, ok := v.(*object)
	if !ok {
		return e, fail(e.field("entry"), "want an object, got %s", show(v))
	}
	switch got := o.take("dtype"); got {
	case dtype:
	case "F32", "F64":
		bits := map[any]int{"F32": 32, "F64": 64}[got]
		return e, fail(e.field("dtype"), "want %s, got %s: its weights are float%d, and to load them as such takes a program that asks for it (model.Load[float%[3]d])", dtype, got, bits)
	default:
		return e, fail(e.field("dtype"), "want %s, got %s", dtype, show(got))
	}
	shape := o.take("shape")
	if e.shape, ok = integers(shape); !ok {
		return e, fail(e.field("shape"), "want a list of integers of 0 or more, got %s", show(shape))
	}
	if len(e.shape) > maxAxes {
		return e, fail(e.field("shape"), "want at most %d axes, got %d", maxAxes, len(e.shape))
	}
	offsets := o.take("data_offsets")
	pair, ok := integers(offsets)
	if !ok || len(pair) != 2 {
		return e, fail(e.field("data_offsets"), "want two integers of 0 or more, got %s", show(offsets))
	}
	e.begin, e.end = pair[0], pair[1]
	if e.begin > e.end {
		return e, fail(e.field("data_offsets"), "want the beginning before the end, got %s", show(offsets))
	}
	n, ok := tensor.Size(e.shape...)
	if !ok || n > math.MaxInt/size {
		return e, fail(e.field("shape"), "want a number of bytes that fits an integer, got %s", show(shape))
	}
	if n*size != e.end-e.begin {
		return e, fail(e.field("data_offsets"), "want the %d bytes of shape %s in %s, got %s, which is %d", n*size, show(shape), dtype, show(offsets), e.end-e.begin)
	}
	if key, ok := o.left(); ok {
		return e, fail(e.field("entry"), "want dtype, shape and data_offsets, got also %q", key)
	}
	return e, nil
}

// field names a part of the entry in an error.
func (e entry) field(part string) string { return fmt.Sprintf("tensor %q: %s", e.name, part) }

// upTo reads n bytes, or fewer if r ends before.
func upTo(r io.Reader, n int) ([]byte, error) {
	return io.ReadAll(io.LimitReader(r, int64(n)))
}
