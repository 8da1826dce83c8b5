package model

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// describe returns the architecture of net as JSON, and the tensors it needs in
// the order of the layers.
func describe[T tensor.Float](net *nn.Sequential[T], input []int) (string, []namedTensor[T], error) {
	if err := checkSample(input); err != nil {
		return "", nil, fmt.Errorf("input: %w", err)
	}
	s := &sink[T]{names: map[*nn.Param[T]]string{}, memory: map[*T]string{}}
	root := &encoder[T]{sink: s, fields: &object{}}
	root.fields.set("version", version)
	root.fields.set("input", input)
	root.layers(net)
	if s.err != nil {
		return "", nil, s.err
	}
	if _, err := checkFit(net, "", append([]int{0}, input...)); err != nil {
		return "", nil, err
	}
	text, err := json.Marshal(root.fields)
	return string(text), s.tensors, err
}

// An encoder writes the fields of one layer.
type encoder[T tensor.Float] struct {
	*sink[T]
	path   string // the names from the outermost layer to this one: Block1.Affine1
	depth  int
	fields *object
}

// A sink collects what all layers need. The first error stays.
type sink[T tensor.Float] struct {
	tensors []namedTensor[T]
	names   map[*nn.Param[T]]string // of the tensors
	memory  map[*T]string           // where the elements of the tensors begin
	err     error
}

func (e *encoder[T]) fail(problem string, args ...any) {
	if e.err == nil {
		e.err = fmt.Errorf("layer %q: %w", e.path, fmt.Errorf(problem, args...))
	}
}

// size writes a number of inputs, outputs or the like.
func (e *encoder[T]) size(key string, n int) {
	if n < 1 {
		e.fail("%s: want 1 or more, got %d", key, n)
	}
	e.fields.set(key, n)
}

// param writes a parameter, which must have the shape. One that is in the file
// already is referred to by the name it has there.
func (e *encoder[T]) param(name string, p *nn.Param[T], shape ...int) {
	if first, ok := e.names[p]; ok {
		e.fields.set(name, first)
		return
	}
	if e.err != nil {
		return
	}
	v := p.Value
	if n, ok := tensor.Size(v.Shape...); !ok || n != len(v.Data) || !slices.Equal(v.Shape, shape) {
		e.fail("%s: want %s, got %d elements of shape %s", name, tensor.FormatShape(shape), len(v.Data), tensor.FormatShape(v.Shape))
		return
	}
	full := join(e.path, name)
	// Loaded, these two would part: better not saved.
	if first, ok := e.memory[&v.Data[0]]; ok {
		e.fail("%s: it is another parameter than %s but uses the same memory; share the *nn.Param instead", name, first)
	}
	e.names[p], e.memory[&v.Data[0]] = full, full
	e.tensors = append(e.tensors, namedTensor[T]{full, v})
}

// layers writes the layers of net.
func (e *encoder[T]) layers(net *nn.Sequential[T]) {
	if e.depth > maxDepth {
		e.fail("want layers nested at most %d deep", maxDepth)
		return
	}
	list := []*object{}
	for _, l := range net.Layers() {
		inner := &encoder[T]{sink: e.sink, path: join(e.path, l.Name), depth: e.depth + 1, fields: &object{}}
		if err := checkName(l.Name); err != nil {
			inner.fail("name: %w", err)
		}
		inner.layer(l)
		list = append(list, inner.fields)
	}
	e.fields.set("layers", list)
}

func (e *encoder[T]) layer(l nn.Named[T]) {
	e.fields.set("name", l.Name)
	for _, k := range kinds[T]() {
		if k.write(e, l.Layer) {
			return
		}
	}
	e.fail("want one of the kinds a file can hold (%s), got a %T", kindNames[T](), l.Layer)
}
