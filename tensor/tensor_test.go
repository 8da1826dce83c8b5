package tensor

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

// shapePanic runs f and returns the *ShapeError it panics with.
func shapePanic(t *testing.T, f func()) (e *ShapeError) {
	t.Helper()
	defer func() {
		t.Helper()
		v := recover()
		var ok bool
		if e, ok = v.(*ShapeError); !ok {
			t.Errorf("panic value %v (%T), want a *ShapeError", v, v)
			e = &ShapeError{}
		}
	}()
	f()
	return nil
}

func TestSize(t *testing.T) {
	for _, c := range []struct {
		shape []int
		n     int
		ok    bool
	}{
		{nil, 1, true}, // a scalar
		{[]int{0}, 0, true},
		{[]int{7}, 7, true},
		{[]int{2, 3, 4}, 24, true},
		{[]int{-1}, 0, false},
		{[]int{0, -1}, 0, false},
		{[]int{-1, -1}, 0, false},
		{[]int{math.MaxInt}, math.MaxInt, true},
		{[]int{math.MaxInt, 1}, math.MaxInt, true},
		{[]int{math.MaxInt, 2}, 0, false},
		{[]int{2, math.MaxInt/2 + 1}, 0, false},
		{[]int{math.MaxInt / 2, 2}, math.MaxInt - 1, true},
		// The product wraps round to 0, or to something small.
		{[]int{1 << (bitsOfInt / 2), 1 << (bitsOfInt / 2)}, 0, false},
		{[]int{1 << (bitsOfInt - 3), 8, 3}, 0, false},
		// Nothing overflows where an axis is 0.
		{[]int{math.MaxInt, math.MaxInt, 0}, 0, true},
	} {
		if n, ok := Size(c.shape...); n != c.n || ok != c.ok {
			t.Errorf("Size(%v) = %d, %t, want %d, %t", c.shape, n, ok, c.n, c.ok)
		}
	}
}

const bitsOfInt = 32 << (^uint(0) >> 63)

func TestNewIsZeroAndOwnsItsShape(t *testing.T) {
	shape := []int{2, 3}
	x := New[float32](shape...)
	shape[0] = 99
	if !slices.Equal(x.Shape, []int{2, 3}) || !slices.Equal(x.Data, make([]float32, 6)) {
		t.Errorf("New(2, 3) = %v of %v", x.Data, x.Shape)
	}
	if x := New[float64](); len(x.Shape) != 0 || len(x.Data) != 1 {
		t.Errorf("New() has shape %v and %d elements, want a scalar", x.Shape, len(x.Data))
	}
	if x := New[float64](0, 784); len(x.Data) != 0 || !slices.Equal(x.Shape, []int{0, 784}) {
		t.Errorf("New(0, 784) has shape %v and %d elements", x.Shape, len(x.Data))
	}
}

func TestOfSharesDataAndOwnsItsShape(t *testing.T) {
	data, shape := []float64{1, 2, 3, 4, 5, 6}, []int{3, 2}
	x := Of(data, shape...)
	shape[0] = 99
	data[5] = 66
	if !slices.Equal(x.Shape, []int{3, 2}) || x.Data[5] != 66 {
		t.Errorf("Of = %v of %v, want data shared and shape copied", x.Data, x.Shape)
	}
}

func TestCloneSharesNothing(t *testing.T) {
	x := Of([]float64{1, 2, 3, 4}, 2, 2)
	y := x.Clone()
	if !slices.Equal(y.Shape, x.Shape) || !slices.Equal(y.Data, x.Data) {
		t.Fatalf("Clone = %v, want %v", y, x)
	}
	y.Shape[0], y.Data[0] = 9, 9
	if x.Shape[0] != 2 || x.Data[0] != 1 {
		t.Errorf("a change of the clone reached the original: %v", x.Data)
	}
}

func TestShapePanics(t *testing.T) {
	x := New[float32](3, 2)
	for _, c := range []struct {
		name string
		f    func()
		want string
	}{
		{"New, negative", func() { New[float32](2, -3) },
			"tensor.New: want lengths of 0 or more whose product fits an int, got (2, -3)"},
		{"New, overflow", func() { New[float32](math.MaxInt, 2) },
			fmt.Sprintf("tensor.New: want lengths of 0 or more whose product fits an int, got (%d, 2)", math.MaxInt)},
		{"Of, too many", func() { Of([]float64{1, 2, 3}, 2) },
			"tensor.Of: want a shape of 3 elements, got (2)"},
		{"Of, too few", func() { Of([]float64{1, 2, 3}, 2, 2) },
			"tensor.Of: want a shape of 3 elements, got (2, 2)"},
		{"Of, negative", func() { Of([]float64{1, 2}, -1, -2) },
			"tensor.Of: want lengths of 0 or more whose product fits an int, got (-1, -2)"},
		{"Rows, past the end", func() { x.Rows(1, 4) },
			"Tensor.Rows(1, 4): want at least 4 rows, got (3, 2)"},
		{"Rows, negative", func() { x.Rows(-1, 2) }, "Tensor.Rows(-1, 2): want "},
		{"Rows, backwards", func() { x.Rows(2, 1) }, "Tensor.Rows(2, 1): want "},
		{"Rows of a scalar", func() { New[float32]().Rows(0, 0) }, "Tensor.Rows(0, 0): want at least 0 rows, got ()"},
	} {
		if e := shapePanic(t, c.f); !strings.HasPrefix(e.Error(), c.want) {
			t.Errorf("%s: %q, want %q", c.name, e, c.want)
		}
	}
}

func TestShapeErrorIsAnErrorWithItsOwnShape(t *testing.T) {
	shape := []int{2, 2}
	e := shapePanic(t, func() { Of([]float64{1}, shape...) })
	shape[0] = 99
	if e.Op != "tensor.Of" || !slices.Equal(e.Got, []int{2, 2}) {
		t.Errorf("%+v, want Op tensor.Of and Got [2 2]", e)
	}
	shape = []int{3, -1}
	e2 := shapePanic(t, func() { New[float64](shape...) })
	shape[0] = 99
	if !slices.Equal(e2.Got, []int{3, -1}) {
		t.Errorf("Got is %v, want a copy of (3, -1)", e2.Got)
	}
	var se *ShapeError
	if err := fmt.Errorf("reading: %w", e); !errors.As(err, &se) || se != e {
		t.Error("errors.As does not find the ShapeError")
	}
	want := "Affine(784->50).Forward: want (N, 784), got (100, 28, 28)"
	e = &ShapeError{Op: "Affine(784->50).Forward", Want: "(N, 784)", Got: []int{100, 28, 28}}
	if e.Error() != want {
		t.Errorf("%q, want %q", e, want)
	}
}

func TestRowsShareMemory(t *testing.T) {
	x := Of([]float64{0, 1, 10, 11, 20, 21, 30, 31}, 4, 2)
	for _, c := range []struct {
		lo, hi int
		want   []float64
	}{
		{0, 4, []float64{0, 1, 10, 11, 20, 21, 30, 31}},
		{1, 3, []float64{10, 11, 20, 21}},
		{3, 4, []float64{30, 31}},
		{0, 0, []float64{}},
		{4, 4, []float64{}},
	} {
		y := x.Rows(c.lo, c.hi)
		if !slices.Equal(y.Shape, []int{c.hi - c.lo, 2}) || !slices.Equal(y.Data, c.want) {
			t.Errorf("Rows(%d, %d) = %v of %v, want %v", c.lo, c.hi, y.Data, y.Shape, c.want)
		}
	}
	y := x.Rows(1, 3)
	y.Data[0] = -10
	if x.Data[2] != -10 {
		t.Error("Rows copies, want it to share memory")
	}
	if x.Shape[0] != 4 {
		t.Errorf("Rows changed the shape of its tensor to %v", x.Shape)
	}
	// An append to the rows may not run into the ones behind.
	_ = append(y.Data, 99)
	if x.Data[6] != 30 {
		t.Error("an append to Rows wrote into the next row")
	}
	// Along one axis, and more than two.
	if y := Of([]float64{5, 6, 7}, 3).Rows(1, 2); y.String() != "Tensor(1) [6]" {
		t.Errorf("a row of a vector: %v", y)
	}
	if y := New[float64](3, 2, 4).Rows(1, 3); !slices.Equal(y.Shape, []int{2, 2, 4}) || len(y.Data) != 16 {
		t.Errorf("rows of (3, 2, 4): %d elements of %v", len(y.Data), y.Shape)
	}
	if y := New[float64](3, 0).Rows(1, 2); len(y.Data) != 0 || !slices.Equal(y.Shape, []int{1, 0}) {
		t.Errorf("rows of (3, 0): %d elements of %v", len(y.Data), y.Shape)
	}
}

// Index undoes row-major order.
func TestIndex(t *testing.T) {
	x := New[float32](2, 3, 4)
	i := 0
	for a := range 2 {
		for b := range 3 {
			for c := range 4 {
				if got := x.Index(i); !slices.Equal(got, []int{a, b, c}) {
					t.Errorf("Index(%d) = %v, want %v", i, got, []int{a, b, c})
				}
				i++
			}
		}
	}
	if got := New[float32]().Index(0); len(got) != 0 {
		t.Errorf("Index(0) of a scalar = %v, want no axes", got)
	}
}

func TestString(t *testing.T) {
	for _, c := range []struct {
		x    fmt.Stringer
		want string
	}{
		{Of([]float64{7}), "Tensor() 7"},
		{Of([]float64{1, -0.5, math.Inf(1)}, 3), "Tensor(3) [1 -0.5 +Inf]"},
		{Of([]float32{1, 0.1, 3, 4, 5, 6}, 2, 3), "Tensor(2, 3) [[1 0.1 3] [4 5 6]]"},
		{Of([]float32{1, 2, 3, 4}, 2, 1, 2), "Tensor(2, 1, 2) [[[1 2]] [[3 4]]]"},
		{New[float64](0, 784), "Tensor(0, 784) []"},
		{New[float64](3, 0), "Tensor(3, 0) []"},
		{New[float64](65), "Tensor(65)"},
		{New[float64](100, 784), "Tensor(100, 784)"},
	} {
		if got := c.x.String(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
	if got := New[float64](64).String(); got != "Tensor(64) ["+strings.Repeat("0 ", 63)+"0]" {
		t.Errorf("64 elements are printed as %q, want all of them", got)
	}
}

func TestFormatShape(t *testing.T) {
	for _, c := range []struct {
		shape []int
		want  string
	}{
		{nil, "()"}, {[]int{10}, "(10)"}, {[]int{3, 784}, "(3, 784)"}, {[]int{0, -1, 2}, "(0, -1, 2)"},
	} {
		if got := FormatShape(c.shape); got != c.want {
			t.Errorf("FormatShape(%v) = %q, want %q", c.shape, got, c.want)
		}
	}
}
