package nn

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/chainrule-go/chainrule/tensor"
)

// knob is a layer of a user's with settings of every type and no method Settings.
type knob[T tensor.Float] struct {
	activation[T]
	count int
	ratio float64
	on    bool
	sizes []int
	W     *Param[T]
	inner Layer[T]
	key   uint64
	all   []*Param[T]
}

func (l *knob[T]) Fields(f *Fields[T]) {
	f.Size("count", &l.count)
	f.Param("W", &l.W, l.count)
	f.Float("ratio", &l.ratio, 0, 1)
	f.Bool("on", &l.on)
	f.Sizes("sizes", &l.sizes, 4)
	f.Key("key", &l.key)
	f.Layer("inner", &l.inner)
	f.Params(&l.all)
}

func (l *knob[T]) Forward(p *Pass[T], x *tensor.Tensor[T]) *tensor.Tensor[T] {
	return l.inner.Forward(p, x)
}
func (l *knob[T]) Backward(p *Pass[T], dy *tensor.Tensor[T]) *tensor.Tensor[T] { return dy }
func (l *knob[T]) Params() []*Param[T]                                         { return l.all }

func init() { Register[knob[float32], knob[float64]]("test.Knob") }

func parsed(t *testing.T, line string, sample ...int) *Sequential[float32] {
	t.Helper()
	net, err := Parse[float32](line, sample, newRand(1))
	if err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	return net
}

// Each line is written back as it stands, or as the second one.
func TestParseAndFormat(t *testing.T) {
	for _, c := range []struct {
		line, want string
		sample     []int
	}{
		{"affine 10", "", []int{784}},
		{"affine 50, relu, affine 10", "", []int{784}},
		{"Affine out=50 , ReLU # the book's\n\n affine 10\n", "affine 50, relu, affine 10", []int{784}},
		{"affine 3\nrelu\r\naffine 2,\n", "affine 3, relu, affine 2", []int{4}},
		{"dropout 0.25, dropout rate=1e-3", "dropout 0.25, dropout 0.001", []int{3}},
		{"hidden: affine 5, relu, Affine2: affine 5, Affine1: affine 2", "hidden: affine 5, relu, affine 5, Affine1: affine 2", []int{3}},
		{"Affine1: affine 5", "affine 5", []int{3}},
		{"sequential(affine 5, relu), sequential(), sequential(sequential(tanh))", "", []int{3}},
		{"sequential(\n affine 5 # first\n\n relu\n)", "sequential(affine 5, relu)", []int{3}},
		{"conv 30x5x5, relu, maxpool 2, flatten, affine 10", "", []int{1, 28, 28}},
		{"Conv out=4 kernel=3 padding=1x0 stride=2, maxpool 3x2 2, averagepool 2 stride=1", "conv 4x3x3 stride=2 padding=1x0, maxpool 3x2 stride=2, averagepool 2 stride=1", []int{3, 28, 28}},
		{"conv 4 5, convolution 8x3 dilation=2 groups=4, globalaveragepool", "conv 4x5, conv 8x3 dilation=2 groups=4, globalaveragepool", []int{3, 28}},
		{"conv 4x3x5 2 1, batchnorm, groupnorm 2 eps=0.1", "conv 4x3x5 stride=2 padding=1, batchnorm, groupnorm 2 eps=0.1", []int{3, 28, 28}},
		{"batchnorm momentum=1, layernorm, layernorm shape=7x2, rmsnorm eps=0", "batchnorm momentum=1, layernorm, layernorm shape=7x2, rmsnorm eps=0", []int{7, 2}},
		{"leakyrelu, leakyrelu 0.2, elu alpha=1, gelu tanh=true, prelu, prelu 1", "leakyrelu, leakyrelu slope=0.2, elu, gelu tanh=true, prelu, prelu features=1", []int{3}},
		{"residual(affine 3, relu, affine 3), residual(affine 5; affine 5), residual(tanh; )", "residual(affine 3, relu, affine 3), residual(affine 5; affine 5), residual(tanh; )", []int{3}},
		{"residual(relu; identity), flatten, reshape 3x2x2", "residual(relu), flatten, reshape 3x2x2", []int{2, 6}},
		{"concat(affine 3; identity; affine 2, relu; )", "", []int{5}},
		{"test.knob 3 0.5 true 2x3(relu)", "", []int{3}},
		{"test.Knob ratio=0 sizes=7 on=false 3(relu, tanh)", "test.knob 3 0 false 7(relu, tanh)", []int{3}},
		{"test.knob 3 0 false 7(inner: relu)", "", []int{3}},
		{"test.knob 3 0 false 7(sequential(tanh))", "", []int{3}},
		{"test.knob 3 0 false 7()", "", []int{3}},
	} {
		t.Run(c.line, func(t *testing.T) {
			net := parsed(t, c.line, c.sample...)
			want := c.want
			if want == "" {
				want = c.line
			}
			line, err := Format(net, c.sample...)
			if err != nil || line != want {
				t.Fatalf("Format = %q, %v, want %q", line, err, want)
			}
			again := parsed(t, line, c.sample...)
			for i, p := range net.Params() {
				sameBits(t, p.Name, again.Params()[i].Value, p.Value)
			}
			if a, b := net.String(), again.String(); a != b {
				t.Errorf("the line that is written makes\n%s\nwant\n%s", b, a)
			}
		})
	}
}

// A line makes the network that constructors make.
func TestParseIsConstructors(t *testing.T) {
	rng := newRand(1)
	want := NewSequential[float32](NewAffine[float32](6, 4, rng), NewReLU[float32](), NewAffine[float32](4, 3, rng), NewDropout[float32](0.5, rng))
	got := parsed(t, "affine 4, relu, affine 3, dropout 0.5", 6)
	for i, p := range want.Params() {
		sameBits(t, p.Name, got.Params()[i].Value, p.Value)
	}
	if a, b := got.Layers()[3].Layer.(*Dropout[float32]), want.Layers()[3].Layer.(*Dropout[float32]); *a != *b {
		t.Errorf("the Dropout is %+v, want %+v", *a, *b)
	}
}

// Weights are drawn as suits the next activation, or at the end the one before, unless the
// line says how.
func TestInitialWeightsByWhatFollows(t *testing.T) {
	for _, c := range []struct {
		line  string
		inits []Init
	}{
		{"affine 9", []Init{He}},
		{"affine 9, affine 8, relu, affine 7", []Init{He, He, He}},
		{"affine 9, dropout 0.5, tanh, affine 8, relu, affine 7", []Init{Xavier, He, He}},
		{"affine 9, relu, affine 8, sigmoid, affine 7", []Init{He, Xavier, Xavier}},
		{"sequential(affine 9), sigmoid, affine 8", []Init{Xavier, Xavier}},
		{"affine 9, relu, affine 8, softmax", []Init{He, Xavier}},
		{"affine 9 init=0.01, relu, affine 8 init=xavier, relu, affine 7 init=he, tanh", []Init{Std(0.01), Xavier, He}},
	} {
		t.Run(c.line, func(t *testing.T) {
			net := parsed(t, c.line, 5)
			rng := newRand(1)
			i := 0
			for _, l := range Walk[float32](net) {
				got, ok := l.(*Affine[float32])
				if !ok {
					continue
				}
				want := NewAffine[float32](got.In(), got.Out(), newRand(2))
				want.Init(c.inits[i], rng)
				sameBits(t, "weights", got.W.Value, want.W.Value)
				i++
			}
		})
	}
}

func TestParseErrors(t *testing.T) {
	deep := strings.Repeat("sequential(", 40)
	for _, c := range []struct {
		name, line   string
		row, column  int
		says, source string
	}{
		{"nothing", "", 1, 1, "want a layer, such as affine 10, got none", ""},
		{"comment", " # affine 10", 1, 1, "want a layer, such as affine 10, got none", " # affine 10"},
		{"unknown", "affine 10, rellu", 1, 12, `there is no layer "rellu"; did you mean relu?`, "affine 10, rellu"},
		{"unknown, line 2", "affine 10\n\tfoo 1\nrelu", 2, 2, `there is no layer "foo"`, "\tfoo 1"},
		{"letters", "naïve: affine 10, é", 1, 19, `there is no layer "é"`, ""},
		{"missing", "affine", 1, 1, "affine wants its out", ""},
		{"too many", "affine 10 relu", 1, 11, `affine has no setting after its out, got "relu"; layers are separated by commas`, ""},
		{"none", "relu 3", 1, 6, `relu has no settings, got "3"`, ""},
		{"name", "affine oout=10", 1, 1, "affine wants its out", ""},
		{"name of one more", "affine 10 ou=3", 1, 14, `affine has no setting "ou"; did you mean out?`, ""},
		{"twice", "dropout rate=0 rate=1", 1, 16, `the setting "rate" occurs twice`, ""},
		{"positional and named", "affine 3 out=4", 1, 8, `affine has no setting after its out, got "3"`, ""},
		{"not a number", "affine ten", 1, 8, `out: want a whole number, got "ten"`, ""},
		{"lengths", "affine 3x4", 1, 10, `affine has no setting after its out, got "4"`, ""},
		{"range", "affine 0", 1, 8, "affine: out: want an integer of 1 or more, got 0", ""},
		{"range of a number", "dropout 1", 1, 9, "dropout: rate: want a number from 0 to 0.9999999999999999, got 1", ""},
		{"NaN", "dropout nan", 1, 9, "dropout: rate: want a number from 0 to", ""},
		{"switch", "test.knob 1 0 on 3(relu)", 1, 15, `on: want true or false, got "on"`, ""},
		{"sizes", "test.knob 1 0 true 3x(relu)", 1, 20, `sizes: want lengths such as 5 or 5x5, got "3x"`, ""},
		{"name before a blank", "reshape 5x1x1, conv 3x1x1 padding 1", 1, 27, `stride: want lengths such as 5 or 5x5, got "padding"; write padding=1 if that is meant`, ""},
		{"too many lengths", "reshape 5x1, conv 3x1x1", 1, 21, "kernel: want 1 lengths, or one for all, got \"1x1\"", ""},
		{"groups", "reshape 5x1, conv 4x1 groups=2", 1, 30, "conv: groups: want a divisor of in and out, got 2 of 5 and 4", ""},
		{"key", "dropout 0.5 key=3", 1, 17, `dropout has no setting "key"`, ""},
		{"shape", "affine 10, sequential(relu, softmax), affine 3", 1, 1, "", ""},
		{"no layer inside", "test.knob 1 0 true 3", 1, 1, "test.knob wants its inner in brackets", ""},
		{"one list too many", "sequential(relu; relu)", 1, 17, "sequential has no more layers inside", ""},
		{"inside none", "relu(relu)", 1, 6, "relu has no more layers inside", ""},
		{"not closed", "sequential(relu, sequential(relu)", 1, 11, "this bracket is not closed", ""},
		{"not open", "relu)", 1, 5, "want a layer, got ')'", ""},
		{"semicolon", "relu; relu", 1, 5, "want a layer, got ';'", ""},
		{"comma", "relu,, relu", 1, 6, "want the kind of a layer, such as relu, got ','", ""},
		{"comma first", ", relu", 1, 1, "want the kind of a layer, such as relu, got ','", ""},
		{"no comma", "sequential(relu) relu", 1, 18, "want a comma after the layer, got 'r'", ""},
		{"no value", "affine out=, relu", 1, 12, `want a value after "out="`, ""},
		{"no kind", "a:, relu", 1, 3, "want the kind of a layer after its name and the colon", ""},
		{"equals", "= 3", 1, 1, "want the kind of a layer, such as relu, got '='", ""},
		{"name twice", "a: relu, a: relu", 1, 10, `want another name, for a layer before this one is "a"`, ""},
		{"name with a dot", "a.b: relu", 1, 1, "want a name without a dot", ""},
		{"init", "affine 3 init=big", 1, 15, "init: want he, xavier or a standard deviation", ""},
		{"init of none", "relu init=he", 1, 11, `relu has no setting "init"`, ""},
		{"deep", deep + strings.Repeat(")", 40), 1, 352, "want brackets at most 31 deep", ""},
		{"binary", "relu\x00", 1, 1, `there is no layer "relu\x00"; did you mean relu?`, ""},
		{"not UTF-8", "\xff\xfe", 1, 1, `there is no layer "\xff\xfe"`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			net, err := Parse[float32](c.line, []int{5}, newRand(1))
			if c.says == "" {
				if err != nil {
					t.Errorf("error %v", err)
				}
				return
			}
			e, ok := errors.AsType[*ParseError](err)
			if !ok || net != nil {
				t.Fatalf("error %v, want a *ParseError", err)
			}
			if e.Line != c.row || e.Column != c.column || !strings.Contains(e.Err.Error(), c.says) || c.source != "" && e.Source != c.source {
				t.Errorf("got  line %d, column %d, %v\nwant line %d, column %d, %s", e.Line, e.Column, e.Err, c.row, c.column, c.says)
			}
		})
	}
}

// The place is below the line, whose ends are left out if it is long.
func TestParseErrorShowsThePlace(t *testing.T) {
	for _, c := range []struct{ name, line, says, place string }{
		{"one line", "affine 10, rellu, affine 3", "column 12: there is no layer \"rellu\"; did you mean relu?",
			"affine 10, rellu, affine 3\n           ^"},
		{"the second line", "relu\n\té\x00: rellu\r\nrelu", "line 2, column 6: there is no layer", " é\uFFFD: rellu\n     ^"},
		{"the end", "affine(", "column 7: this bracket is not closed", "affine(\n      ^"},
		{"a long line", strings.Repeat("relu, ", 100) + "rellu" + strings.Repeat(", relu", 100), "column 601: there is no layer",
			"…" + strings.Repeat("relu, ", 10) + "rellu" + strings.Repeat(", relu", 9) + ",…\n" + strings.Repeat(" ", 61) + "^"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse[float32](c.line, []int{5}, newRand(1))
			e, ok := errors.AsType[*ParseError](err)
			if !ok || !strings.HasPrefix(err.Error(), c.says) || e.Place() != c.place {
				t.Errorf("got\n%v\n%s\nwant\n%s\n%s", err, e.Place(), c.says, c.place)
			}
		})
	}
}

func TestParseOfTheWrongShape(t *testing.T) {
	for _, c := range []struct {
		line   string
		sample []int
		says   string
	}{
		{"relu, affine 10", []int{1, 28, 28}, "column 7: affine wants (N, 784) or (784), and (N, 1, 28, 28) arrives; put flatten before it"},
		{"relu, softmax", []int{2, 3}, "column 7: softmax wants (N, K) or (K), and (N, 2, 3) arrives"},
		{"conv 3x5x5", []int{784}, "column 1: conv wants (N, 784, 5 or more, 5 or more), and (N, 784) arrives"},
		{"relu, maxpool 5", []int{2, 4, 9}, "column 7: maxpool wants (N, C, 5 or more, 5 or more), and (N, 2, 4, 9) arrives"},
		{"relu, residual(affine 3)", []int{5}, "column 7: Residual(Affine(5->3), Identity).Forward: the result of the body: want (N, 5), the shape of the result of the shortcut, got (N, 3)"},
		{"relu, residual(relu, reshape 2)", []int{5}, "column 22: reshape wants (N, ...) with 2 elements a sample, and (N, 5) arrives"},
		{"sequential(relu, sequential(softmax))", []int{2, 3}, "column 29: softmax wants"},
	} {
		_, err := Parse[float32](c.line, c.sample, newRand(1))
		if err == nil || !strings.HasPrefix(err.Error(), c.says) {
			t.Errorf("%s: error %v, want %q", c.line, err, c.says)
		}
	}
}

// A line that asks for too much is refused before memory is taken.
func TestParseTakesNoMemory(t *testing.T) {
	for _, c := range []struct{ line, says string }{
		{"affine 100000000", "column 1: affine: W: want at most 268435456 parameters in all, got one of shape (5, 100000000)"},
		{fmt.Sprint("affine ", math.MaxInt/2), "affine: W: want a number of elements that fits an integer"},
		{"reshape 5x1x1, conv 1x1000x1000 padding=1024, conv 1x1000x1000 padding=1024, conv 999999x1x1", "makes samples of the shape"},
		{"affine 99999999999999999999", "want a whole number"},
		{"affine 6000, affine 6000, affine 60000", "column 27: affine: W: want at most"},
		{strings.Repeat("relu,", 1<<20), "want a line of layers of at most 1048576 bytes, got 5242880"},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := Parse[float32](c.line, []int{5}, newRand(1))
		runtime.ReadMemStats(&after)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%.60s: error %v, want %q", c.line, err, c.says)
		}
		if got := after.TotalAlloc - before.TotalAlloc; got > 400<<20 {
			t.Errorf("%.60s: %d MB were allocated", c.line, got>>20)
		}
	}
}

func TestFormatRefuses(t *testing.T) {
	rng := newRand(1)
	affine := NewAffine[float32](3, 3, rng)
	for _, c := range []struct {
		name, says string
		net        *Sequential[float32]
		sample     int
	}{
		{"shared parameters", "cannot say that layers share parameters", NewSequential[float32](affine, AffineOf(affine.W, affine.B)), 3},
		{"a name", `cannot have the name "a b"`, NewNamed(Named[float32]{"a b", NewReLU[float32]()}), 3},
		{"a kind", "want one of the kinds", NewSequential[float32](&opaque[float32]{Layer: NewReLU[float32]()}), 3},
		{"samples", "layer Affine1: Affine(3->3).Forward: want (N, 3) or (3)", NewSequential[float32](affine), 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			if line, err := Format(c.net, c.sample); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("Format = %q, %v, want the error %q", line, err, c.says)
			}
		})
	}
}

// Whatever is parsed is written back as a line of the same layers, and nothing panics.
func FuzzParse(f *testing.F) {
	for _, line := range []string{
		"affine 50, relu, affine 10", "conv 3x3x3 padding=1, batchnorm, relu, maxpool 2, flatten, affine 10",
		"residual(conv 3x3x3 padding=1; conv 3x1x1)", "concat(relu; flatten)", "a: dropout 0.5 # x\n(", "affine 10 init=0.01",
		"sequential(sequential(), tanh)", "test.knob 3 0.5 true 2x3(relu, tanh)", "reshape 4x16, affine -1x1, \xff",
	} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		for _, sample := range [][]int{{64}, {1, 8, 8}} {
			net, err := parse[float32](line, sample, newRand(1), 1<<16)
			if err != nil {
				continue
			}
			written, err := Format(net, sample...)
			if err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			again, err := parse[float32](written, sample, newRand(1), 1<<16)
			if err != nil {
				t.Fatalf("%q is written as %q: %v", line, written, err)
			}
			if twice, err := Format(again, sample...); err != nil || twice != written || net.String() != again.String() {
				t.Fatalf("%q is written as %q and then as %q, %v", line, written, twice, err)
			}
		}
	})
}
