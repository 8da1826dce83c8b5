package model

import (
	"bytes"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// every is a layer with a field of every kind, as a program of its own would have.
type every[T tensor.Float] struct {
	size, number int
	rate         float64
	on           bool
	shape        []int
	key          uint64
	w            *nn.Param[T]
	mean         *tensor.Tensor[T]
	body         nn.Layer[T]
	branches     []nn.Named[T]
	params       []*nn.Param[T]
}

func init() { nn.Register[every[float32], every[float64]]("test.every") }

func (l *every[T]) Fields(f *nn.Fields[T]) {
	f.Size("size", &l.size)
	f.Int("number", &l.number, -5, 5)
	f.Float("rate", &l.rate, 0, math.Inf(1))
	f.Bool("on", &l.on)
	f.Sizes("shape", &l.shape, 100_000)
	f.Key("key", &l.key)
	f.Param("w", &l.w, l.size)
	f.State("mean", &l.mean, l.size, 2)
	f.Layer("body", &l.body)
	f.Layers("branches", &l.branches)
	f.Params(&l.params)
}

func (l *every[T]) Forward(p *nn.Pass[T], x *tensor.Tensor[T]) *tensor.Tensor[T] {
	return l.body.Forward(p, x)
}
func (l *every[T]) Backward(p *nn.Pass[T], dy *tensor.Tensor[T]) *tensor.Tensor[T] {
	return l.body.Backward(p, dy)
}
func (l *every[T]) Params() []*nn.Param[T] { return l.params }

func newEvery() *every[float32] {
	l := &every[float32]{
		size: 2, number: -3, rate: 0.1, on: true, shape: []int{3, 1}, key: 1<<63 + 1,
		body:     nn.NewAffine[float32](3, 3, random()),
		branches: []nn.Named[float32]{{Name: "a", Layer: nn.NewReLU[float32]()}, {Name: "b", Layer: nn.NewAffine[float32](1, 2, random())}},
	}
	nn.MustBuild[float32](l)
	copy(l.w.Value.Data, []float32{5, 6})
	copy(l.mean.Data, []float32{1, 2, 3, 4})
	return l
}

// A registered kind is saved and loaded with every field, state and layer in it.
func TestRegisteredKind(t *testing.T) {
	net := nn.NewSequential[float32](newEvery())
	file := mustWrite(t, net, 3)
	for _, want := range []string{
		`\"kind\":\"test.every\"`, `\"number\":-3`, `\"rate\":0.1`, `\"on\":true`, `\"shape\":[3,1]`, `\"key\":\"8000000000000001\"`,
		`\"body\":{\"kind\":\"Affine\",\"in\":3,\"out\":3}`, `"every1.mean":`, `"every1.body.W":`, `"every1.b.W":`,
	} {
		if !bytes.Contains(file, []byte(want)) {
			t.Errorf("the file does not hold %s", want)
		}
	}
	m := mustRead[float32](t, file)
	got, want := m.Net.Layers()[0].Layer.(*every[float32]), newEvery()
	if got.size != want.size || got.number != want.number || got.rate != want.rate || got.on != want.on || got.key != want.key {
		t.Errorf("loaded %+v, want %+v", got, want)
	}
	if len(got.Params()) != 5 || got.mean.Data[3] != 4 || got.w.Value.Data[1] != 6 || got.w.Grad == nil {
		t.Errorf("loaded %d parameters, mean %v, w %v", len(got.Params()), got.mean, got.w.Value)
	}
	if again := mustWrite(t, m.Net, 3); !bytes.Equal(again, file) {
		t.Error("saved again it has other bytes")
	}

	double, err := Convert[float64](m)
	if err != nil {
		t.Fatal(err)
	}
	if mean := double.Net.Layers()[0].Layer.(*every[float64]).mean; mean.Data[3] != 4 {
		t.Errorf("converted, the mean is %v", mean)
	}
}

// An empty list is saved as one, whether it is nil or not.
func TestEmptyList(t *testing.T) {
	l := newEvery()
	l.shape = nil
	m := mustRead[float32](t, mustWrite(t, nn.NewSequential[float32](l), 3))
	if shape := m.Net.Layers()[0].Layer.(*every[float32]).shape; len(shape) != 0 {
		t.Errorf("loaded the shape %v, want none", shape)
	}
}

// JSON has no infinite number.
func TestWriteRefusesInfiniteSetting(t *testing.T) {
	l := newEvery()
	l.rate = math.Inf(1)
	err := Write(io.Discard, nn.NewSequential[float32](l), 3)
	const want = `layer "every1": rate: want a finite number, got +Inf`
	if err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

// A field that a constructor refuses is refused in a file, by name.
func TestRegisteredKindRefuses(t *testing.T) {
	text := string(mustWrite(t, nn.NewSequential[float32](newEvery()), 3))
	for _, tt := range []struct{ name, old, new, says string }{
		{"size", `\"size\":2`, `\"size\":0`, `layer "every1": size: want an integer of 1 or more, got 0`},
		{"number", `\"number\":-3`, `\"number\":-9`, `layer "every1": number: want an integer from -5 to 5, got -9`},
		{"fraction", `\"number\":-3`, `\"number\":.5`, `it is not JSON`},
		{"rate", `\"rate\":0.1`, `\"rate\":-1.1`, `layer "every1": rate: want a number from 0 to +Inf, got -1.1`},
		{"no rate", `\"rate\":0.1`, `\"rote\":0.1`, `layer "every1": rate: want a number, got nothing`},
		{"switch", `\"on\":true`, `\"on\":null`, `layer "every1": on: want true or false, got null`},
		{"shape", `[3,1]`, `[3,0]`, `layer "every1": shape: want at most 100000 lengths of 1 or more`},
		{"key", `\"8000000000000001\"`, `\"800000000000000g\"`, `layer "every1": key: want a key of 16 hexadecimal digits in a string, got "800000000000000g"`},
		{"inner kind", `\"body\":{\"kind\":\"Affine\"`, `\"body\":{\"kind\":\"affine\"`, `layer "every1.body": kind: want one of`},
		{"inner size", `\"in\":3`, `\"in\":0`, `layer "every1.body": in: want an integer of 1 or more, got 0`},
		{"inner name", `\"name\":\"a\"`, `\"name\":\"b\"`, `layer "every1": branches[1]: name: want one that no layer before has, got "b"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Read[float32](strings.NewReader(replace(text, tt.old, tt.new)), "f")
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %v, want it to say %s", err, tt.says)
			}
		})
	}
}
