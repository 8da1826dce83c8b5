package model

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// build makes the network that the architecture of f describes.
func build[T tensor.Float](f *safetensors) (*Model[T], error) {
	const field = "architecture"
	fields, err := parse([]byte(f.architecture))
	if err != nil {
		return nil, fail(field, "%v", err)
	}
	// The version first: another one may have other fields.
	if v := fields.take("version"); v != json.Number(strconv.Itoa(version)) {
		return nil, fail(field+": version", "want %d, got %s: a newer program may have written it", version, show(v))
	}
	v := fields.take("input")
	input, ok := integers(v)
	if !ok {
		return nil, fail(field+": input", "want the shape of one sample, such as [784], got %s", show(v))
	}
	if err := checkSample(input); err != nil {
		return nil, fail(field+": input", "%v", err)
	}

	s := &source[T]{data: f.data, entries: map[string]entry{}, params: map[string]*nn.Param[T]{}}
	for _, e := range f.entries {
		s.entries[e.name] = e
	}
	root := &decoder[T]{source: s, fields: fields}
	net := nn.NewSequential[T]()
	root.layer(net)
	if s.err != nil {
		return nil, s.err
	}
	for _, e := range f.entries {
		if _, left := s.entries[e.name]; left {
			return nil, fail(e.field("name"), "want a parameter of a layer in the architecture, such as Affine1.W, got one that no layer has")
		}
	}
	if m := checkShapes(net, input); m != nil {
		return nil, &FormatError{Field: clip(layerField(m.layer)), Problem: clip(m.problem()), Err: m.err}
	}
	return &Model[T]{net, input}, nil
}

// A decoder reads the fields of one layer.
type decoder[T tensor.Float] struct {
	*source[T]
	path   string // the names from the outermost layer to this one: Block1.Affine1
	depth  int
	fields *object
}

// A source holds what the layers take. The first error stays.
type source[T tensor.Float] struct {
	data    []byte
	entries map[string]entry        // that no layer took yet
	params  map[string]*nn.Param[T] // that one took, by the name of the tensor
	err     error
}

// fail records an error in a field of the layer.
func (d *decoder[T]) fail(key, problem string, args ...any) {
	d.failAt(layerField(d.path)+": "+key, problem, args...)
}

func (s *source[T]) failAt(field, problem string, args ...any) {
	if s.err == nil {
		s.err = fail(field, problem, args...)
	}
}

func layerField(path string) string {
	if path == "" {
		return "architecture"
	}
	return fmt.Sprintf("layer %q", path)
}

// layer sets the fields of l.
func (d *decoder[T]) layer(l nn.Layer[T]) {
	err := nn.BuildFields(l, func(f nn.Field[T]) error {
		d.field(f)
		return d.err
	})
	// The error is that of the source, or of a value that l refuses.
	if e, ok := errors.AsType[*nn.FieldError](err); ok {
		d.fail(e.Field, "%v", e.Err)
	}
	if key, ok := d.fields.left(); ok {
		d.fail(strconv.Quote(key), "want no such field: a newer program may have written it")
	}
}

// field sets one field.
func (d *decoder[T]) field(f nn.Field[T]) {
	ok, want := true, ""
	var value any
	switch f.Value.(type) {
	case **nn.Param[T], **tensor.Tensor[T]: // they have fields of their own
	default:
		value = d.fields.take(f.Name)
	}
	switch v := f.Value.(type) {
	case *int:
		*v, ok = signedInteger(value)
		want = "an integer"
	case *float64:
		*v, ok = float(value)
		want = "a number"
	case *bool:
		*v, ok = value.(bool)
		want = "true or false"
	case *[]int:
		*v, ok = integers(value)
		want = "a list of integers"
	case *uint64:
		*v, ok = key(value)
		want = "a key of 16 hexadecimal digits in a string"
	case **nn.Param[T]:
		*v = d.param(f.Name, f.Shape)
	case **tensor.Tensor[T]:
		*v = d.tensor(f.Name, f.Shape)
	case *nn.Layer[T]:
		*v = d.inner(f.Name, value, f.Name)
	case *[]nn.Named[T]:
		*v = d.layers(f.Name, value)
	}
	if !ok {
		d.fail(f.Name, "want %s, got %s", want, show(value))
	}
}

// param reads a parameter of the shape: its own tensor, or one of a layer before that
// it shares.
func (d *decoder[T]) param(name string, shape []int) *nn.Param[T] {
	shared := d.fields.take(name)
	if _, own := shared.(absent); own {
		t := d.tensor(name, shape)
		if t == nil {
			return nil
		}
		p := &nn.Param[T]{Name: name, Value: t, Grad: tensor.New[T](shape...)}
		d.params[join(d.path, name)] = p
		return p
	}
	first, _ := shared.(string)
	p, ok := d.params[first]
	switch {
	case !ok:
		d.fail(name, "want the name of a tensor that a layer before uses, to share it, got %s", show(shared))
	case !slices.Equal(p.Value.Shape, shape):
		d.fail(name, "want a tensor of shape %s, got %q, which has %s", tensor.FormatShape(shape), first, tensor.FormatShape(p.Value.Shape))
	}
	return p
}

// tensor reads the layer's own tensor of that name; nil if it is not there.
func (d *decoder[T]) tensor(name string, shape []int) *tensor.Tensor[T] {
	full := join(d.path, name)
	e, ok := d.entries[full]
	if !ok {
		d.failAt(entry{name: full}.field("name"), "want it, of shape %s, for its layer; the file does not have it", tensor.FormatShape(shape))
		return nil
	}
	if !slices.Equal(e.shape, shape) {
		d.failAt(e.field("shape"), "want %s, as the architecture says, got %s", tensor.FormatShape(shape), tensor.FormatShape(e.shape))
		return nil
	}
	delete(d.entries, full)
	// So many bytes are there: the entry was checked against its shape.
	t := tensor.New[T](shape...)
	if _, err := binary.Decode(d.data[e.begin:e.end], binary.LittleEndian, t.Data); err != nil {
		d.failAt(e.field("data"), "%v", err)
	}
	return t
}

// layers reads a list of layers with names.
func (d *decoder[T]) layers(name string, value any) (layers []nn.Named[T]) {
	list, ok := value.([]any)
	if !ok {
		d.fail(name, "want a list of layers, got %s", show(value))
	}
	taken := map[string]bool{}
	for i, v := range list {
		if d.err != nil {
			return nil
		}
		layers = append(layers, d.named(fmt.Sprintf("%s[%d]", name, i), v, taken))
	}
	return layers
}

// named reads a layer with a name; taken are the names before it.
func (d *decoder[T]) named(at string, v any, taken map[string]bool) (l nn.Named[T]) {
	fields, ok := v.(*object)
	if !ok {
		d.fail(at, "want an object, got %s", show(v))
		return l
	}
	name := fields.take("name")
	l.Name, ok = name.(string)
	if !ok {
		d.fail(at+": name", "want a string, got %s", show(name))
		return l
	}
	if err := nn.CheckName(l.Name); err != nil {
		d.fail(at+": name", "%v", err)
		return l
	}
	if taken[l.Name] {
		d.fail(at+": name", "want one that no layer before has, got %q", l.Name)
		return l
	}
	taken[l.Name] = true
	l.Layer = d.inner(at, fields, l.Name)
	return l
}

// inner reads a layer inside this one.
func (d *decoder[T]) inner(at string, v any, name string) nn.Layer[T] {
	fields, ok := v.(*object)
	if !ok {
		d.fail(at, "want an object, got %s", show(v))
		return nil
	}
	inner := &decoder[T]{source: d.source, path: join(d.path, name), depth: d.depth + 1, fields: fields}
	if inner.depth > maxDepth {
		inner.fail("kind", "want layers nested at most %d deep", maxDepth)
		return nil
	}
	kind := fields.take("kind")
	known, _ := kind.(string)
	l, ok := nn.NewOfKind[T](known)
	if !ok {
		inner.fail("kind", "want one of %s, got %s", strings.Join(nn.Kinds(), ", "), show(kind))
		return nil
	}
	inner.layer(l)
	return l
}
