package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/chainrule-go/chainrule/internal/safetensors"
	"github.com/chainrule-go/chainrule/internal/strictjson"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// describe returns the architecture of a model as JSON, and its tensors in the order of the
// layers.
func describe[T tensor.Float](m *Model[T]) (string, []safetensors.Tensor[T], error) {
	if err := checkSample(m.Input); err != nil {
		return "", nil, fmt.Errorf("input: %w", err)
	}
	s := &sink[T]{names: map[*nn.Param[T]]string{}, memory: map[*T]string{}}
	root := &encoder[T]{sink: s, fields: &strictjson.Object{}}
	root.fields.Set("version", version)
	root.fields.Set("sha256", safetensors.Blank) // before any field that could hold as many zeros
	root.fields.Set("input", m.Input)
	if err := setPreparation(root.fields, m.Preparation); err != nil {
		return "", nil, err
	}
	if err := setTraining(root.fields, m.Training); err != nil {
		return "", nil, err
	}
	root.layer(m.Net)
	if s.err != nil {
		return "", nil, s.err
	}
	if bad := checkShapes(m.Net, m.Input); bad != nil {
		return "", nil, bad
	}
	if err := checkPreparation(m.Preparation, m.Net, m.Input); err != nil {
		return "", nil, fmt.Errorf("%s: %w", preparationField, err)
	}
	text, err := json.Marshal(root.fields)
	if err != nil {
		return "", nil, err
	}
	if len(text) > maxArchitecture {
		return "", nil, fmt.Errorf("layers: their description would be %d bytes, over the limit of %d; use fewer layers or shorter names", len(text), maxArchitecture)
	}
	if _, err := strictjson.Parse(text); err != nil { // an error: the text has more values than are allowed
		return "", nil, fmt.Errorf("layers: %w", err)
	}
	architecture, err := safetensors.WithDigest(string(text), s.tensors)
	return architecture, s.tensors, err
}

// An encoder writes the fields of one layer.
type encoder[T tensor.Float] struct {
	*sink[T]
	path   string // the names from the outermost layer to this one: Block1.Affine1
	depth  int
	fields *strictjson.Object
}

// A sink collects the tensors of all layers, and the first error.
type sink[T tensor.Float] struct {
	tensors []safetensors.Tensor[T]
	names   map[*nn.Param[T]]string // the names of the tensors
	memory  map[*T]string           // the names of the tensors, by their first element
	layers  int
	err     error
}

func (s *sink[T]) countLayer() int {
	s.layers++
	return s.layers
}

func (e *encoder[T]) fail(problem string, args ...any) {
	if e.err == nil {
		e.err = fmt.Errorf("layer %q: %w", e.path, fmt.Errorf(problem, args...))
	}
}

// layer writes the fields of l.
func (e *encoder[T]) layer(l nn.Layer[T]) {
	err := nn.VisitFields(l, func(f nn.Field[T]) error {
		e.field(f)
		return e.err
	})
	// The error is the error of the sink, or an error from a value that l refuses.
	if bad, ok := errors.AsType[*nn.FieldError](err); ok {
		e.fail("%s: %w", bad.Field, bad.Err)
	}
}

// field writes one field.
func (e *encoder[T]) field(f nn.Field[T]) {
	switch v := f.Value.(type) {
	case *float64:
		if math.IsNaN(*v) || math.IsInf(*v, 0) {
			e.fail("%s: want a finite number, got %v", f.Name, *v)
		}
		e.fields.Set(f.Name, *v)
	case *[]int:
		e.fields.Set(f.Name, append([]int{}, *v...)) // nil would be null
	case *uint64:
		e.fields.Set(f.Name, fmt.Sprintf("%016x", *v))
	case **nn.Param[T]:
		e.param(f.Name, *v, f.Shape)
	case **tensor.Tensor[T]:
		e.tensor(f.Name, *v, f.Shape)
	case *nn.Layer[T]:
		e.fields.Set(f.Name, e.inner(f.Name, *v, &strictjson.Object{}))
	case *[]nn.Named[T]:
		list := []*strictjson.Object{}
		for _, l := range *v {
			fields := &strictjson.Object{}
			fields.Set("name", l.Name)
			list = append(list, e.inner(l.Name, l.Layer, fields))
		}
		e.fields.Set(f.Name, list)
	default: // a pointer to an integer or a bool
		e.fields.Set(f.Name, v)
	}
}

// param writes a parameter, which must have the given shape. If it is in the file already,
// only its name is written.
func (e *encoder[T]) param(name string, p *nn.Param[T], shape []int) {
	if first, ok := e.names[p]; ok {
		e.fields.Set(name, first)
		return
	}
	e.names[p] = join(e.path, name)
	e.tensor(name, p.Value, shape)
}

// tensor writes an array, which must have the given shape.
func (e *encoder[T]) tensor(name string, t *tensor.Tensor[T], shape []int) {
	if n, ok := tensor.Size(t.Shape...); !ok || n != len(t.Data) || !slices.Equal(t.Shape, shape) {
		e.fail("%s: want %s, got %d elements of shape %s", name, tensor.FormatShape(shape), len(t.Data), tensor.FormatShape(t.Shape))
		return
	}
	full := join(e.path, name)
	if len(t.Data) > 0 {
		// After loading, these two would no longer share the memory.
		if first, ok := e.memory[&t.Data[0]]; ok {
			e.fail("%s: it is another parameter than %s but uses the same memory; share the *nn.Param instead", name, first)
		}
		e.memory[&t.Data[0]] = full
	}
	e.tensors = append(e.tensors, safetensors.Tensor[T]{Name: full, Tensor: t})
}

// inner writes a layer inside this one into fields.
func (e *encoder[T]) inner(name string, l nn.Layer[T], fields *strictjson.Object) *strictjson.Object {
	inner := &encoder[T]{sink: e.sink, path: join(e.path, name), depth: e.depth + 1, fields: fields}
	kind, err := nn.KindOf(l)
	switch {
	case e.countLayer() > maxLayers:
		inner.fail("want at most %d layers in all", maxLayers)
	case inner.depth > maxDepth:
		inner.fail("want layers nested at most %d deep", maxDepth)
	case err != nil:
		inner.fail("%w", err)
	default:
		fields.Set("kind", kind)
		inner.layer(l)
	}
	return fields
}
