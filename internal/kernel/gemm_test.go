package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A flavour is one of the entries to the matrix product.
type flavour[T Float] struct {
	name string
	run  func(threads int, c, a, b Matrix[T], bias []T)
	// first is what element (i, j), which holds old, starts from, and last what
	// becomes of it in the end.
	first func(old, bias T) T
	last  func(v T) T
}

func flavours[T Float]() []flavour[T] {
	same := func(v T) T { return v }
	return []flavour[T]{
		{"Gemm",
			func(threads int, c, a, b Matrix[T], _ []T) { Gemm(threads, c, a, b) },
			func(_, _ T) T { return 0 }, same},
		{"GemmAdd",
			func(threads int, c, a, b Matrix[T], _ []T) { GemmAdd(threads, c, a, b) },
			func(old, _ T) T { return old }, same},
		{"GemmBias",
			func(threads int, c, a, b Matrix[T], bias []T) { GemmBias(threads, c, a, b, bias) },
			func(_, bias T) T { return bias }, same},
		{"GemmBiasReLU",
			func(threads int, c, a, b Matrix[T], bias []T) { GemmBiasReLU(threads, c, a, b, bias) },
			func(_, bias T) T { return bias },
			func(v T) T {
				if v < 0 {
					return 0
				}
				return v
			}},
	}
}

// at returns element (i, j) of a matrix: the definition of T().
func at[T Float](m Matrix[T], i, j int) T {
	if m.transposed {
		return m.Data[j*m.Rows+i]
	}
	return m.Data[i*m.Cols+j]
}

// naive is the definition of a product: element by element, the terms in the
// order of k, each by one fma, and no -0.
func naive[T Float](f flavour[T], c []T, a, b Matrix[T], bias []T) []T {
	want := make([]T, len(c))
	for i := range a.Rows {
		for j := range b.Cols {
			s := f.first(c[i*b.Cols+j], bias[j])
			for k := range a.Cols {
				s = fma(at(a, i, k), at(b, k, j), s)
			}
			if s == 0 {
				s = 0 // also where it is -0
			}
			want[i*b.Cols+j] = f.last(s)
		}
	}
	return want
}

// operand returns a rows x cols matrix of fill's numbers, stored transposed or
// not.
func operand[T Float](rng *rand.Rand, fill func(*rand.Rand, int) []T, rows, cols int, transposed bool) Matrix[T] {
	if transposed {
		return Mat(fill(rng, rows*cols), cols, rows).T()
	}
	return Mat(fill(rng, rows*cols), rows, cols)
}

func checkGemm[T Float](t *testing.T, f flavour[T], threads int, c []T, a, b Matrix[T], bias []T) {
	t.Helper()
	what := fmt.Sprintf("%s (%d, %d)·(%d, %d), transposed %t and %t, threads %d",
		f.name, a.Rows, a.Cols, b.Rows, b.Cols, a.transposed, b.transposed, threads)
	want := naive(f, c, a, b, bias)
	got, guards := guarded(t, what, c)
	f.run(threads, Mat(got, a.Rows, b.Cols), a, b, bias)
	sameBits(t, what, got, want)
	guards()
}

func TestGemmIsTheTripleLoop(t *testing.T) {
	t.Run("float32", testGemmTripleLoop[float32])
	t.Run("float64", testGemmTripleLoop[float64])
}

func testGemmTripleLoop[T Float](t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	check := func(m, n, k int, fill func(*rand.Rand, int) []T) {
		for _, ta := range []bool{false, true} {
			for _, tb := range []bool{false, true} {
				a, b := operand(rng, fill, m, k, ta), operand(rng, fill, k, n, tb)
				c, bias := fill(rng, m*n), fill(rng, n)
				for _, f := range flavours[T]() {
					checkGemm(t, f, 1, c, a, b, bias)
				}
			}
		}
	}
	for _, m := range []int{0, 1, 2, 3, 7, 8, 9, 17} {
		for n := range 18 {
			for k := range 18 {
				fill := random[T]
				if (m+n+k)%2 == 0 {
					fill = nasty[T]
				}
				check(m, n, k, fill)
			}
		}
	}
	for _, s := range [][3]int{{100, 50, 13}, {5, 67, 129}, {64, 10, 50}, {1, 300, 7}, {1, 333, 35}, {33, 1, 200}, {25, 31, 20}, {23, 48, 9}, {13, 64, 10}, {11, 97, 33}, {60, 18, 40}, {37, 50, 100}, {100, 33, 16}} {
		check(s[0], s[1], s[2], random[T])
		check(s[0], s[1], s[2], nasty[T])
	}
}

// withProcs sets GOMAXPROCS for the length of a test.
func withProcs(t *testing.T, n int) {
	old := runtime.GOMAXPROCS(n)
	t.Cleanup(func() { runtime.GOMAXPROCS(old) })
}

func TestGemmThreadsChangeNoBit(t *testing.T) {
	t.Run("float32", testGemmThreads[float32])
	t.Run("float64", testGemmThreads[float64])
}

func testGemmThreads[T Float](t *testing.T) {
	withProcs(t, 5)
	rng := rand.New(rand.NewPCG(5, 6))
	// All large enough to be shared out; the last two have fewer rows than threads.
	for _, s := range [][3]int{{37, 43, 53}, {64, 32, 32}, {4, 128, 150}, {2, 300, 120}} {
		m, n, k := s[0], s[1], s[2]
		if m*n*k < max(thresholds.loops, thresholds.tiles) {
			t.Fatalf("%v is too small for threads", s)
		}
		for _, ta := range []bool{false, true} {
			for _, tb := range []bool{false, true} {
				a, b := operand(rng, nasty[T], m, k, ta), operand(rng, nasty[T], k, n, tb)
				c, bias := random[T](rng, m*n), random[T](rng, n)
				for _, f := range flavours[T]() {
					for _, threads := range []int{-1, 0, 1, 2, 3, 5, 100} {
						checkGemm(t, f, threads, c, a, b, bias)
					}
				}
			}
		}
	}
	pool.Lock()
	defer pool.Unlock()
	if pool.workers < 4 {
		t.Errorf("the pool has %d workers, want 4: nothing ran on 5 threads", pool.workers)
	}
	if pool.job != nil {
		t.Error("the pool still holds a job")
	}
	for i := range keptOf[T]().blocked {
		if b := keptOf[T]().blocked[i].Load(); b != nil && b.c.Data != nil {
			t.Error("what is kept for jobs still holds the memory of a caller")
		}
	}
}

// Every part of a job is done exactly once, and none of it after run returned,
// however many workers there are and whether they sleep or not.
func TestPartsAreDoneOnce(t *testing.T) {
	withProcs(t, 4)
	for round := range 200 {
		threads, parts := 2+round%4, 1+round%37
		j := &counters{n: make([]atomic.Int64, parts)}
		if !run(threads, parts, true, j) && parts > 1 {
			t.Fatalf("%d parts were not done on %d threads", parts, threads)
		} else if parts == 1 {
			continue
		}
		for p := range j.n {
			if n := j.n[p].Load(); n != 1 {
				t.Fatalf("part %d of %d was done %d times", p, parts, n)
			}
		}
	}
}

type counters struct{ n []atomic.Int64 }

func (c *counters) Do(part int) {
	runtime.Gosched() // so that others get their share
	c.n[part].Add(1)
}

// Parallel does everything, whether anybody helps or not.
func TestParallel(t *testing.T) {
	withProcs(t, 3)
	check := func(when string, threads int) {
		for parts := range 9 {
			j := &counters{n: make([]atomic.Int64, parts)}
			Parallel(threads, parts, j)
			for p := range j.n {
				if n := j.n[p].Load(); n != 1 {
					t.Errorf("%s: part %d of %d was done %d times on %d threads", when, p, parts, n, threads)
				}
			}
		}
	}
	for _, threads := range []int{-1, 1, 2, 3} {
		run(3, 8, true, &counters{n: make([]atomic.Int64, 8)}) // wakes the workers
		check("awake", threads)
	}
	pool.Lock()
	defer pool.Unlock()
	check("taken", 3)
}

// No more than the asked number of threads work on a job, once those of the
// last one have left it.
func TestThreadsAreLimited(t *testing.T) {
	withProcs(t, 4)
	run(4, 8, true, &counters{n: make([]atomic.Int64, 8)}) // starts three workers
	var most int64
	for range 50 {
		j := &crowd{}
		if !run(2, 30, true, j) {
			t.Fatal("the pool is not free")
		}
		most = max(most, j.most.Load())
		for pool.sleeping.Load() < int64(pool.workers) {
			runtime.Gosched()
		}
	}
	if most > 2 {
		t.Errorf("%d goroutines worked on a job for 2 threads", most)
	}
}

// crowd counts the goroutines that do parts of it at the same time.
type crowd struct{ now, most atomic.Int64 }

func (c *crowd) Do(int) {
	n := c.now.Add(1)
	for range 20 {
		runtime.Gosched()
		if m := c.most.Load(); n > m {
			c.most.CompareAndSwap(m, n)
		}
	}
	c.now.Add(-1)
}

// A worker without work sleeps: it does not spin for ever.
func TestIdleWorkersSleep(t *testing.T) {
	withProcs(t, 3)
	run(3, 8, true, &counters{n: make([]atomic.Int64, 8)})
	deadline := time.Now().Add(time.Minute)
	for pool.sleeping.Load() < int64(pool.workers) {
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d workers sleep after a minute without work", pool.sleeping.Load(), pool.workers)
		}
		runtime.Gosched()
	}
	if run(3, 8, false, &counters{n: make([]atomic.Int64, 8)}) {
		t.Error("a job that is not worth waking anybody found a worker, and all sleep")
	}
}

// Large products are computed in blocks, rearranged. The tests make the blocks
// small instead of the products large.
func TestGemmInBlocks(t *testing.T) {
	t.Run("float32", testGemmInBlocks[float32])
	t.Run("float64", testGemmInBlocks[float64])
}

func testGemmInBlocks[T Float](t *testing.T) {
	defer func(old blockSizes) { blocks = old }(blocks)
	rng := rand.New(rand.NewPCG(15, 16))
	withProcs(t, 3)
	for _, size := range []blockSizes{{depth: 7, width: 64, height: 8, shallow: 5}, {depth: 16, width: 72, height: 24, shallow: 9}, {depth: 64, width: 512, height: 5, shallow: 17}} {
		blocks = size
		for _, s := range [][3]int{{16, 1, 1}, {17, 66, 15}, {40, 130, 50}, {61, 200, 7}, {1, 150, 40}, {19, 270, 16}} {
			for _, ta := range []bool{false, true} {
				for _, tb := range []bool{false, true} {
					for _, fill := range []func(*rand.Rand, int) []T{nasty[T], mostlyZero[T]} {
						a, b := operand(rng, fill, s[0], s[2], ta), operand(rng, nasty[T], s[2], s[1], tb)
						c, bias := random[T](rng, s[0]*s[1]), random[T](rng, s[1])
						for _, f := range flavours[T]() {
							checkGemm(t, f, 1, c, a, b, bias)
							checkGemm(t, f, 3, c, a, b, bias)
						}
						// One panel of B is not finite, and zeros of A are not left out there.
						b.Data[rng.IntN(len(b.Data))] = T(math.Inf(1))
						checkGemm(t, flavours[T]()[1], 2, c, a, b, bias)
					}
				}
			}
		}
	}
}

// With at least 8 rows and a finite B, zeros in A are left out. That may not
// show: not in a bit, and not by swallowing a NaN or an Inf of B.
func TestGemmZerosInA(t *testing.T) {
	t.Run("float32", testGemmZeros[float32])
	t.Run("float64", testGemmZeros[float64])
}

func testGemmZeros[T Float](t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	inf, nan := T(math.Inf(1)), T(math.NaN())
	zeros := mostlyZero[T]
	for _, size := range [][3]int{{1, 11, 23}, {7, 11, 23}, {8, 11, 23}, {9, 11, 23}, {20, 11, 23}, {8, 33, 128}, {9, 50, 131}, {13, 140, 200}, {40, 52, 35}, {75, 100, 30}, {8, 17, 9}} {
		for _, special := range [][]T{nil, {inf}, {-inf}, {nan}, {inf, nan, -inf}} {
			for _, ta := range []bool{false, true} {
				for _, tb := range []bool{false, true} {
					m, n, k := size[0], size[1], size[2]
					a, b := operand(rng, zeros, m, k, ta), operand(rng, nasty[T], k, n, tb)
					for _, v := range special {
						b.Data[rng.IntN(len(b.Data))] = v
					}
					c, bias := zeros(rng, m*n), zeros(rng, n)
					for _, f := range flavours[T]() {
						checkGemm(t, f, 1, c, a, b, bias)
						checkGemm(t, f, 2, c, a, b, bias)
					}
				}
			}
		}
	}
	// Rows of A of which nothing is left, and of which nothing is left out.
	a, b := operand(rng, zeros, 16, 160, false), operand(rng, random[T], 160, 40, false)
	clear(a.Data[160:320])
	fill(a.Data[480:640], 1)
	a.Data[700], a.Data[701], a.Data[702] = inf, nan, -inf
	for _, f := range flavours[T]() {
		checkGemm(t, f, 1, zeros(rng, 16*40), a, b, zeros(rng, 40))
	}
}

// What is skipped is skipped because most of A is 0 and B is finite, and these
// are found out right wherever the one element is that is not.
func TestFinite(t *testing.T) {
	tiling := tilingOf[float32]()
	if tiling == nil || tiling.sparse == nil {
		t.Skip("no kernel for it on this processor")
	}
	for n := 1; n < 200; n++ {
		x := slices.Repeat([]float32{math.MaxFloat32}, n+1)
		x[n] = float32(math.NaN()) // behind the end
		if !tiling.sparse.finite(&x[0], n) {
			t.Fatalf("%d finite numbers are said not to be", n)
		}
		for i := range n {
			for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
				x[i] = float32(v)
				if tiling.sparse.finite(&x[0], n) {
					t.Fatalf("%v at %d of %d is said to be finite", v, i, n)
				}
			}
			x[i] = -1
		}
	}
}

// mostlyZero returns numbers of which four of five are zeros, of either sign.
func mostlyZero[T Float](rng *rand.Rand, n int) []T {
	x := random[T](rng, n)
	for i := range x {
		if rng.IntN(5) > 0 {
			x[i] = T(math.Copysign(0, float64(rng.IntN(2))-0.5))
		}
	}
	return x
}

func TestGemmZeroTimesInfIsNaN(t *testing.T) {
	for _, m := range []int{1, 8, 100} {
		for _, v := range []float64{math.Inf(1), math.Inf(-1), math.NaN()} {
			a, b, c := make([]float64, m*5), []float64{1, 1, 1, v, 1}, make([]float64, m)
			Gemm(1, Mat(c, m, 1), Mat(a, m, 5), Mat(b, 5, 1))
			for i, s := range c {
				if s == s {
					t.Errorf("%d rows of zeros times a column with %v: element %d is %v, want NaN", m, v, i, s)
				}
			}
		}
	}
}

func TestGemmHasNoNegativeZero(t *testing.T) {
	neg := math.Copysign(0, -1)
	for _, c := range []struct {
		name       string
		a, b       float64
		old, biasV float64
	}{
		{"a zero times a negative", 0, -1, neg, neg},
		{"a negative zero times a positive", neg, 1, neg, neg},
		{"underflow", -0x1p-600, 0x1p-600, neg, neg},
	} {
		for _, m := range []int{1, 9} {
			for _, f := range flavours[float64]() {
				got := slices.Repeat([]float64{c.old}, m)
				f.run(1, Mat(got, m, 1), Mat(slices.Repeat([]float64{c.a}, m), m, 1), Mat([]float64{c.b}, 1, 1), []float64{c.biasV})
				for _, v := range got {
					if bits(v) != 0 {
						t.Errorf("%s, %d rows, %s: %v, want +0", f.name, m, c.name, v)
					}
				}
			}
		}
	}
}

// With no terms (k = 0) an element is what it starts from.
func TestGemmWithoutTerms(t *testing.T) {
	a, b := Mat([]float32{}, 2, 0), Mat([]float32{}, 0, 3)
	c := []float32{1, 2, 3, 4, 5, 6}
	GemmAdd(1, Mat(c, 2, 3), a, b)
	sameBits(t, "GemmAdd", c, []float32{1, 2, 3, 4, 5, 6})
	GemmBias(1, Mat(c, 2, 3), a, b, []float32{7, 8, 9})
	sameBits(t, "GemmBias", c, []float32{7, 8, 9, 7, 8, 9})
	Gemm(1, Mat(c, 2, 3), a, b)
	sameBits(t, "Gemm", c, make([]float32, 6))
}

// The pool serves one product at a time; another computes alone.
func TestGemmWhilePoolIsTaken(t *testing.T) {
	withProcs(t, 3)
	rng := rand.New(rand.NewPCG(9, 10))
	a, b := operand(rng, random[float32], 64, 64, false), operand(rng, random[float32], 64, 64, false)
	pool.Lock()
	defer pool.Unlock()
	if run(3, 8, true, &counters{n: make([]atomic.Int64, 8)}) {
		t.Error("a job took the pool from another")
	}
	checkGemm(t, flavours[float32]()[0], 3, make([]float32, 64*64), a, b, make([]float32, 64))
}

func TestGemmFromManyGoroutines(t *testing.T) {
	withProcs(t, 4)
	rng := rand.New(rand.NewPCG(11, 12))
	const m, n, k = 48, 40, 41
	a32, b32 := operand(rng, random[float32], m, k, false), operand(rng, random[float32], k, n, false)
	a64, b64 := operand(rng, random[float64], m, k, true), operand(rng, random[float64], k, n, true)
	want32 := naive(flavours[float32]()[0], make([]float32, m*n), a32, b32, make([]float32, n))
	want64 := naive(flavours[float64]()[0], make([]float64, m*n), a64, b64, make([]float64, n))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			c32, c64 := make([]float32, m*n), make([]float64, m*n)
			for range 10 {
				Gemm(3, Mat(c32, m, n), a32, b32)
				Gemm(2, Mat(c64, m, n), a64, b64)
				if !slices.Equal(c32, want32) || !slices.Equal(c64, want64) {
					t.Error("products at the same time change each other")
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestGemmAllocatesNothing(t *testing.T) {
	t.Run("float32", testGemmAllocs[float32])
	t.Run("float64", testGemmAllocs[float64])
}

func testGemmAllocs[T Float](t *testing.T) {
	rng := rand.New(rand.NewPCG(13, 14))
	a, b := operand(rng, random[T], 64, 64, false), operand(rng, random[T], 64, 64, true)
	c, bias := Mat(make([]T, 64*64), 64, 64), random[T](rng, 64)
	all := func(threads int) {
		Gemm(threads, c, a, b)
		GemmAdd(threads, c, a.T(), b.T())
		GemmBias(threads, c, a, b.T(), bias)
	}
	if n := testing.AllocsPerRun(10, func() { all(1) }); n != 0 {
		t.Errorf("%v allocations on one thread, want 0", n)
	}
	// AllocsPerRun itself sets GOMAXPROCS to 1, where nothing is shared out.
	withProcs(t, 2)
	all(2)
	const runs, rounds = 30, 20
	var before, after runtime.MemStats
	// The runtime itself allocates where goroutines wait for each other, until its caches
	// are full; products that allocate do so in every round.
	for range rounds {
		runtime.ReadMemStats(&before)
		for range runs {
			all(2)
		}
		runtime.ReadMemStats(&after)
		if after.Mallocs-before.Mallocs < runs {
			return
		}
	}
	t.Errorf("%d allocations in %d runs on two threads, want 0", after.Mallocs-before.Mallocs, runs)
}

func TestGemmPanics(t *testing.T) {
	m23, m34, m24 := Mat(make([]float64, 6), 2, 3), Mat(make([]float64, 12), 3, 4), Mat(make([]float64, 8), 2, 4)
	short := func(m Matrix[float64], n int) Matrix[float64] {
		m.Data = make([]float64, n)
		return m
	}
	for _, c := range []struct {
		name    string
		c, a, b Matrix[float64]
	}{
		{"inner sizes differ", m24, m23, Mat(make([]float64, 8), 2, 4)},
		{"rows of C", Mat(make([]float64, 12), 3, 4), m23, m34},
		{"columns of C", Mat(make([]float64, 6), 2, 3), m23, m34},
		{"C transposed", Mat(make([]float64, 8), 4, 2).T(), m23, m34},
		{"A transposed by mistake", m24, m23.T(), m34},
		{"A short", m24, short(m23, 5), m34},
		{"B long", m24, m23, short(m34, 13)},
		{"C short", short(m24, 7), m23, m34},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, f := range flavours[float64]() {
				mustPanic(t, "kernel.Gemm: (", func() { f.run(1, c.c, c.a, c.b, make([]float64, c.c.Cols)) })
			}
		})
	}
	mustPanic(t, "kernel.GemmBias: lengths 4 and 3", func() { GemmBias(1, m24, m23, m34, make([]float64, 3)) })
}

func TestTransposeTwice(t *testing.T) {
	a := Mat([]float64{1, 2, 3, 4, 5, 6}, 2, 3)
	tr := a.T()
	if tr.Rows != 3 || tr.Cols != 2 || &tr.Data[0] != &a.Data[0] {
		t.Errorf("T() is (%d, %d), want (3, 2) of the same memory", tr.Rows, tr.Cols)
	}
	if again := tr.T(); again.Rows != 2 || again.Cols != 3 || again.transposed {
		t.Errorf("T().T() is %+v, want the matrix itself", again)
	}
}
