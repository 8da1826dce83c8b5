package nn

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/chainrule-go/chainrule/tensor"
)

// A Fielder is a Layer that lists its parts: its sizes and settings, its parameters, its
// state, and the layers inside it. Fields is written once, and everything uses it: a
// constructor checks its arguments and makes the parameters, model files are written and
// read, and a layer is copied, converted to another precision, printed, and searched for the
// layers inside.
//
//	func (l *BatchNorm[T]) Fields(f *nn.Fields[T]) {
//		f.Size("features", &l.features)
//		f.Float("eps", &l.Eps, 0, 1)
//		f.Param("gamma", &l.Gamma, l.features)
//		f.Param("beta", &l.Beta, l.features)
//		f.State("mean", &l.Mean, l.features)
//		f.State("var", &l.Var, l.features)
//		f.Params(&l.params)
//	}
//
// Fields names all fields in the same order every time, and every parameter that Params
// returns. A later field may depend on earlier ones, as the shape of gamma does. While a file
// is read, parameters and state have no elements yet. The name of a field satisfies
// [CheckName], is used once, and is neither "kind" nor "name". A layer without fields, such as
// ReLU, need not be a Fielder.
type Fielder[T tensor.Float] interface {
	Fields(f *Fields[T])
}

// A Field is one field of a layer, as a visitor sees it. Value is a pointer to the
// field:
//
//	*int                a size or a number
//	*float64            a setting
//	*bool               a switch
//	*[]int              lengths, such as a shape
//	*uint64             a random key
//	**Param[T]          a parameter of the given Shape
//	**tensor.Tensor[T]  state without a gradient, of the given Shape
//	*Layer[T]           a layer
//	*[]Named[T]         layers with names
type Field[T tensor.Float] struct {
	Name  string
	Value any
	Shape []int // of a parameter or state
}

// Fields visits the fields of a layer. The method Fields of a layer calls its methods, each
// with a pointer to a field.
//
// When a layer is built (by its constructor, from a file, or as a copy) the visitor
// sets the fields; otherwise it only reads them. After the first error the methods
// do nothing.
type Fields[T tensor.Float] struct {
	visit    func(Field[T]) error
	building bool
	params   []*Param[T]
	seen     map[*Param[T]]bool
	names    map[string]bool // of the fields so far
	inner    map[string]bool // of the layers inside so far
	err      error
}

// A FieldError says what is wrong with a field of a layer. A constructor panics with it; where
// a layer comes from a file, it is an error.
type FieldError struct {
	Kind  string // of the layer
	Field string
	Err   error
}

func (e *FieldError) Error() string { return fmt.Sprintf("nn: %s: %s: %v", e.Kind, e.Field, e.Err) }

// Unwrap returns e.Err.
func (e *FieldError) Unwrap() error { return e.Err }

// VisitFields calls visit with each field of l in order. At the first error it stops and
// returns the error as a *[FieldError]. It does not visit the layers inside l, and does nothing
// if l is not a [Fielder].
func VisitFields[T tensor.Float](l Layer[T], visit func(Field[T]) error) error {
	return run(l, &Fields[T]{visit: visit})
}

// BuildFields is [VisitFields] with a visitor that sets the fields of l. Where a constructor
// would panic, it returns an error.
func BuildFields[T tensor.Float](l Layer[T], visit func(Field[T]) error) error {
	return run(l, &Fields[T]{visit: visit, building: true})
}

func run[T tensor.Float](l Layer[T], f *Fields[T]) error {
	fielder, ok := l.(Fielder[T])
	if !ok {
		return nil
	}
	fielder.Fields(f)
	var e *FieldError
	if errors.As(f.err, &e) && e.Kind == "" {
		e.Kind = Kind(l)
	}
	return f.err
}

// MustBuild completes a layer in its constructor: it checks the fields that are set
// and makes the parameters and state that are still nil, all zero. It panics with a
// *[FieldError] if a field is out of its range.
func MustBuild[T tensor.Float](l Layer[T]) {
	err := BuildFields(l, func(f Field[T]) error {
		switch v := f.Value.(type) {
		case **Param[T]:
			if *v == nil {
				*v = NewParam[T](f.Name, f.Shape...)
			}
		case **tensor.Tensor[T]:
			if *v == nil {
				*v = tensor.New[T](f.Shape...)
			}
		}
		return nil
	})
	if err != nil {
		panic(err)
	}
}

// Building reports whether the fields are being set. If so, Fields may compute at its end what
// depends on the fields but is not a field.
func (f *Fields[T]) Building() bool { return f.building && f.err == nil }

// Fail records what is wrong with a field. Only the first call has an effect.
func (f *Fields[T]) Fail(name, format string, args ...any) {
	if f.err == nil {
		f.err = &FieldError{Field: name, Err: fmt.Errorf(format, args...)}
	}
}

// field visits one field and reports whether there is no error so far.
func (f *Fields[T]) field(name string, value any, shape ...int) bool {
	if f.err != nil || !f.checkName(name) {
		return false
	}
	if err := f.visit(Field[T]{name, value, shape}); err != nil {
		if _, ok := errors.AsType[*FieldError](err); !ok {
			err = &FieldError{Field: name, Err: err}
		}
		f.err = err
	}
	return f.err == nil
}

// checkName refuses a name of a field that would make a file ambiguous.
func (f *Fields[T]) checkName(name string) bool {
	if err := CheckName(name); err != nil {
		f.Fail(name, "the name of a field: %w", err)
	} else if name == "kind" || name == "name" {
		f.Fail(name, "want another name: in a file, this one holds the layer's own %s", name)
	} else if f.names[name] {
		f.Fail(name, "want one field of this name, got two")
	}
	if f.names == nil {
		f.names = map[string]bool{}
	}
	f.names[name] = true
	return f.err == nil
}

// checkInner refuses a name that another layer inside this one has: both would have the same
// path.
func (f *Fields[T]) checkInner(field, of, name string) bool {
	if f.inner[name] {
		f.Fail(field, "the name of %s: want one that no layer before has, got %q", of, name)
	}
	if f.inner == nil {
		f.inner = map[string]bool{}
	}
	f.inner[name] = true
	return f.err == nil
}

// Size is a size, such as a number of inputs or units: 1 or more.
func (f *Fields[T]) Size(name string, v *int) {
	if f.field(name, v) && *v < 1 {
		f.Fail(name, "want an integer of 1 or more, got %d", *v)
	}
}

// Int is an integer from least to most.
func (f *Fields[T]) Int(name string, v *int, least, most int) {
	if f.field(name, v) && (*v < least || *v > most) {
		f.Fail(name, "want an integer from %d to %d, got %d", least, most, *v)
	}
}

// Float is a number from least to most. NaN is refused.
func (f *Fields[T]) Float(name string, v *float64, least, most float64) {
	if f.field(name, v) && !(least <= *v && *v <= most) {
		f.Fail(name, "want a number from %v to %v, got %v", least, most, *v)
	}
}

// Bool is a switch.
func (f *Fields[T]) Bool(name string, v *bool) { f.field(name, v) }

// Sizes are lengths of 1 or more. There are at most most of them.
func (f *Fields[T]) Sizes(name string, v *[]int, most int) {
	if !f.field(name, v) {
		return
	}
	if len(*v) > most || slices.ContainsFunc(*v, func(d int) bool { return d < 1 }) {
		f.Fail(name, "want at most %d lengths of 1 or more, got %d: %.60s", most, len(*v), tensor.FormatShape(*v))
	}
}

// Ints are n integers, each from least to most.
func (f *Fields[T]) Ints(name string, v *[]int, n, least, most int) {
	if !f.field(name, v) {
		return
	}
	if len(*v) != n || slices.ContainsFunc(*v, func(d int) bool { return d < least || d > most }) {
		f.Fail(name, "want %d integers from %d to %d, got %d: %.60s", n, least, most, len(*v), fmt.Sprint(*v))
	}
}

// Key is the key of a layer that draws random numbers; see [Pass.Random].
func (f *Fields[T]) Key(name string, v *uint64) { f.field(name, v) }

// Param is a parameter of the given shape.
func (f *Fields[T]) Param(name string, p **Param[T], shape ...int) {
	missing := func() bool { return *p == nil || (*p).Value == nil }
	if !f.tensorField(name, p, missing, shape) {
		return
	}
	if f.building {
		f.checkShape(name, (*p).Value, shape)
		f.addParam(*p)
	}
}

// State is an array that a layer updates in training without a gradient, such as a
// running mean. It is saved and copied like a parameter.
func (f *Fields[T]) State(name string, t **tensor.Tensor[T], shape ...int) {
	if f.tensorField(name, t, func() bool { return *t == nil }, shape) && f.building {
		f.checkShape(name, *t, shape)
	}
}

// tensorField visits a parameter or state. A visitor that does not build skips one that is
// missing.
func (f *Fields[T]) tensorField(name string, value any, missing func() bool, shape []int) bool {
	want := "want an array of shape " + tensor.FormatShape(shape) + ", got nil"
	if _, ok := tensor.Size(shape...); !ok {
		f.Fail(name, "want a number of elements that fits an integer, got the shape %s", tensor.FormatShape(shape))
	} else if !f.building && missing() {
		f.Fail(name, "%s", want)
	}
	if !f.field(name, value, shape...) {
		return false
	}
	if missing() {
		f.Fail(name, "%s", want)
	}
	return f.err == nil
}

func (f *Fields[T]) checkShape(name string, t *tensor.Tensor[T], shape []int) {
	if !slices.Equal(t.Shape, shape) {
		f.err = &FieldError{Field: name, Err: &tensor.ShapeError{Op: name, Want: tensor.FormatShape(shape), Got: slices.Clone(t.Shape)}}
	}
}

// Layer is a layer inside this one.
func (f *Fields[T]) Layer(name string, l *Layer[T]) {
	if !f.field(name, l) || !f.checkInner(name, "the field", name) {
		return
	}
	if *l == nil {
		f.Fail(name, "want a layer, got nil")
		return
	}
	if f.building {
		f.addParam((*l).Params()...)
	}
}

// Layers are layers inside this one, with names. A name is not empty, not used twice, and at
// most 255 bytes long. It has no dot, since dots join the names of nested layers, and no
// control character.
func (f *Fields[T]) Layers(name string, layers *[]Named[T]) {
	if !f.field(name, layers) {
		return
	}
	for i, l := range *layers {
		if l.Layer == nil {
			f.Fail(name, "layer %d is nil", i)
			return
		}
		if err := CheckName(l.Name); err != nil {
			f.Fail(name, "the name of layer %d: %w", i, err)
			return
		}
		if !f.checkInner(name, fmt.Sprintf("layer %d", i), l.Name) {
			return
		}
		if f.building {
			f.addParam(l.Layer.Params()...)
		}
	}
}

// CheckName returns an error if a layer cannot have the name.
func CheckName(name string) error {
	const most = 255
	switch {
	case name == "":
		return errors.New("want a name, got an empty one")
	case len(name) > most:
		return fmt.Errorf("want a name of at most %d bytes, got one of %d", most, len(name))
	case strings.Contains(name, "."):
		return fmt.Errorf("want a name without a dot, got %q: dots join the names of nested layers", name)
	case !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl):
		return fmt.Errorf("want a name in UTF-8 without control characters, got %q", name)
	}
	return nil
}

// Params sets all to the parameters of the fields so far, in order, each once. This is what the
// method Params of the layer returns.
func (f *Fields[T]) Params(all *[]*Param[T]) {
	if f.Building() {
		*all = slices.Clip(f.params) // callers may append to Params()
	}
}

func (f *Fields[T]) addParam(params ...*Param[T]) {
	if f.seen == nil {
		f.seen = map[*Param[T]]bool{}
	}
	for _, p := range params {
		if !f.seen[p] {
			f.seen[p] = true
			f.params = append(f.params, p)
		}
	}
}
