package nn

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/chainrule-go/chainrule/internal/spelling"
	"github.com/chainrule-go/chainrule/tensor"
)

// The limits of what a line of layers may describe.
const (
	mostText       = 1 << 20 // bytes
	mostDepth      = 32      // of layers inside layers
	mostParameters = 1 << 28 // with elements of state; also the elements of a sample between layers
)

// Parse returns the network that a line of layers describes, for samples of the given shape
// (without the batch axis):
//
//	conv 30x5x5, relu, maxpool 2, flatten, affine 100, relu, affine 10
//
// A layer is its kind, in upper or lower case, and then its settings in order ([Configurable]).
// A setting may be given by name: conv 30x5x5 padding=2. Layers are separated by commas or line
// ends. A comment begins with # and ends with the line. Layers inside a layer are in
// parentheses, and lists of them are separated by semicolons:
//
//	residual(conv 16x3x3 padding=1, relu, conv 16x3x3 padding=1; conv 16x1x1)
//
// A name and a colon before a layer name it. A layer without a name is named by its kind and
// number, as in [NewSequential].
//
// The initial weights are drawn from rng layer by layer; the keys of random layers are drawn
// after them. The standard deviation suits the activation after the layer, or for the last
// layers the activation before; without any activation it is [He]. The setting init=he,
// init=xavier or init=0.01 chooses another one ([Initializer], [Activation]).
//
// A mistake is a *[ParseError]. Sizes are checked before memory is allocated: at most 2^28
// parameters are allowed, and at most 2^28 elements of a sample after any layer.
func Parse[T tensor.Float](line string, sample []int, rng *rand.Rand) (*Sequential[T], error) {
	return parse[T](line, sample, rng, mostParameters)
}

// parse is [Parse] with a limit of most parameters.
func parse[T tensor.Float](line string, sample []int, rng *rand.Rand, most int) (*Sequential[T], error) {
	p := &parser[T]{scanner: scanner{text: line}, most: most, left: most}
	if len(line) > mostText {
		return nil, fmt.Errorf("want a line of layers of at most %d bytes, got %d", mostText, len(line))
	}
	items, err := p.list()
	if err == nil && p.at < len(line) {
		err = p.fail(p.at, fmt.Errorf("want a layer, got %q", line[p.at]))
	}
	if err == nil && len(items.items) == 0 {
		err = p.fail(0, errors.New("want a layer, such as affine 10, got none"))
	}
	if err != nil {
		return nil, err
	}
	layers, _, err := p.chain(items, sample)
	if err != nil {
		return nil, err
	}
	p.draw(rng)
	return NewNamed(layers...), nil
}

// A ParseError is a mistake in a line of layers.
type ParseError struct {
	Line, Column int    // counted from 1; columns count letters
	Source       string // the text of the line
	Err          error
}

func (e *ParseError) Error() string {
	if e.Line > 1 {
		return fmt.Sprintf("line %d, column %d: %v", e.Line, e.Column, e.Err)
	}
	return fmt.Sprintf("column %d: %v", e.Column, e.Err)
}

// Place shows where the mistake is, in two lines: the text, shortened if it is long, and a mark
// below it.
func (e *ParseError) Place() string {
	const most = 60 // letters on each side of the mistake
	letters := []rune(e.Source)
	for i, r := range letters {
		if r == '\t' {
			letters[i] = ' '
		} else if !unicode.IsPrint(r) {
			letters[i] = utf8.RuneError
		}
	}
	at := min(e.Column-1, len(letters))
	before, after := letters[:at], letters[at:]
	dots, more := "", ""
	if len(before) > most {
		before, dots = before[len(before)-most:], "…"
	}
	if len(after) > most {
		after, more = after[:most], "…"
	}
	return fmt.Sprintf("%s%s%s%s\n%*s", dots, string(before), string(after), more, utf8.RuneCountInString(dots)+len(before)+1, "^")
}

// Unwrap returns e.Err.
func (e *ParseError) Unwrap() error { return e.Err }

// An Initializer is a Layer with initial parameters other than zeros. Its constructor and
// [Parse] call Init.
type Initializer interface {
	// Init sets the initial parameters. Weights are drawn from rng with the standard
	// deviation of init.
	Init(init Init, rng *rand.Rand)
}

// An Activation is a Layer that says which initial weights suit the layer before it.
type Activation interface {
	WeightInit() Init
}

// A parser makes layers from the items that a scanner reads.
type parser[T tensor.Float] struct {
	scanner
	most   int // the limit: of parameters with elements of state, and of elements of a sample
	left   int // parameters that are still allowed
	leaves []leaf[T]
	keys   []*uint64
}

// A leaf is a layer whose initial weights are to be drawn.
type leaf[T tensor.Float] struct {
	layer Layer[T]
	init  Init // nil: chosen by the activation
}

// chain makes the layers of a list. out is the shape of a sample after the last layer.
func (p *parser[T]) chain(l list, sample []int) (layers []Named[T], out []int, err error) {
	count := map[string]int{}
	taken := map[string]bool{}
	for _, it := range l.items {
		var made Layer[T]
		if made, sample, err = p.layer(it, sample); err != nil {
			return nil, nil, err
		}
		kind := Kind(made)
		count[kind]++
		name := it.name
		if name == "" {
			name = fmt.Sprint(kind, count[kind])
		}
		if err := CheckName(name); err != nil {
			return nil, nil, p.fail(it.at, err)
		}
		if taken[name] {
			return nil, nil, p.fail(it.at, fmt.Errorf("want another name, for a layer before this one is %s", clip(name)))
		}
		taken[name] = true
		layers = append(layers, Named[T]{name, made})
	}
	return layers, sample, nil
}

// layer makes a layer for samples of the given shape, and returns their shape after it.
func (p *parser[T]) layer(it *item, sample []int) (Layer[T], []int, error) {
	kind, ok := kindOfWord(it.kind)
	if !ok {
		return nil, nil, p.fail(it.kindAt, fmt.Errorf("there is no layer %s%s", clip(it.kind), spelling.Suggest(it.kind, kindWords())))
	}
	l, _ := NewOfKind[T](kind)
	var init Init
	var err error
	if _, ok := l.(Initializer); ok {
		if init, err = p.initOf(it); err != nil {
			return nil, nil, err
		}
	}
	s := &Settings[T]{sample: sample, parser: p, item: it, places: map[string]int{}}
	if c, ok := l.(Configurable[T]); ok {
		c.Settings(s)
	}
	if s.err == nil {
		err = BuildFields(l, func(f Field[T]) error {
			if _, ok := l.(Configurable[T]); !ok {
				if err := s.field(f); err != nil {
					return err
				}
			}
			return p.make(f)
		})
	}
	if s.err == nil && err == nil {
		err = s.left()
	}
	if s.err != nil {
		return nil, nil, s.err
	}
	if wrong, ok := errors.AsType[*ParseError](err); ok {
		return nil, nil, wrong
	}
	if wrong, ok := errors.AsType[*FieldError](err); ok {
		at, known := s.places[wrong.Field]
		if !known {
			at = it.kindAt
		}
		return nil, nil, p.fail(at, fmt.Errorf("%s: %s: %w", it.kind, wrong.Field, wrong.Err))
	}
	if err != nil {
		return nil, nil, p.fail(it.kindAt, err)
	}
	if s.built != nil {
		s.built()
	}
	out, err := Check(l, append([]int{0}, sample...)...) // no samples, no work and no memory
	if err != nil {
		return nil, nil, p.fail(it.kindAt, p.mismatch(it, sample, err))
	}
	out = out[1:]
	if n, ok := tensor.Size(out...); !ok || n > p.most {
		return nil, nil, p.fail(it.kindAt, fmt.Errorf("%s makes samples of the shape %s, and at most %d numbers are allowed", it.kind, batchShape(out), p.most))
	}
	p.leaves = append(p.leaves, leaf[T]{l, init})
	return l, out, nil
}

// make makes the parameters and state of a layer, all zero. It is an error if they are too
// large.
func (p *parser[T]) make(f Field[T]) error {
	take := func() error {
		n, _ := tensor.Size(f.Shape...) // Fields has checked it
		if n > p.left {
			return fmt.Errorf("want at most %d parameters in all, got one of shape %s", p.most, tensor.FormatShape(f.Shape))
		}
		p.left -= n
		return nil
	}
	switch v := f.Value.(type) {
	case **Param[T]:
		if err := take(); err != nil {
			return err
		}
		*v = NewParam[T](f.Name, f.Shape...)
	case **tensor.Tensor[T]:
		if err := take(); err != nil {
			return err
		}
		*v = tensor.New[T](f.Shape...)
	case *uint64:
		p.keys = append(p.keys, v)
	}
	return nil
}

// mismatch explains err, the error of a layer that does not take samples of the given shape.
func (p *parser[T]) mismatch(it *item, sample []int, err error) error {
	shape, ok := errors.AsType[*tensor.ShapeError](err)
	if !ok {
		return err
	}
	if len(shape.Got) == 0 || !slices.Equal(shape.Got[1:], sample) { // inside a container
		return errors.New(strings.ReplaceAll(err.Error(), "(0, ", "(N, "))
	}
	hint := ""
	if n, _ := tensor.Size(sample...); len(sample) > 1 && strings.Contains(shape.Want, fmt.Sprintf("(N, %d)", n)) {
		hint = "; put flatten before it"
	}
	return fmt.Errorf("%s wants %s, and %s arrives%s", it.kind, shape.Want, batchShape(sample), hint)
}

// initOf takes the setting init; it returns nil if there is none.
func (p *parser[T]) initOf(it *item) (Init, error) {
	for _, w := range it.words {
		if w.name == "init" && w.value != "" {
			init, err := ParseInit(w.value)
			if err != nil {
				return nil, p.fail(w.at, fmt.Errorf("init: %w", err))
			}
			w.value = ""
			return init, nil
		}
	}
	return nil, nil
}

// draw sets the initial values of all parameters.
func (p *parser[T]) draw(rng *rand.Rand) {
	before := Init(nil)
	suits := make([]Init, len(p.leaves)) // chosen by the activation before each
	for i, l := range p.leaves {
		if a, ok := l.layer.(Activation); ok {
			before = a.WeightInit()
		}
		suits[i] = before
	}
	after := Init(nil)
	for i, l := range slices.Backward(p.leaves) {
		if a, ok := l.layer.(Activation); ok {
			after = a.WeightInit()
		}
		if after != nil {
			suits[i] = after
		}
	}
	for i, l := range p.leaves {
		if w, ok := l.layer.(Initializer); ok {
			switch {
			case l.init != nil:
				w.Init(l.init, rng)
			case suits[i] != nil:
				w.Init(suits[i], rng)
			default:
				w.Init(He, rng)
			}
		}
	}
	for _, key := range p.keys {
		if rng == nil {
			panic("nn: Parse wants a *rand.Rand, for a layer that draws")
		}
		*key = rng.Uint64()
	}
}
