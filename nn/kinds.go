package nn

import (
	"fmt"
	"reflect"
	"strings"
	"sync"

	"github.com/chainrule-go/chainrule/tensor"
)

// builtin is the table of the kinds of layers in this package. A layer in it is saved, loaded,
// copied, converted and verified. There is no other list of layers in this package.
var builtin = []kind{
	row[Affine[float32], Affine[float64]]("Affine"),
	row[ReLU[float32], ReLU[float64]]("ReLU"),
	row[Sigmoid[float32], Sigmoid[float64]]("Sigmoid"),
	row[Tanh[float32], Tanh[float64]]("Tanh"),
	row[LeakyReLU[float32], LeakyReLU[float64]]("LeakyReLU"),
	row[PReLU[float32], PReLU[float64]]("PReLU"),
	row[ELU[float32], ELU[float64]]("ELU"),
	row[GELU[float32], GELU[float64]]("GELU"),
	row[SiLU[float32], SiLU[float64]]("SiLU"),
	row[Softplus[float32], Softplus[float64]]("Softplus"),
	row[Softmax[float32], Softmax[float64]]("Softmax"),
	row[Dropout[float32], Dropout[float64]]("Dropout"),
	row[BatchNorm[float32], BatchNorm[float64]]("BatchNorm"),
	row[LayerNorm[float32], LayerNorm[float64]]("LayerNorm"),
	row[RMSNorm[float32], RMSNorm[float64]]("RMSNorm"),
	row[GroupNorm[float32], GroupNorm[float64]]("GroupNorm"),
	row[Convolution[float32], Convolution[float64]]("Convolution").as("conv"),
	row[MaxPool[float32], MaxPool[float64]]("MaxPool"),
	row[AveragePool[float32], AveragePool[float64]]("AveragePool"),
	row[GlobalAveragePool[float32], GlobalAveragePool[float64]]("GlobalAveragePool"),
	row[Identity[float32], Identity[float64]]("Identity"),
	row[Flatten[float32], Flatten[float64]]("Flatten"),
	row[Reshape[float32], Reshape[float64]]("Reshape"),
	row[Sequential[float32], Sequential[float64]]("Sequential"),
	row[Residual[float32], Residual[float64]]("Residual"),
	row[Concat[float32], Concat[float64]]("Concat"),
}

// A kind makes layers of one type, in either precision.
type kind struct {
	name    string
	word    string // in a line of layers
	float32 func() Layer[float32]
	float64 func() Layer[float64]
	types   [2]reflect.Type
}

func row[A, B any, LA layerOf[A, float32], LB layerOf[B, float64]](name string) kind {
	return kind{
		name:    name,
		word:    strings.ToLower(name),
		float32: func() Layer[float32] { return LA(new(A)) },
		float64: func() Layer[float64] { return LB(new(B)) },
		types:   [2]reflect.Type{reflect.TypeFor[LA](), reflect.TypeFor[LB]()},
	}
}

// as returns k with a shorter word.
func (k kind) as(word string) kind {
	k.word = word
	return k
}

// A layerOf is a pointer to an A that is a Layer.
type layerOf[A any, T tensor.Float] interface {
	*A
	Layer[T]
}

var registered struct {
	sync.RWMutex
	kinds []kind
}

// Register makes a kind of layer known by name, so that it is saved, loaded, copied and
// converted like the layers of this package. A is the type in float32 and B the type in
// float64; pointers to them are Layers:
//
//	nn.Register[Scale[float32], Scale[float64]]("Scale")
//
// A layer with parameters, state or settings must be a [Fielder]; its fields are set
// on new(A). Register panics if the name is empty or taken, or if Fields of new(A)
// panics. Call it before networks are loaded, in an init function for example.
func Register[A, B any, LA layerOf[A, float32], LB layerOf[B, float64]](name string) {
	mustVisit[float32](name, LA(new(A)))
	mustVisit[float64](name, LB(new(B)))
	registered.Lock()
	defer registered.Unlock()
	for _, k := range append(builtin, registered.kinds...) {
		if name == "" || k.name == name || k.word == strings.ToLower(name) || k.types[0] == reflect.TypeFor[LA]() || k.types[1] == reflect.TypeFor[LB]() {
			panic(fmt.Sprintf("nn: Register: the name %q is empty or taken, or its type is registered already", name))
		}
	}
	registered.kinds = append(registered.kinds, row[A, B, LA, LB](name))
}

// mustVisit panics if Fields of a new l panics, for example because an embedded pointer is nil.
// The message names the kind.
func mustVisit[T tensor.Float](name string, l Layer[T]) {
	defer func() {
		if cause := recover(); cause != nil {
			panic(fmt.Sprintf("nn: Register: %q: the method Fields of a new %T panics, as it would when a file is loaded: %v", name, l, cause))
		}
	}()
	VisitFields(l, func(Field[T]) error { return nil })
}

// Kinds returns the names of the kinds of layers that [NewOfKind] makes: the kinds of this
// package, then the registered ones.
func Kinds() (names []string) {
	for k := range kinds {
		names = append(names, k.name)
	}
	return names
}

// kinds ranges over the kinds of this package and the registered ones.
func kinds(yield func(kind) bool) {
	registered.RLock()
	defer registered.RUnlock()
	for _, table := range [][]kind{builtin, registered.kinds} {
		for _, k := range table {
			if !yield(k) {
				return
			}
		}
	}
}

// NewOfKind returns a layer of the given kind. Its fields are not set; see [BuildFields]. It
// returns false if there is no such kind.
func NewOfKind[T tensor.Float](name string) (Layer[T], bool) {
	for k := range kinds {
		if k.name == name {
			if l, ok := any(k.float32).(func() Layer[T]); ok {
				return l(), true
			}
			return any(k.float64).(func() Layer[T])(), true
		}
	}
	return nil, false
}

// kindOfWord returns the name of the kind that a word in a line of layers means. The word is
// the word of the kind or its name, in upper or lower case.
func kindOfWord(word string) (name string, ok bool) {
	for k := range kinds {
		if strings.EqualFold(word, k.word) || strings.EqualFold(word, k.name) {
			return k.name, true
		}
	}
	return "", false
}

// wordOf returns the word for a kind.
func wordOf(name string) string {
	for k := range kinds {
		if k.name == name {
			return k.word
		}
	}
	return strings.ToLower(name)
}

// kindWords returns the words for all kinds.
func kindWords() (words []string) {
	for k := range kinds {
		words = append(words, k.word)
	}
	return words
}

// KindOf returns the name of the kind of l. It is an error if [NewOfKind] could not make such a
// layer, if l has a parameter that its fields do not name, or if a field is refused.
func KindOf[T tensor.Float](l Layer[T]) (string, error) {
	t := reflect.TypeOf(l)
	name := ""
	for k := range kinds {
		if k.types[0] == t || k.types[1] == t {
			name = k.name
		}
	}
	if name == "" {
		return "", fmt.Errorf("want one of the kinds %s, got a %T; make its type known by nn.Register", strings.Join(Kinds(), ", "), l)
	}
	if _, ok := l.(Fielder[T]); !ok && len(l.Params()) > 0 {
		return "", fmt.Errorf("a %s has parameters, but no method Fields that names them", name)
	}
	named := map[*Param[T]]bool{}
	err := VisitFields(l, func(f Field[T]) error {
		for _, p := range paramsIn(f) {
			named[p] = true
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	for _, p := range l.Params() {
		if !named[p] {
			return "", fmt.Errorf("a %s has the parameter %q, which neither its method Fields names nor a layer inside has; Params returns the same parameters every time", name, p.Name)
		}
	}
	return name, nil
}

// paramsIn returns the parameters of a field: itself, or the parameters of the layers in it.
func paramsIn[T tensor.Float](f Field[T]) (params []*Param[T]) {
	switch v := f.Value.(type) {
	case **Param[T]:
		return []*Param[T]{*v}
	case *Layer[T]:
		if *v != nil {
			return (*v).Params()
		}
	case *[]Named[T]:
		for _, n := range *v {
			if n.Layer != nil {
				params = append(params, n.Layer.Params()...)
			}
		}
	}
	return params
}

// Kind returns the name of a layer's type: "Affine" for an *Affine[float32].
func Kind(layer any) string {
	t := reflect.TypeOf(layer)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	kind, _, _ := strings.Cut(t.Name(), "[")
	return kind
}

// describe returns l.String() if l has that method, and otherwise its kind with its settings,
// such as Scale(features=3).
func describe[T tensor.Float](l Layer[T]) string {
	if s, ok := l.(fmt.Stringer); ok {
		return s.String()
	}
	var settings []string
	VisitFields(l, func(f Field[T]) error {
		switch v := f.Value.(type) {
		case *int:
			settings = append(settings, fmt.Sprintf("%s=%d", f.Name, *v))
		case *float64:
			settings = append(settings, fmt.Sprintf("%s=%v", f.Name, *v))
		case *bool:
			settings = append(settings, fmt.Sprintf("%s=%t", f.Name, *v))
		case *[]int:
			settings = append(settings, fmt.Sprintf("%s=%v", f.Name, *v))
		case *Layer[T]:
			settings = append(settings, describe(*v))
		case *[]Named[T]:
			for _, n := range *v {
				settings = append(settings, describe(n.Layer))
			}
		}
		return nil
	})
	if len(settings) == 0 {
		return Kind(l)
	}
	return Kind(l) + "(" + strings.Join(settings, ", ") + ")"
}

// describeAll describes layers in parentheses.
func describeAll[T tensor.Float](layers []Named[T]) string {
	parts := make([]string, len(layers))
	for i, l := range layers {
		parts[i] = describe(l.Layer)
	}
	return "(" + strings.Join(parts, ", ") + ")"
}
