package model

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

const (
	version   = 1
	maxDepth  = 32      // of a Sequential in a Sequential
	maxSample = 1 << 28 // elements of a sample: whoever makes room for one shall not be told to take all memory
)

// kinds is the table of the layers a file can hold: the name, what to write of
// such a layer, and how to make one again from that. A layer that only has a
// constructor is plain.
func kinds[T tensor.Float]() []kind[T] {
	return []kind[T]{
		row("Affine",
			func(e *encoder[T], l *nn.Affine[T]) {
				e.size("in", l.In())
				e.size("out", l.Out())
				e.param("W", l.W, l.In(), l.Out())
				e.param("b", l.B, l.Out())
			},
			func(d *decoder[T]) *nn.Affine[T] {
				in, out := d.size("in"), d.size("out")
				return nn.AffineOf(d.param("W", in, out), d.param("b", out))
			}),
		plain[T]("ReLU", nn.NewReLU[T]),
		plain[T]("Sigmoid", nn.NewSigmoid[T]),
		plain[T]("Softmax", nn.NewSoftmax[T]),
		row("Sequential",
			func(e *encoder[T], l *nn.Sequential[T]) { e.layers(l) },
			func(d *decoder[T]) *nn.Sequential[T] { return d.layers() }),
	}
}

// A kind is a row of the table. write reports whether the layer is of its kind.
type kind[T tensor.Float] struct {
	name  string
	write func(*encoder[T], nn.Layer[T]) bool
	read  func(*decoder[T]) nn.Layer[T]
}

func row[T tensor.Float, L nn.Layer[T]](name string, write func(*encoder[T], L), read func(*decoder[T]) L) kind[T] {
	return kind[T]{
		name: name,
		write: func(e *encoder[T], l nn.Layer[T]) bool {
			layer, ok := l.(L)
			if ok {
				e.fields.set("kind", name)
				write(e, layer)
			}
			return ok
		},
		read: func(d *decoder[T]) nn.Layer[T] { return read(d) },
	}
}

func plain[T tensor.Float, L nn.Layer[T]](name string, make func() L) kind[T] {
	return row(name, func(*encoder[T], L) {}, func(*decoder[T]) L { return make() })
}

func kindNames[T tensor.Float]() string {
	var names []string
	for _, k := range kinds[T]() {
		names = append(names, k.name)
	}
	return strings.Join(names, ", ")
}

// checkName reports why a layer cannot have the name: the file joins names with
// dots, so Block1.Affine1.W is to mean one thing.
func checkName(name string) error {
	switch {
	case name == "":
		return errors.New("want a name, got an empty one")
	case strings.Contains(name, "."):
		return fmt.Errorf("want a name without a dot, got %q: dots join the names of nested layers", clip(name))
	case !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl):
		return fmt.Errorf("want a name in UTF-8 without control characters, got %q", clip(name))
	}
	return nil
}

// checkSample reports why input cannot be the shape of a sample.
func checkSample(input []int) error {
	for _, d := range input {
		if d < 1 {
			return fmt.Errorf("want lengths of 1 or more, got %d", d)
		}
	}
	if n, ok := tensor.Size(input...); len(input) == 0 || !ok || n > maxSample {
		return fmt.Errorf("want the shape of one sample, such as [784], of at most %d elements, got %v", maxSample, input)
	}
	return nil
}

// checkFit runs the layers of net on a batch of the given shape and returns the
// shape of the result; path is where net stands. The batch is one of no samples,
// which checks every shape but takes no memory, whatever sizes a file claims.
func checkFit[T tensor.Float](net *nn.Sequential[T], path string, shape []int) ([]int, error) {
	for _, l := range net.Layers() {
		name := join(path, l.Name)
		var err error
		if inner, ok := l.Layer.(*nn.Sequential[T]); ok {
			shape, err = checkFit(inner, name, shape)
		} else if shape, err = nn.Check(l.Layer, shape...); err != nil {
			err = &misfit{name, err}
		}
		if err != nil {
			return nil, err
		}
	}
	return shape, nil
}

// A misfit says which layer cannot take what the one before it gives.
type misfit struct {
	layer string
	err   error
}

func (e *misfit) Error() string { return fmt.Sprintf("layer %q: %s", e.layer, e.problem()) }
func (e *misfit) Unwrap() error { return e.err }

func (e *misfit) problem() string {
	return fmt.Sprintf("it does not fit what comes before it (tried with a batch of 0 samples): %v", e.err)
}

// join is the path of a layer or parameter.
func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
