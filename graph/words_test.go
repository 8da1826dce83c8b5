package graph_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/chainrule-go/chainrule/graph"
)

// TestWords holds the words of every rule against its functions: what the words
// come to is what forward and backward compute, on every shape, with ties.
func TestWords(t *testing.T) {
	for _, c := range callers {
		t.Run(fmt.Sprintf("%s %s", c.op, c.name), func(t *testing.T) {
			if err := c.checkWords(ruleOf(t, c.op)); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestWrongWords: words that are wrong are noticed.
func TestWrongWords(t *testing.T) {
	const forward = -1
	for _, wrong := range []struct {
		op    string
		of    int // the input, or forward
		words string
	}{
		{"+", forward, "a + a"},
		{"+", 1, "-dy"},
		{"-", forward, "b − a"},
		{"-", 1, "dy"},
		{"*", 0, "dy × a"},
		{"*", 1, "a"},
		{"/", 0, "dy × b"},
		{"/", 1, "-dy × a / b"},
		{"exp", 0, "dy × a"},
		{"log", 0, "dy × a"},
		{"sqrt", 0, "dy / y"},
		{"tanh", 0, "dy / cosh(a)"},
		{"erf", 0, "dy × exp(-a × a)"},
		{"maximum", 0, "dy where a ≥ b, else 0"},
		{"maximum", 1, "dy where a < b, else 0"},
		{"dot", forward, "a × b"},
		{"dot", 0, "dy · b"},
		{"dot", 1, "dy · aᵀ"},
		{"sum", forward, "max a"},
		{"sum", 0, "dy"},
		{"max", 0, "dy, repeated"},
		{"max", forward, "Σ a"},
		{"broadcast", 0, "dy, repeated"},
		{"hold", 0, "dy"},
		{"gather", forward, "a"},
		{"gather", 0, "dy at index, else fill"},
		{"gather", 0, "dy, somehow"},
	} {
		t.Run(fmt.Sprintf("%s: %s", wrong.op, wrong.words), func(t *testing.T) {
			rule := ruleOf(t, wrong.op)
			if wrong.of == forward {
				rule.Y = wrong.words
			} else {
				rule.DX[wrong.of] = wrong.words
			}
			for _, c := range callers {
				if c.op == wrong.op && c.checkWords(rule) != nil {
					return
				}
			}
			t.Error("was not noticed")
		})
	}
}

func ruleOf(t *testing.T, op string) graph.Rule {
	t.Helper()
	all := graph.Rules()
	i := slices.IndexFunc(all, func(r graph.Rule) bool { return r.Op == op })
	if i < 0 {
		t.Fatalf("there is no rule of %q", op)
	}
	return all[i]
}

// checkWords compares the words of the rule with a node of the operation.
func (c caller) checkWords(rule graph.Rule) error {
	random := rand.New(rand.NewPCG(1, 6))
	g := graph.New[float64]()
	var args []any
	for _, shape := range c.shapes {
		x := g.Const(0, shape...)
		for i := range x.Value {
			x.Value[i] = 0.5 * float64(1+random.IntN(4)) // few values, so that there are ties
		}
		args = append(args, x)
	}
	y := c.call(methods(g), args).(*graph.Node[float64])
	dy := make([]float64, len(y.Value))
	for i := range dy {
		dy[i] = random.NormFloat64()
	}
	g.BackwardFrom(y, dy)

	s := sentence{node: y, words: map[string]array{"y": {y.Shape, y.Value}, "dy": {y.Shape, dy}}}
	for i, a := range y.In {
		s.words[string(rune('a'+i))] = array{a.Shape, a.Value}
	}
	if y.Op == "gather" { // a is the elements of all its inputs
		var all array
		for _, a := range y.In {
			all.data = append(all.data, a.Value...)
		}
		all.shape = []int{len(all.data)}
		s.words["a"] = all
	}
	if y.Op == "dot" { // a vector is a row on the left and a column on the right
		a, b := y.In[0], y.In[1]
		k := b.Shape[0]
		m, n := len(a.Value)/k, len(b.Value)/k
		s.words["a"], s.words["b"], s.words["dy"] = array{[]int{m, k}, a.Value}, array{[]int{k, n}, b.Value}, array{[]int{m, n}, dy}
	}
	if err := s.compare("y = "+rule.Y, rule.Y, array{y.Shape, y.Value}); err != nil {
		return err
	}
	if y.Op == "gather" {
		var all array
		for _, term := range y.Terms() {
			all.data = append(all.data, term...)
		}
		all.shape = []int{len(all.data)}
		return s.compare("da = "+rule.DX[0], rule.DX[0], all)
	}
	if len(rule.DX) != len(y.In) {
		return fmt.Errorf("%d gradients in words, and %d inputs", len(rule.DX), len(y.In))
	}
	for i, term := range y.Terms() {
		if err := s.compare(fmt.Sprintf("d%c = %s", 'a'+i, rule.DX[i]), rule.DX[i], array{y.In[i].Shape, term}); err != nil {
			return err
		}
	}
	return nil
}

type array struct {
	shape []int
	data  []float64
}

// A sentence is the words of a rule, read and computed.
type sentence struct {
	node   *graph.Node[float64]
	words  map[string]array
	tokens []string // what is left to read
	shape  []int    // of what the words stand for
}

func (s *sentence) compare(name, words string, want array) error {
	got, err := s.compute(words, want.shape)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if len(got.data) == 1 { // a number
		got.data = slices.Repeat(got.data, len(want.data))
	}
	near := func(a, b float64) bool { return math.Abs(a-b) <= 1e-14*max(1, math.Abs(b)) }
	if !slices.EqualFunc(got.data, want.data, near) {
		return fmt.Errorf("%s: the words come to %v, and the node computes %v", name, got.data, want.data)
	}
	return nil
}

var token = regexp.MustCompile(`[a-zπ]+|[0-9]+|\S`)

// compute reads a phrase: an expression, alone or with one of a few endings.
func (s *sentence) compute(words string, shape []int) (v array, err error) {
	defer func() {
		if e := recover(); e != nil {
			err = e.(error)
		}
	}()
	s.tokens, s.shape = token.FindAllString(words, -1), shape
	switch {
	case s.next("Σ"):
		return s.reduce(s.sum(), func(sum, x float64) float64 { return sum + x }, 0), s.end("")
	case strings.HasPrefix(words, "max a"):
		s.tokens = s.tokens[1:]
		return s.reduce(s.sum(), math.Max, math.Inf(-1)), s.end("")
	}
	v = s.sum()
	if s.next("where") {
		a := s.sum()
		compare := s.tokens[0]
		s.tokens = s.tokens[1:]
		b := s.sum()
		mask := s.each(a, b, func(a, b float64) float64 {
			if compare == ">" && a > b || compare == "≤" && a <= b || compare == "<" && a < b || compare == "≥" && a >= b {
				return 1
			}
			return 0
		})
		return s.each(v, mask, func(x, m float64) float64 { return x * m }), s.end(", else 0")
	}
	switch rest := strings.Join(s.tokens, " "); rest {
	case ", repeated":
		out := array{s.shape, nil}
		for _, j := range meets(s.shape, v.shape) {
			out.data = append(out.data, v.data[j])
		}
		return out, nil
	case "at the first largest a , else 0":
		a := s.words["a"]
		out, at := array{a.shape, make([]float64, len(a.data))}, make([]int, len(v.data))
		for i, j := range slices.Backward(meets(a.shape, v.shape)) {
			if out.data[i] = 0; a.data[i] >= s.words["y"].data[j] {
				at[j] = i
			}
		}
		for j, i := range at {
			out.data[i] = v.data[j]
		}
		return out, nil
	case ", held constant":
		return v, nil
	case "at index , else fill":
		out := array{s.shape, nil}
		for _, j := range s.node.Attr.Index {
			if j < 0 {
				out.data = append(out.data, s.node.Attr.Fill)
			} else {
				out.data = append(out.data, v.data[j])
			}
		}
		return out, nil
	case ", added at index":
		out := array{s.shape, make([]float64, len(s.words["a"].data))}
		for i, j := range s.node.Attr.Index {
			if j >= 0 {
				out.data[j] += v.data[i]
			}
		}
		return out, nil
	}
	return v, s.end("")
}

func (s *sentence) next(word string) bool {
	if len(s.tokens) == 0 || s.tokens[0] != word {
		return false
	}
	s.tokens = s.tokens[1:]
	return true
}

func (s *sentence) end(want string) error {
	if rest := strings.Join(s.tokens, " "); rest != strings.Join(token.FindAllString(want, -1), " ") {
		return fmt.Errorf("the words %q mean nothing here", rest)
	}
	return nil
}

// sum reads products with + and − between them.
func (s *sentence) sum() array {
	v := s.product()
	for {
		switch {
		case s.next("+"):
			v = s.each(v, s.product(), func(a, b float64) float64 { return a + b })
		case s.next("−"):
			v = s.each(v, s.product(), func(a, b float64) float64 { return a - b })
		default:
			return v
		}
	}
}

// product reads factors with ×, / and · between them.
func (s *sentence) product() array {
	v := s.factor()
	for {
		switch {
		case s.next("×"):
			v = s.each(v, s.factor(), func(a, b float64) float64 { return a * b })
		case s.next("/"):
			v = s.each(v, s.factor(), func(a, b float64) float64 { return a / b })
		case s.next("·"):
			v = product(v, s.factor())
		default:
			return v
		}
	}
}

var functions = map[string]func(float64) float64{
	"exp": math.Exp, "log": math.Log, "sqrt": math.Sqrt, "tanh": math.Tanh, "cosh": math.Cosh, "erf": math.Erf,
}

// factor reads a word, a number, a function of something, or something in
// parentheses, with a - before it or a ᵀ after it.
func (s *sentence) factor() (v array) {
	if s.next("-") {
		return s.each(array{data: []float64{-1}}, s.factor(), func(a, b float64) float64 { return a * b })
	}
	if len(s.tokens) == 0 {
		panic(errors.New("the words end early"))
	}
	word := s.tokens[0]
	s.tokens = s.tokens[1:]
	named, known := s.words[word]
	number, err := strconv.ParseFloat(word, 64)
	switch f := functions[word]; {
	case known:
		v = named
	case err == nil:
		v = array{data: []float64{number}}
	case word == "π":
		v = array{data: []float64{math.Pi}}
	case word == "(":
		v = s.sum()
		s.must(")")
	case word == "max":
		s.must("(")
		v = s.sum()
		s.must(",")
		v = s.each(v, s.sum(), math.Max)
		s.must(")")
	case f != nil:
		s.must("(")
		v = s.sum()
		s.must(")")
		v = s.each(v, v, func(a, _ float64) float64 { return f(a) })
	default:
		panic(fmt.Errorf("the word %q means nothing here", word))
	}
	if s.next("ᵀ") {
		v = transposed(v)
	}
	return v
}

func (s *sentence) must(word string) {
	if !s.next(word) {
		panic(fmt.Errorf("want %q before %q", word, s.tokens))
	}
}

// each joins two arrays of one shape, or an array and a number.
func (s *sentence) each(a, b array, f func(a, b float64) float64) array {
	if len(a.data) != len(b.data) && len(a.data) != 1 && len(b.data) != 1 {
		panic(fmt.Errorf("shapes %v and %v", a.shape, b.shape))
	}
	out := a
	if len(b.data) > len(a.data) {
		out = b
	}
	out.data = slices.Clone(out.data)
	for i := range out.data {
		out.data[i] = f(a.data[i%len(a.data)], b.data[i%len(b.data)])
	}
	return out
}

func (s *sentence) reduce(a array, f func(sum, x float64) float64, start float64) array {
	n := 1
	for _, d := range s.shape {
		n *= d
	}
	out := array{s.shape, slices.Repeat([]float64{start}, n)}
	for i, j := range meets(a.shape, s.shape) {
		out.data[j] = f(out.data[j], a.data[i])
	}
	return out
}

func product(a, b array) array {
	if len(a.shape) != 2 || len(b.shape) != 2 || a.shape[1] != b.shape[0] {
		panic(fmt.Errorf("%v · %v", a.shape, b.shape))
	}
	m, k, n := a.shape[0], a.shape[1], b.shape[1]
	out := array{[]int{m, n}, make([]float64, m*n)}
	for i := range out.data {
		for p := range k {
			out.data[i] += a.data[i/n*k+p] * b.data[p*n+i%n]
		}
	}
	return out
}

func transposed(a array) array {
	if len(a.shape) != 2 {
		panic(fmt.Errorf("%vᵀ", a.shape))
	}
	m, n := a.shape[0], a.shape[1]
	out := array{[]int{n, m}, make([]float64, m*n)}
	for i := range out.data {
		out.data[i] = a.data[i%m*n+i/m]
	}
	return out
}

// meets returns, for each element of an array of the shape, the element it meets
// in a smaller one that is repeated.
func meets(shape, small []int) []int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	all := make([]int, n)
	for i := range all {
		rest, stride := i, 1
		for axis := len(shape) - 1; axis >= 0; axis-- {
			at := rest % shape[axis]
			rest /= shape[axis]
			if k := axis - len(shape) + len(small); k >= 0 {
				if small[k] != 1 && small[k] != shape[axis] {
					panic(fmt.Errorf("%v does not repeat to %v", small, shape))
				}
				all[i] += at % small[k] * stride
				stride *= small[k]
			}
		}
	}
	return all
}
