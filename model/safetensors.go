package model

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"

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
	var buf []byte
	for _, t := range tensors {
		for chunk := range slices.Chunk(t.Data, 1<<14) {
			if buf, err = binary.Append(buf[:0], binary.LittleEndian, chunk); err != nil {
				return err
			}
			if _, err := w.Write(buf); err != nil {
				return err
			}
		}
	}
	return nil
}

// safetensors is a file as read: its entries cover data in order, without holes.
type safetensors struct {
	architecture string
	entries      []entry
	data         []byte
}

// entry is a tensor in the header.
type entry struct {
	name       string
	shape      []int
	begin, end int
}

// readSafetensors reads a file whose tensors all have the given dtype, of size
// bytes an element. Nothing is allocated for a size in the file before so many
// bytes have arrived.
func readSafetensors(r io.Reader, dtype string, size int) (*safetensors, error) {
	text, err := readHeader(r)
	if err != nil {
		return nil, err
	}
	header, err := parse(text)
	if err != nil {
		return nil, fail("header", "%v", err)
	}
	f := &safetensors{}
	if f.architecture, err = architectureIn(header.take(metadataKey)); err != nil {
		return nil, err
	}
	for _, name := range header.keys {
		if name == metadataKey {
			continue
		}
		e, err := parseEntry(name, header.values[name], dtype, size)
		if err != nil {
			return nil, err
		}
		f.entries = append(f.entries, e)
	}

	// Entries may come in any order, their data may not overlap or leave holes.
	slices.SortStableFunc(f.entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end))
	})
	end := 0
	for _, e := range f.entries {
		if e.begin != end {
			return nil, fail(e.field("data_offsets"), "want them to begin at byte %d, where the tensor before ends, got %d: no hole, no overlap", end, e.begin)
		}
		end = e.end
	}
	if f.data, err = upTo(r, end); err != nil {
		return nil, err
	}
	for _, e := range f.entries {
		if e.end > len(f.data) {
			return nil, fail(e.field("data_offsets"), "want %d bytes of data, got %d: the file is cut off", e.end, len(f.data))
		}
	}
	more, err := upTo(r, 1)
	if err != nil {
		return nil, err
	}
	if len(more) > 0 {
		return nil, fail("data", "want the end of the file after the %d bytes of the tensors, got more", end)
	}
	return f, nil
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

// architectureIn returns our part of the metadata. What others keep there is
// theirs, as long as it is text.
func architectureIn(v any) (string, error) {
	const plain = "want the architecture of the network under %q, got nothing: this is a plain weights file; docs/FORMAT.md says what to add"
	if _, none := v.(absent); none {
		return "", fail(metadataKey, plain, architectureKey)
	}
	metadata, ok := v.(*object)
	if !ok {
		return "", fail(metadataKey, "want an object, got %s", show(v))
	}
	for _, key := range metadata.keys {
		if _, ok := metadata.values[key].(string); !ok {
			return "", fail(fmt.Sprintf("%s: %q", metadataKey, key), "want a string, got %s", show(metadata.values[key]))
		}
	}
	architecture, ok := metadata.values[architectureKey].(string)
	if !ok {
		return "", fail(metadataKey, plain, architectureKey)
	}
	return architecture, nil
}

// parseEntry reads a tensor's entry, whose size is then that of its shape.
func parseEntry(name string, v any, dtype string, size int) (entry, error) {
	e := entry{name: name}
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
