package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// lanewise is the documented order of a reduction: lane l takes the elements
// l, l+16, l+32 ..., then the upper half of the lanes is added to the lower
// one until one is left.
func lanewise[T Float](n int, add func(sum T, i int) T) T {
	lane := make([]T, 16)
	for l := range lane {
		for i := l; i < n; i += 16 {
			lane[l] = add(lane[l], i)
		}
	}
	for len(lane) > 1 {
		half := len(lane) / 2
		joined := make([]T, half)
		for l := range joined {
			joined[l] = lane[l] + lane[half+l]
		}
		lane = joined
	}
	return lane[0]
}

func TestSumOrder(t *testing.T) {
	t.Run("float32", testSumOrder[float32])
	t.Run("float64", testSumOrder[float64])
}

func testSumOrder[T Float](t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 1))
	for n := range 68 {
		for _, fill := range []func(*rand.Rand, int) []T{random[T], nasty[T]} {
			x, y := fill(rng, n), fill(rng, n)
			sum := lanewise(n, func(s T, i int) T { return s + x[i] })
			sameBits(t, fmt.Sprintf("Sum of %d", n), []T{Sum(x)}, []T{sum})
			dot := lanewise(n, func(s T, i int) T { return exactFMA(x[i], y[i], s) })
			sameBits(t, fmt.Sprintf("Dot of %d", n), []T{Dot(x, y)}, []T{dot + 0}) // a zero is +0
		}
	}
}

// The squares of float32 are added up in float64, lane by lane.
func TestSumSquares(t *testing.T) {
	rng := rand.New(rand.NewPCG(23, 1))
	for n := range 68 {
		for _, fill := range []func(*rand.Rand, int) []float32{random[float32], nasty[float32]} {
			x := fill(rng, n)
			want := lanewise(n, func(s float64, i int) float64 { return exactFMA(float64(x[i]), float64(x[i]), s) })
			sameBits(t, fmt.Sprintf("SumSquares of %d", n), []float64{SumSquares(x)}, []float64{want})
		}
	}
	const most = math.MaxFloat32
	if got := SumSquares([]float32{most, 0x1p-149, most}); got != 2*most*most {
		t.Errorf("SumSquares of the largest float32 = %v, want %v", got, 2*most*most)
	}
	if got := SumSquares([]float32{0x1p-149}); got != 0x1p-298 {
		t.Errorf("SumSquares of the smallest float32 = %v, want %v", got, 0x1p-298)
	}
	if got := SumSquares([]float64{3, 4}); got != 25 {
		t.Errorf("SumSquares of 3 and 4 = %v, want 25", got)
	}
	if got := SumSquares([]float32{1, float32(math.NaN())}); got == got {
		t.Errorf("SumSquares swallows NaN: %v", got)
	}
}

// Worked by hand: which elements meet first decides what is lost.
func TestSumWorked(t *testing.T) {
	for _, c := range []struct {
		name string
		x    []float32
		want float32
	}{
		{"nothing", nil, 0},
		{"one", []float32{3}, 3},
		{"1 + ... + 10", []float32{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, 55},
		// Lanes 0 and 8 cancel before the small one in lane 1 comes in: from left
		// to right it would be lost.
		{"lanes", []float32{1e9, 1, 0, 0, 0, 0, 0, 0, -1e9}, 1},
		// Elements 0 and 16 share lane 0, where the 1 is lost.
		{"one lane", []float32{0: 1e9, 16: 1, 32: -1e9}, 0},
	} {
		if got := Sum(c.x); got != c.want {
			t.Errorf("%s: Sum = %v, want %v", c.name, got, c.want)
		}
	}
}

func TestReductionSpecials(t *testing.T) {
	inf, nan, neg := math.Inf(1), math.NaN(), math.Copysign(0, -1)
	for _, c := range []struct {
		name     string
		x        []float64
		sum, max float64
		argMax   int
	}{
		{"empty", nil, 0, -inf, -1},
		{"one", []float64{-7}, -7, -7, 0},
		{"ties: the first", []float64{1, 5, 2, 5, 5}, 18, 5, 1},
		{"all equal", []float64{2, 2, 2}, 6, 2, 0},
		{"negative", []float64{-3, -1, -2}, -6, -1, 1},
		{"+Inf", []float64{1, inf, inf}, inf, inf, 1},
		{"-Inf alone", []float64{-inf, -inf}, -inf, -inf, 0},
		{"both Inf", []float64{-inf, inf}, nan, inf, 1},
		{"NaN first", []float64{nan, 1}, nan, nan, 0},
		{"NaN last", []float64{1, inf, nan}, nan, nan, 2},
		{"two NaN", []float64{1, nan, nan, 3}, nan, nan, 1},
		{"NaN after -Inf", []float64{-inf, nan, -inf}, nan, nan, 1},
		{"-0", []float64{neg, neg}, 0, 0, 0},
		{"-0 and 0 are equal", []float64{neg, 0}, 0, 0, 0},
		{"0 and -0 are equal", []float64{-1, 0, neg}, -1, 0, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Sum(c.x); bits(got) != bits(c.sum) {
				t.Errorf("Sum = %v, want %v", got, c.sum)
			}
			if got := Max(c.x); bits(got) != bits(c.max) {
				t.Errorf("Max = %v, want %v", got, c.max)
			}
			if got := ArgMax(c.x); got != c.argMax {
				t.Errorf("ArgMax = %d, want %d", got, c.argMax)
			}
			x32 := make([]float32, len(c.x))
			for i, v := range c.x {
				x32[i] = float32(v)
			}
			if got := Max(x32); bits(got) != bits(float32(c.max)) {
				t.Errorf("float32: Max = %v, want %v", got, c.max)
			}
			if got := ArgMax(x32); got != c.argMax {
				t.Errorf("float32: ArgMax = %d, want %d", got, c.argMax)
			}
		})
	}
}

// Max and ArgMax find the largest wherever it stands.
func TestMaxAtEveryPlace(t *testing.T) {
	for n := 1; n < 68; n++ {
		for i := range n {
			x := make([]float32, n)
			for j := range x {
				x[j] = -float32(1 + j%5)
			}
			x[i] = -0.5
			if m, at := Max(x), ArgMax(x); m != -0.5 || at != i {
				t.Fatalf("%d elements: Max %v at %d, want -0.5 at %d", n, m, at, i)
			}
			x[i] = float32(math.NaN())
			if m, at := Max(x), ArgMax(x); m == m || at != i {
				t.Fatalf("%d elements: Max %v at %d, want NaN at %d", n, m, at, i)
			}
		}
	}
}

// A NaN or an Inf reaches the result from every place, whatever the lane.
func TestReductionsLetNaNThrough(t *testing.T) {
	for n := 1; n < 68; n++ {
		for i := range n {
			x, zeros := make([]float64, n), make([]float64, n)
			x[i] = math.NaN()
			if s := Sum(x); s == s {
				t.Fatalf("Sum of %d swallows NaN at %d", n, i)
			}
			x[i] = math.Inf(-1)
			if s := Sum(x); s != x[i] {
				t.Fatalf("Sum of %d with -Inf at %d is %v", n, i, s)
			}
			if s := Dot(x, zeros); s == s {
				t.Fatalf("Dot of %d: Inf·0 at %d is %v, want NaN", n, i, s)
			}
		}
	}
}

func TestDotWorked(t *testing.T) {
	if got := Dot([]float32{1, 2, 3}, []float32{4, 5, 6}); got != 32 {
		t.Errorf("Dot = %v, want 1·4 + 2·5 + 3·6 = 32", got)
	}
	// Elements 0 and 16 share a lane: the second product is added unrounded.
	x := []float32{0: -1, 16: 1 + 0x1p-12}
	y := []float32{0: 1 + 0x1p-11, 16: 1 + 0x1p-12}
	if got := Dot(x, y); got != 0x1p-24 {
		t.Errorf("Dot = %x, want 0x1p-24: a fused multiply-add", got)
	}
}

func TestAddColumnSums(t *testing.T) {
	t.Run("float32", testAddColumnSums[float32])
	t.Run("float64", testAddColumnSums[float64])
}

func testAddColumnSums[T Float](t *testing.T) {
	rng := rand.New(rand.NewPCG(22, 1))
	for cols := range 68 {
		for _, rows := range []int{0, 1, 2, 3, 17} {
			x, start := nasty[T](rng, rows*cols), random[T](rng, cols)
			want := make([]T, cols)
			for j := range cols {
				s := start[j]
				for i := range rows {
					s += x[i*cols+j]
				}
				want[j] = s
			}
			what := fmt.Sprintf("AddColumnSums of (%d, %d)", rows, cols)
			got, guards := guarded(t, what, start)
			AddColumnSums(got, x)
			sameBits(t, what, got, want)
			guards()
		}
	}
}

func TestAddColumnSumsSpecials(t *testing.T) {
	inf, nan, neg := math.Inf(1), math.NaN(), math.Copysign(0, -1)
	sum := []float64{0, neg, 1, 2, 0}
	AddColumnSums(sum, []float64{
		1, neg, inf, nan, 0x1p-1074,
		2, neg, 5, 1, 0x1p-1074,
	})
	// Plain IEEE sums: subnormal ones stay.
	sameBits(t, "AddColumnSums", sum, []float64{3, neg, inf, nan, 0x1p-1073})
}
