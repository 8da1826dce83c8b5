package nn

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/chainrule-go/chainrule/internal/spelling"
	"github.com/chainrule-go/chainrule/tensor"
)

// Configurable is a Layer that says how a line of layers ([Parse]) describes it: which settings
// it has in which order, their default values, and what follows from the shape of the samples.
//
//	func (l *Convolution[T]) Settings(s *nn.Settings[T]) {
//		s.Infer(&l.in, s.Axis(0))
//		s.Int("out", &l.out)
//		s.Sizes("kernel", &l.kernel, s.Axes()-1)
//		s.Sizes("stride", &l.stride, s.Axes()-1, 1)
//	}
//
// Then "conv 16x3x3 stride=2" is such a layer. A setting has the name of its field, and Fields
// checks its value. If a layer is not Configurable, all its fields are settings, in order.
type Configurable[T tensor.Float] interface {
	Settings(s *Settings[T])
}

// Settings visits the settings of a layer, to read them from a line ([Parse]) or to write them
// ([Format]). The method Settings of a layer calls its methods.
type Settings[T tensor.Float] struct {
	sample []int

	// Reading.
	parser *parser[T]
	item   *item
	names  []string
	places map[string]int // where the value of each setting is
	built  func()

	// Writing, if parser is nil.
	words    []string
	optional bool // an earlier setting may be left out, so the next ones are written with their names
	lists    []string

	err error
}

// Axes returns the number of axes of a sample, without the batch axis.
func (s *Settings[T]) Axes() int { return len(s.sample) }

// Axis returns the length of axis i of a sample; if the sample has fewer axes, the length of
// the last one.
func (s *Settings[T]) Axis(i int) int {
	if len(s.sample) == 0 {
		return 1
	}
	return s.sample[min(i, len(s.sample)-1)]
}

// Features returns the number of elements of a sample.
func (s *Settings[T]) Features() int {
	n, _ := tensor.Size(s.sample...)
	return n
}

// Infer sets a field that follows from the shape of the samples, and so is not in the line.
func (s *Settings[T]) Infer(v *int, value int) {
	if s.parser != nil {
		*v = value
	}
}

// Built sets a function that is called once the parameters of a layer exist. It sets parameters
// that do not begin as zeros and are not drawn at random.
func (s *Settings[T]) Built(f func()) { s.built = f }

// Int is a whole number. It may be left out if there is a default, standard.
func (s *Settings[T]) Int(name string, v *int, standard ...int) {
	setting(s, name, v, standard, strconv.Itoa, func(w *word) (n int, err error) {
		text := w.value
		if head, tail, ok := strings.Cut(text, "x"); ok && w.name == "" { // the 30 in 30x5x5
			text, w.value = head, tail
			w.at += len(head) + 1
		} else {
			w.value = ""
		}
		if n, err = strconv.Atoi(text); err != nil {
			err = fmt.Errorf("want a whole number, got %s", clip(text))
		}
		return n, err
	})
}

// Float is a number. It may be left out if there is a default, standard.
func (s *Settings[T]) Float(name string, v *float64, standard ...float64) {
	format := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	setting(s, name, v, standard, format, func(w *word) (float64, error) {
		f, err := strconv.ParseFloat(w.value, 64)
		if err != nil {
			err = fmt.Errorf("want a number, got %s", clip(w.value))
		}
		w.value = ""
		return f, err
	})
}

// Bool is a switch: true or false. It may be left out if there is a default, standard.
func (s *Settings[T]) Bool(name string, v *bool, standard ...bool) {
	setting(s, name, v, standard, strconv.FormatBool, func(w *word) (bool, error) {
		text := w.value
		w.value = ""
		if text != "true" && text != "false" {
			return false, fmt.Errorf("want true or false, got %s", clip(text))
		}
		return text == "true", nil
	})
}

// Sizes are lengths, such as 5x5, one for each of the axes. A single length stands for all axes;
// if axes is 0, any number of lengths is allowed. They may be left out if there is a default,
// standard, which may also be a single length.
func (s *Settings[T]) Sizes(name string, v *[]int, axes int, standard ...int) {
	if len(standard) == 1 && axes > 1 {
		standard = slices.Repeat(standard, axes)
	}
	var standards [][]int
	if len(standard) > 0 {
		standards = [][]int{standard}
	}
	format := func(v []int) string {
		if axes > 0 && len(v) == axes && len(slices.Compact(slices.Clone(v))) == 1 && !s.joins() {
			v = v[:1]
		}
		return strings.Trim(strings.ReplaceAll(fmt.Sprint(v), " ", "x"), "[]")
	}
	if s.parser == nil && len(standards) == 0 && s.joins() {
		s.words[len(s.words)-1] += "x" + format(*v) // conv 30x5x5
		return
	}
	setting(s, name, v, standards, format, func(w *word) (lengths []int, err error) {
		text := w.value
		w.value = ""
		for part := range strings.SplitSeq(text, "x") {
			n, err := strconv.Atoi(part)
			if err != nil {
				return nil, fmt.Errorf("want lengths such as 5 or 5x5, got %s", clip(text))
			}
			lengths = append(lengths, n)
		}
		if len(lengths) == 1 && axes > 1 {
			lengths = slices.Repeat(lengths, axes)
		}
		if axes > 0 && len(lengths) != axes {
			err = fmt.Errorf("want %d lengths, or one for all, got %s", axes, clip(text))
		}
		return lengths, err
	})
}

// joins reports whether the lengths that are written next are joined to the number before them,
// as in 30x5x5.
func (s *Settings[T]) joins() bool {
	if s.optional || len(s.words) == 0 {
		return false
	}
	_, err := strconv.Atoi(s.words[len(s.words)-1])
	return err == nil
}

// setting reads one setting with parse, or writes it with format.
func setting[T tensor.Float, V any](s *Settings[T], name string, v *V, standard []V, format func(V) string, parse func(*word) (V, error)) {
	switch {
	case s.err != nil:
	case s.parser == nil && len(standard) > 0 && format(*v) == format(standard[0]):
		s.optional = true
	case s.parser == nil && (s.optional || len(standard) > 0):
		s.optional = true
		s.words = append(s.words, name+"="+format(*v))
	case s.parser == nil:
		s.words = append(s.words, format(*v))
	default:
		s.names = append(s.names, name)
		w := s.item.take(name)
		if w == nil && len(standard) > 0 {
			*v = standard[0]
			return
		}
		if w == nil {
			s.fail(s.item.at, fmt.Errorf("%s wants its %s", s.item.kind, name))
			return
		}
		s.places[name] = w.at
		text := w.value
		value, err := parse(w)
		if err != nil {
			if next := s.item.take(name); w.name == "" && next != nil && !isNumber(text) { // padding 1
				err = fmt.Errorf("%w; write %s=%s if that is meant", err, text, next.value)
			}
			s.fail(s.places[name], fmt.Errorf("%s: %w", name, err))
			return
		}
		*v = value
	}
}

func isNumber(text string) bool {
	_, err := strconv.ParseFloat(text, 64)
	return err == nil
}

// Layer is a layer inside this one, which takes the same samples: the next list in the
// parentheses. A list of several layers, or of none, becomes a [Sequential]. It may be left out
// if there is a default, standard, whose kind has no settings.
func (s *Settings[T]) Layer(name string, l *Layer[T], standard ...Layer[T]) {
	switch {
	case s.parser == nil && len(standard) > 0 && Kind(*l) == Kind(standard[0]):
	case s.parser == nil:
		s.writeList(toList(*l))
	case len(s.item.lists) == 0 && len(standard) > 0:
		*l = standard[0]
	default:
		if list := s.readList(name); s.err == nil {
			*l = ofList(list)
		}
	}
}

// Layers are the layers inside this one, one after the other: the next list in the parentheses.
func (s *Settings[T]) Layers(name string, layers *[]Named[T]) {
	if s.parser == nil {
		s.writeList(*layers)
	} else {
		*layers = s.readList(name)
	}
}

// Branches are layers inside this one, which take the same samples: all remaining lists in the
// parentheses, each as in [Settings.Layer].
func (s *Settings[T]) Branches(name string, branches *[]Named[T]) {
	if s.parser == nil {
		for _, b := range *branches {
			s.writeList(toList(b.Layer))
		}
		return
	}
	var all []Layer[T]
	for more := true; more && s.err == nil; more = len(s.item.lists) > 0 {
		if list := s.readList(name); s.err == nil {
			all = append(all, ofList(list))
		}
	}
	*branches = numbered(all)
}

// ofList returns the layer that a list describes.
func ofList[T tensor.Float](list []Named[T]) Layer[T] {
	if isOne(list) {
		return list[0].Layer
	}
	return NewNamed(list...)
}

// toList returns the list that describes l.
func toList[T tensor.Float](l Layer[T]) []Named[T] {
	if chain, ok := l.(*Sequential[T]); ok && !isOne(chain.layers) {
		return chain.layers
	}
	return numbered([]Layer[T]{l})
}

// isOne reports whether a list describes the single layer in it: it has no name.
func isOne[T tensor.Float](list []Named[T]) bool {
	return len(list) == 1 && list[0].Name == Kind(list[0].Layer)+"1"
}

func (s *Settings[T]) fail(at int, err error) {
	if s.err == nil {
		s.err = s.parser.fail(at, err)
	}
}

func (s *Settings[T]) readList(name string) (layers []Named[T]) {
	if s.err != nil {
		return nil
	}
	if len(s.item.lists) == 0 {
		s.fail(s.item.at, fmt.Errorf("%s wants its %s in brackets, such as %s(relu)", s.item.kind, name, s.item.kind))
		return nil
	}
	list := s.item.lists[0]
	s.item.lists = s.item.lists[1:]
	layers, _, s.err = s.parser.chain(list, s.sample)
	return layers
}

func (s *Settings[T]) writeList(layers []Named[T]) {
	if s.err == nil {
		var list string
		list, _, s.err = formatChain(layers, s.sample)
		s.lists = append(s.lists, list)
	}
}

// field visits a field as a setting, for a layer that is not Configurable.
func (s *Settings[T]) field(f Field[T]) error {
	switch v := f.Value.(type) {
	case *int:
		s.Int(f.Name, v)
	case *float64:
		s.Float(f.Name, v)
	case *bool:
		s.Bool(f.Name, v)
	case *[]int:
		s.Sizes(f.Name, v, 0)
	case *Layer[T]:
		s.Layer(f.Name, v)
	case *[]Named[T]:
		s.Layers(f.Name, v)
	}
	return s.err
}

// left reports text in the line that belongs to the layer but is not one of its settings.
func (s *Settings[T]) left() error {
	for _, w := range s.item.words {
		switch {
		case w.value == "":
		case w.name != "":
			return s.parser.fail(w.at, fmt.Errorf("%s has no setting %s%s", s.item.kind, clip(w.name), spelling.Suggest(w.name, s.names)))
		case len(s.names) == 0:
			return s.parser.fail(w.at, fmt.Errorf("%s has no settings, got %s; layers are separated by commas", s.item.kind, clip(w.value)))
		default:
			return s.parser.fail(w.at, fmt.Errorf("%s has no setting after its %s, got %s; layers are separated by commas", s.item.kind, strings.Join(s.names, ", "), clip(w.value)))
		}
	}
	if len(s.item.lists) > 0 {
		return s.parser.fail(s.item.lists[0].at, fmt.Errorf("%s has no more layers inside", s.item.kind))
	}
	return nil
}
