package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/chainrule-go/chainrule/internal/safetensors"
	"github.com/chainrule-go/chainrule/internal/strictjson"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

const (
	maxArchitecture = 2 << 20 // bytes of text
	maxLayers       = 10_000
)

// build makes the network that a header describes, and checks that it uses every tensor of
// the file. Only then does it read their data from r, to the end. So a file with a wrong
// architecture is refused before its data are read.
func build[T tensor.Float](h *safetensors.Header, r io.Reader) (*Model[T], error) {
	const field = "architecture"
	if n := len(h.Text); n > maxArchitecture {
		return nil, safetensors.Fail(field, "want at most %d bytes, got %d", maxArchitecture, n)
	}
	fields, err := strictjson.Parse([]byte(h.Text))
	if err != nil {
		return nil, safetensors.Fail(field, "%v", err)
	}
	// The version comes first: another version may have other fields.
	if v := fields.Take("version"); v != json.Number(strconv.Itoa(version)) {
		return nil, safetensors.Fail(field+": version", "want %d, got %s: a newer program may have written it", version, strictjson.Show(v))
	}
	v := fields.Take("input")
	input, ok := strictjson.Integers(v)
	if !ok {
		return nil, safetensors.Fail(field+": input", "want the shape of one sample, such as [784], got %s", strictjson.Show(v))
	}
	if err := checkSample(input); err != nil {
		return nil, safetensors.Fail(field+": input", "%v", err)
	}
	digest, err := safetensors.DigestIn(fields, field)
	if err != nil {
		return nil, err
	}

	preparation, err := takePreparation(fields)
	if err != nil {
		return nil, err
	}
	training, err := takeTraining(fields)
	if err != nil {
		return nil, err
	}

	s := &source[T]{entries: map[string]safetensors.Entry{}, tensors: map[string]*tensor.Tensor[T]{}, params: map[string]*nn.Param[T]{}}
	for _, e := range h.Entries {
		s.entries[e.Name] = e
	}
	root := &decoder[T]{source: s, fields: fields}
	net := nn.NewSequential[T]()
	root.layer(net)
	if s.err != nil {
		return nil, s.err
	}
	for _, e := range h.Entries {
		if s.tensors[e.Name] == nil {
			return nil, safetensors.Fail(e.Field("name"), "want a parameter of a layer in the architecture, such as Affine1.W, got one that no layer has")
		}
	}

	sums, err := safetensors.ReadData(r, h.Entries, s.tensors)
	if err != nil {
		return nil, err
	}
	if digest != "" && safetensors.Digest(h.Text, digest, sums) != digest {
		return nil, safetensors.Fail(field+": sha256", "the file is damaged: its SHA-256 is not that of its architecture and tensors; "+
			"fetch or train it again, or, if the weights were changed on purpose, remove the field")
	}
	for _, p := range s.params {
		p.Grad = tensor.New[T](p.Value.Shape...)
	}
	if m := checkShapes(net, input); m != nil {
		return nil, &safetensors.Error{Field: strictjson.Clip(layerField(m.layer)), Problem: strictjson.Clip(m.problem()), Err: m.err}
	}
	if err := checkPreparation(preparation, net, input); err != nil {
		return nil, safetensors.Fail(field+": "+preparationField, "%v", err)
	}
	return &Model[T]{Net: net, Input: input, Preparation: preparation, Training: training, Unverified: digest == ""}, nil
}

// A decoder reads the fields of one layer.
type decoder[T tensor.Float] struct {
	*source[T]
	outer  *decoder[T] // for the layer around this one
	name   string
	depth  int
	fields *strictjson.Object
}

// path returns the names from the outermost layer to this one, such as Block1.Affine1. They
// are joined only when needed, because there may be many layers with long names.
func (d *decoder[T]) path() string {
	if d.outer == nil {
		return ""
	}
	return join(d.outer.path(), d.name)
}

// A source holds the tensors that the layers use, and the first error.
type source[T tensor.Float] struct {
	entries map[string]safetensors.Entry
	tensors map[string]*tensor.Tensor[T] // the tensors that a layer uses, by name; their data are read later
	params  map[string]*nn.Param[T]      // the parameters among the tensors
	layers  int
	err     error
}

// fail records an error in a field of the layer.
func (d *decoder[T]) fail(key, problem string, args ...any) {
	d.failAt(layerField(d.path())+": "+key, problem, args...)
}

func (s *source[T]) failAt(field, problem string, args ...any) {
	if s.err == nil {
		s.err = safetensors.Fail(field, problem, args...)
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
	// The error is the error of the source, or an error from a value that l refuses.
	if e, ok := errors.AsType[*nn.FieldError](err); ok {
		d.fail(e.Field, "%v", e.Err)
	}
	if key, ok := d.fields.Left(); ok {
		d.fail(strconv.Quote(key), "want no such field: a newer program may have written it")
	}
}

// field sets one field.
func (d *decoder[T]) field(f nn.Field[T]) {
	ok, want := true, ""
	var value any
	switch f.Value.(type) {
	case **nn.Param[T], **tensor.Tensor[T]: // these have entries of their own in the file
	default:
		value = d.fields.Take(f.Name)
	}
	switch v := f.Value.(type) {
	case *int:
		*v, ok = strictjson.SignedInteger(value)
		want = "an integer"
	case *float64:
		*v, ok = strictjson.Float(value)
		want = "a number"
	case *bool:
		*v, ok = value.(bool)
		want = "true or false"
	case *[]int:
		*v, ok = strictjson.Integers(value)
		want = "a list of integers"
	case *uint64:
		*v, ok = strictjson.Key(value)
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
		d.fail(f.Name, "want %s, got %s", want, strictjson.Show(value))
	}
}

// param reads a parameter of the given shape: the layer's own tensor, or the tensor of an
// earlier layer that it shares.
func (d *decoder[T]) param(name string, shape []int) *nn.Param[T] {
	shared := d.fields.Take(name)
	if _, own := shared.(strictjson.Absent); own {
		t := d.tensor(name, shape)
		if t == nil {
			return nil
		}
		p := &nn.Param[T]{Name: name, Value: t}
		d.params[join(d.path(), name)] = p
		return p
	}
	first, _ := shared.(string)
	p, ok := d.params[first]
	switch {
	case !ok:
		d.fail(name, "want the name of a tensor that a layer before uses, to share it, got %s", strictjson.Show(shared))
	case !slices.Equal(p.Value.Shape, shape):
		d.fail(name, "want a tensor of shape %s, got %q, which has %s", tensor.FormatShape(shape), first, tensor.FormatShape(p.Value.Shape))
	}
	return p
}

// tensor reads the layer's own tensor with the given name; it returns nil if there is none.
func (d *decoder[T]) tensor(name string, shape []int) *tensor.Tensor[T] {
	full := join(d.path(), name)
	e, ok := d.entries[full]
	if !ok || d.tensors[full] != nil {
		d.failAt(safetensors.Entry{Name: full}.Field("name"), "want it, of shape %s, for its layer; the file does not have it", tensor.FormatShape(shape))
		return nil
	}
	if !slices.Equal(e.Shape, shape) {
		d.failAt(e.Field("shape"), "want %s, as the architecture says, got %s", tensor.FormatShape(shape), tensor.FormatShape(e.Shape))
		return nil
	}
	t := &tensor.Tensor[T]{Shape: slices.Clone(shape)}
	d.tensors[full] = t
	return t
}

// layers reads a list of layers with names.
func (d *decoder[T]) layers(name string, value any) (layers []nn.Named[T]) {
	list, ok := value.([]any)
	if !ok {
		d.fail(name, "want a list of layers, got %s", strictjson.Show(value))
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

// named reads a layer with a name. taken holds the names of the layers before it.
func (d *decoder[T]) named(at string, v any, taken map[string]bool) (l nn.Named[T]) {
	fields, ok := v.(*strictjson.Object)
	if !ok {
		d.fail(at, "want an object, got %s", strictjson.Show(v))
		return l
	}
	name := fields.Take("name")
	l.Name, ok = name.(string)
	if !ok {
		d.fail(at+": name", "want a string, got %s", strictjson.Show(name))
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
	fields, ok := v.(*strictjson.Object)
	if !ok {
		d.fail(at, "want an object, got %s", strictjson.Show(v))
		return nil
	}
	inner := &decoder[T]{source: d.source, outer: d, name: name, depth: d.depth + 1, fields: fields}
	if d.source.layers++; d.source.layers > maxLayers {
		inner.fail("kind", "want at most %d layers in all", maxLayers)
		return nil
	}
	if inner.depth > maxDepth {
		inner.fail("kind", "want layers nested at most %d deep", maxDepth)
		return nil
	}
	kind := fields.Take("kind")
	known, _ := kind.(string)
	l, ok := nn.NewOfKind[T](known)
	if !ok {
		inner.fail("kind", "want one of %s, got %s", strings.Join(nn.Kinds(), ", "), strictjson.Show(kind))
		return nil
	}
	inner.layer(l)
	return l
}
