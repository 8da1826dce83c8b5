package model

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

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
	net := root.layers()
	root.end()
	if s.err != nil {
		return nil, s.err
	}
	for _, e := range f.entries {
		if _, left := s.entries[e.name]; left {
			return nil, fail(e.field("name"), "want a parameter of a layer in the architecture, such as Affine1.W, got one that no layer has")
		}
	}
	if _, err := checkFit(net, "", append([]int{0}, input...)); err != nil {
		m, _ := errors.AsType[*misfit](err)
		return nil, &FormatError{Field: clip(layerField(m.layer)), Problem: clip(m.problem()), Err: m.err}
	}
	return &Model[T]{net, input}, nil
}

// A decoder reads the fields of one layer. After an error it returns something
// of the right shape but without elements, so that the rows of the table need
// no checks: what they build is thrown away.
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

// size reads a number of inputs, outputs or the like.
func (d *decoder[T]) size(key string) int {
	v := d.fields.take(key)
	n, ok := integer(v)
	if !ok || n < 1 {
		d.fail(key, "want an integer of 1 or more, got %s", show(v))
		return 1
	}
	return n
}

// param reads a parameter of the shape: its own tensor, or one of a layer before
// that it shares.
func (d *decoder[T]) param(name string, shape ...int) *nn.Param[T] {
	nothing := &nn.Param[T]{Value: &tensor.Tensor[T]{Shape: shape}}
	if d.err != nil {
		return nothing
	}
	shared := d.fields.take(name)
	if _, own := shared.(absent); !own {
		first, _ := shared.(string)
		p, ok := d.params[first]
		switch {
		case !ok:
			d.fail(name, "want the name of a tensor that a layer before uses, to share it, got %s", show(shared))
			return nothing
		case !slices.Equal(p.Value.Shape, shape):
			d.fail(name, "want a tensor of shape %s, got %q, which has %s", tensor.FormatShape(shape), first, tensor.FormatShape(p.Value.Shape))
			return nothing
		}
		return p
	}

	full := join(d.path, name)
	e, ok := d.entries[full]
	if !ok {
		d.failAt(entry{name: full}.field("name"), "want it, of shape %s, for its layer; the file does not have it", tensor.FormatShape(shape))
		return nothing
	}
	if !slices.Equal(e.shape, shape) {
		d.failAt(e.field("shape"), "want %s, as the architecture says, got %s", tensor.FormatShape(shape), tensor.FormatShape(e.shape))
		return nothing
	}
	delete(d.entries, full)
	// So many bytes are there: the entry was checked against its shape.
	p := nn.NewParam[T](name, shape...)
	if _, err := binary.Decode(d.data[e.begin:e.end], binary.LittleEndian, p.Value.Data); err != nil {
		d.failAt(e.field("data"), "%v", err)
	}
	d.params[full] = p
	return p
}

// layers reads the field of that name.
func (d *decoder[T]) layers() *nn.Sequential[T] {
	v := d.fields.take("layers")
	list, ok := v.([]any)
	if !ok {
		d.fail("layers", "want a list of layers, got %s", show(v))
	}
	if d.depth > maxDepth {
		d.fail("layers", "want layers nested at most %d deep", maxDepth)
	}
	if d.err != nil {
		return nn.NewSequential[T]()
	}
	var layers []nn.Named[T]
	taken := map[string]bool{}
	for i, v := range list {
		l := d.layer(v, i, taken)
		if d.err != nil {
			break
		}
		layers = append(layers, l)
	}
	return nn.NewNamed(layers...)
}

// layer reads number i of the layers in d; taken are the names before it.
func (d *decoder[T]) layer(v any, i int, taken map[string]bool) (l nn.Named[T]) {
	at := fmt.Sprintf("layers[%d]", i)
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
	if err := checkName(l.Name); err != nil {
		d.fail(at+": name", "%v", err)
		return l
	}
	if taken[l.Name] {
		d.fail(at+": name", "want one that no layer before has, got %q", clip(l.Name))
		return l
	}
	taken[l.Name] = true

	inner := &decoder[T]{source: d.source, path: join(d.path, l.Name), depth: d.depth + 1, fields: fields}
	name = fields.take("kind")
	for _, k := range kinds[T]() {
		if k.name == name {
			l.Layer = k.read(inner)
			inner.end()
			return l
		}
	}
	inner.fail("kind", "want one of %s, got %s", kindNames[T](), show(name))
	return l
}

// end makes sure that the layer has no other fields.
func (d *decoder[T]) end() {
	if key, ok := d.fields.left(); ok {
		d.fail(strconv.Quote(key), "want no such field: a newer program may have written it")
	}
}
