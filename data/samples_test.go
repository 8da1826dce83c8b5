package data

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/chainrule-go/chainrule/tensor"
)

// images returns n images of 7x5 random bytes with random labels.
func images[T tensor.Float](n int) Pixels[T] {
	rng := rand.New(rand.NewPCG(3, 4))
	p := Pixels[T]{X: make([]byte, n*35), T: make([]int, n)}
	for i := range p.X {
		p.X[i] = byte(rng.Uint32())
	}
	for i := range p.T {
		p.T[i] = rng.IntN(10)
	}
	return p
}

// TestPixelsAreTheirSet: the same batches, to the bit, whether pixels become
// numbers before or after.
func TestPixelsAreTheirSet(t *testing.T) {
	testPixelsAreTheirSet[float32](t)
	testPixelsAreTheirSet[float64](t)
}

func testPixelsAreTheirSet[T tensor.Float](t *testing.T) {
	p := images[T](23)
	set := p.Set()
	for i, v := range set.X.Data {
		if want := T(p.X[i]) / 255; v != want {
			t.Fatalf("pixel %d is %v, want %v", p.X[i], v, want)
		}
	}
	if !slices.Equal(set.X.Shape, []int{23, 35}) || !slices.Equal(set.T, p.T) || p.Len() != 23 || !slices.Equal(p.SampleShape(), []int{35}) {
		t.Errorf("%d images of %v: shape %v, labels %v", p.Len(), p.SampleShape(), set.X.Shape, set.T)
	}
	a, b := NewBatcher(p, 5, 1), NewBatcher(set, 5, 1)
	for range 2 * 6 { // batches and ends of two epochs
		x, labels, ok := a.Next()
		wantX, wantLabels, wantOK := b.Next()
		if ok != wantOK || ok && (!slices.Equal(x.Shape, wantX.Shape) || !slices.Equal(x.Data, wantX.Data)) || !slices.Equal(labels.Labels, wantLabels.Labels) {
			t.Fatalf("%v of %v, %v; want %v of %v, %v", x, labels, ok, wantX, wantLabels, wantOK)
		}
	}
	if n := testing.AllocsPerRun(100, func() { a.Next() }); n != 0 {
		t.Errorf("%v allocations a batch", n)
	}
}

func TestNoPixels(t *testing.T) {
	var none Pixels[float32]
	if set := none.Set(); set.Len() != 0 || !slices.Equal(set.X.Shape, []int{0, 0}) {
		t.Errorf("no pixels are %v", set)
	}
	if _, _, ok := NewBatcher(none, 3, 1).Next(); ok {
		t.Error("no pixels have a batch")
	}
	for _, p := range []Pixels[float32]{{X: make([]byte, 35)}, {X: make([]byte, 35), T: make([]int, 2)}} {
		func() {
			defer func() {
				err, ok := recover().(error)
				if want := fmt.Sprintf("want %d images of one size, got (35)", len(p.T)); !ok || !errors.As(err, new(*tensor.ShapeError)) || err.Error() != "Pixels.SampleShape: "+want {
					t.Errorf("%v, want %s", err, want)
				}
			}()
			NewBatcher(p, 1, 1)
		}()
	}
}

func BenchmarkGather(b *testing.B) {
	p := Pixels[float32]{X: make([]byte, 60000*784), T: make([]int, 60000)}
	for i := range p.X {
		p.X[i] = byte(i) // pages never written to would all be one
	}
	for name, samples := range map[string]Samples[float32]{"bytes": p, "float32": p.Set()} {
		b.Run(name, func(b *testing.B) {
			batcher := NewBatcher(samples, 100, 1)
			for b.Loop() {
				batcher.Next()
			}
		})
	}
}

func TestPixelsShape(t *testing.T) {
	p := Pixels[float32]{X: make([]byte, 12), T: []int{0, 1}}
	if got := p.SampleShape(); !slices.Equal(got, []int{6}) {
		t.Errorf("a row of pixels has the shape %v, want [6]", got)
	}
	p.Shape = []int{1, 2, 3}
	if got := p.SampleShape(); !slices.Equal(got, []int{1, 2, 3}) {
		t.Errorf("the shape is %v, want [1 2 3]", got)
	}
	p.Shape = []int{7}
	defer func() {
		if e, ok := recover().(*tensor.ShapeError); !ok || e.Want != "a Shape of 6 pixels" {
			t.Errorf("a shape of 7 pixels for images of 6: panic %v", e)
		}
	}()
	p.SampleShape()
}

// A batch of samples with values has the rows of X and of Values at the same places.
func TestSetOfValues(t *testing.T) {
	set := Set[float64]{X: tensor.New[float64](50, 2), Values: tensor.New[float64](50, 3)}
	for i := range 50 {
		set.X.Data[2*i] = float64(i)
		for j := range 3 {
			set.Values.Data[3*i+j] = float64(10*i + j)
		}
	}
	seen := map[float64]bool{}
	for x, targets := range set.Batches(20, rand.New(rand.NewPCG(1, 2))) {
		if targets.Labels != nil || !slices.Equal(targets.Values.Shape, []int{x.Shape[0], 3}) {
			t.Fatalf("a batch of %v has the targets %v, %v", x.Shape, targets.Labels, targets.Values.Shape)
		}
		for i := range x.Shape[0] {
			v := x.Data[2*i]
			seen[v] = true
			if got := targets.Values.Data[3*i : 3*i+3]; !slices.Equal(got, []float64{10 * v, 10*v + 1, 10*v + 2}) {
				t.Errorf("sample %v has the values %v", v, got)
			}
		}
	}
	if len(seen) != 50 {
		t.Errorf("%d of 50 samples were returned", len(seen))
	}
	if rows := set.Rows(10, 12); rows.Len() != 2 || rows.Values.Data[0] != 100 {
		t.Errorf("rows 10 to 12 are %v", rows)
	}
}
