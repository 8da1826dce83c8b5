package nn

import (
	"encoding/json"
	"errors"
	"os"
	"slices"
	"testing"

	"github.com/chainrule-go/chainrule/tensor"
)

func book(t *testing.T) *Sequential[float32] {
	t.Helper()
	rng := newRand(40)
	return NewSequential[float32](NewAffine[float32](784, 50, rng), NewReLU[float32](), NewAffine[float32](50, 10, rng))
}

func TestCheck(t *testing.T) {
	net := book(t)
	out, err := Check[float32](net, 100, 784)
	if err != nil || !slices.Equal(out, []int{100, 10}) {
		t.Errorf("Check(100, 784) = %v, %v, want [100 10]", out, err)
	}
	out, err = Check[float32](net, 784)
	if err != nil || !slices.Equal(out, []int{10}) {
		t.Errorf("Check(784) = %v, %v, want [10]", out, err)
	}
	for _, c := range []struct {
		shape []int
		want  string
	}{
		{[]int{100, 783}, "layer Affine1: Affine(784->50).Forward: want (N, 784) or (784), got (100, 783)"},
		{[]int{2, -784}, "layer Affine1: tensor.New: want lengths of 0 or more whose product fits an int, got (2, -784)"},
	} {
		out, err := Check[float32](net, c.shape...)
		var e *tensor.ShapeError
		if !errors.As(err, &e) || err.Error() != c.want || out != nil {
			t.Errorf("Check(%v) = %v, %v, want the error %q", c.shape, out, err, c.want)
		}
	}
}

// Check makes an error of a shape only; any other panic is somebody's bug.
func TestCheckLetsOtherPanicsThrough(t *testing.T) {
	for _, v := range []any{"boom", errors.New("boom"), &LabelError{Op: "boom"}} {
		func() {
			defer func() {
				if got := recover(); got != v {
					t.Errorf("panic value %v, want %v itself", got, v)
				}
			}()
			out, err := Check[float64](failing{with: v}, 1)
			t.Errorf("Check = %v, %v, want a panic", out, err)
		}()
	}
}

func TestSummary(t *testing.T) {
	rng := newRand(41)
	shared := NewAffine[float32](50, 50, rng)
	nested := NewSequential[float32](NewAffine[float32](784, 50, rng), NewReLU[float32](),
		shared, AffineOf(shared.W, shared.B), NewSequential[float32](NewSigmoid[float32](), NewAffine[float32](50, 10, rng)))
	for _, c := range []struct {
		file string
		net  *Sequential[float32]
	}{
		{"testdata/summary_book.txt", book(t)},
		{"testdata/summary_nested.txt", nested},
	} {
		want, err := os.ReadFile(c.file)
		if err != nil {
			t.Fatal(err)
		}
		s, err := c.net.Summary(784)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.String(); got != string(want) {
			t.Errorf("%s:\n got\n%s\nwant\n%s", c.file, got, want)
		}
	}
	s, err := nested.Summary(784)
	if err != nil {
		t.Fatal(err)
	}
	// 784·50+50, 50·50+50 once, 50·10+10.
	if s.Params != 39250+2550+510 || s.Bytes != 4*s.Params {
		t.Errorf("%d parameters of %d bytes, want 42310 of 169240", s.Params, s.Bytes)
	}
}

func TestSummaryJSON(t *testing.T) {
	s, err := NewSequential[float64](NewAffine[float64](2, 3, newRand(42)), NewReLU[float64]()).Summary(2)
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"input":[2],"layers":[` +
		`{"name":"Affine1","layer":"Affine(2-\u003e3)","output":[3],"parameters":9,"bytes":72,"multiply_adds":6},` +
		`{"name":"ReLU1","layer":"ReLU","output":[3],"parameters":0,"bytes":0,"multiply_adds":0}],` +
		`"parameters":9,"bytes":72,"multiply_adds":6}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestSummaryOfTheWrongShape(t *testing.T) {
	_, err := NewSequential[float32](NewReLU[float32](), NewAffine[float32](784, 10, newRand(43))).Summary(28, 28)
	var e *tensor.ShapeError
	const want = "layer Affine1: Affine(784->10).Forward: want (N, 784) or (784), got (0, 28, 28)"
	if !errors.As(err, &e) || err.Error() != want {
		t.Errorf("error %v, want %q", err, want)
	}
}
