package kernel

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
	"unsafe"
)

// Layouts with one column a channel, with fewer elements than columns at most, and with
// more; in one part and in several.
var layouts = []Layout{{7, 5, 1}, {3, 4, 6}, {2, 3, 1300}, {40, 300, 1}, {9, 70, 49}, {20, 6, 784}, {1, 2, 3}, {300, 130, 1}, {1000, 270, 1}, {520, 33, 8}}

// A normTest is a normalization with its gradients.
type normTest[T Float] struct {
	y, dx, dgamma, dbeta []T
	m                    Moments[T]
}

// batchNormOf normalizes x, whose channels are the sets.
func batchNormOf[T Float](threads int, l Layout, x, dy, gamma, beta []T, train bool) normTest[T] {
	n := len(x)
	r := normTest[T]{make([]T, n), make([]T, n), make([]T, l.C), make([]T, l.C), MomentsOf(make([]T, 4*l.C), l.C)}
	for i := range r.m.Var {
		r.m.Mean[i], r.m.Var[i] = 0.5, 2
	}
	BatchNorm(threads, l, r.y, x, gamma, beta, r.m, 1e-5, train)
	BatchNormBackward(threads, l, r.dx, dy, x, gamma, r.m, r.dgamma, r.dbeta, train)
	return r
}

func rowNormOf[T Float](threads int, l Layout, groups int, x, dy, gamma, beta []T, center bool) normTest[T] {
	n, sets := len(x), l.N*groups
	r := normTest[T]{make([]T, n), make([]T, n), make([]T, l.C), make([]T, l.C), MomentsOf(make([]T, 4*sets), sets)}
	scale, shift := make([]T, l.Columns()), make([]T, l.Columns())
	Expand(l, scale, gamma)
	Expand(l, shift, beta)
	RowNorm(threads, l, groups, r.y, x, scale, shift, r.m, 1e-5, center)
	RowNormBackward(threads, l, groups, r.dx, dy, x, scale, r.m, r.dgamma, r.dbeta, make([]T, RowNormSums(l)), center)
	return r
}

// normByDefinition is the normalization in float64, with the mean to 200 bits: set and
// channel are those of element i.
func normByDefinition[T Float](x, dy, gamma, beta []T, sets int, set, channel func(i int) int, center bool) normTest[float64] {
	n := len(x)
	r := normTest[float64]{make([]float64, n), make([]float64, n), make([]float64, len(gamma)), make([]float64, len(gamma)), MomentsOf(make([]float64, 4*sets), sets)}
	exact := make([]big.Float, sets) // the sum, and then the mean
	count, sum, along := make([]float64, sets), make([]float64, sets), make([]float64, sets)
	for i, v := range x {
		count[set(i)]++
		if center {
			exact[set(i)].SetPrec(200).Add(&exact[set(i)], big.NewFloat(float64(v)))
		}
	}
	for s := range sets {
		exact[s].SetPrec(200).Quo(&exact[s], big.NewFloat(count[s]))
	}
	h := make([]float64, n)
	for i, v := range x {
		s := set(i)
		h[i], _ = new(big.Float).SetPrec(200).Sub(big.NewFloat(float64(v)), &exact[s]).Float64()
		r.m.Var[s] += h[i] * h[i] / count[s]
	}
	for i := range x {
		s, c := set(i), channel(i)
		r.m.Inv[s] = 1 / math.Sqrt(r.m.Var[s]+1e-5)
		h[i] *= r.m.Inv[s]
		r.y[i] = h[i]*float64(gamma[c]) + float64(beta[c])
		r.dgamma[c] += float64(dy[i]) * h[i]
		r.dbeta[c] += float64(dy[i])
		g := float64(gamma[c]) * float64(dy[i])
		if center {
			sum[s] += g / count[s]
		}
		along[s] += g * h[i] / count[s]
	}
	for i := range x {
		s := set(i)
		r.dx[i] = r.m.Inv[s] * (float64(gamma[channel(i)])*float64(dy[i]) - sum[s] - h[i]*along[s])
	}
	return r
}

// nearNorm compares to so many units in the last place of the largest element.
func nearNorm[T Float](t *testing.T, what string, got normTest[T], want normTest[float64], ulps float64) {
	t.Helper()
	eps := float64(math.Float32frombits(0x34000000))
	if unsafe.Sizeof(T(0)) == 8 {
		eps = 0x1p-52
	}
	for _, a := range []struct {
		name string
		got  []T
		want []float64
	}{{"y", got.y, want.y}, {"dx", got.dx, want.dx}, {"dgamma", got.dgamma, want.dgamma}, {"dbeta", got.dbeta, want.dbeta}, {"var", got.m.Var, want.m.Var}} {
		largest := 0.0
		for _, v := range a.want {
			largest = max(largest, math.Abs(v))
		}
		for i, v := range a.got {
			if !(math.Abs(float64(v)-a.want[i]) <= ulps*eps*largest) {
				t.Errorf("%s: %s[%d] is %v, want %v within %v ulps of %v", what, a.name, i, v, a.want[i], ulps, largest)
				break
			}
		}
	}
}

// TestNorms compares with the definition in float64, around 0 and around a mean that is
// 10,000 times the standard deviation, which costs no accuracy.
func TestNorms(t *testing.T) {
	t.Run("float32", testNorms[float32])
	t.Run("float64", testNorms[float64])
}

func testNorms[T Float](t *testing.T) {
	for _, l := range layouts {
		for _, mean := range []T{0, 10_000} {
			rng := rand.New(rand.NewPCG(91, uint64(l.L)))
			n := l.N * l.C * l.L
			x, dy, gamma, beta := random[T](rng, n), random[T](rng, n), random[T](rng, l.C), random[T](rng, l.C)
			for i := range x {
				x[i] += mean
			}
			channel := func(i int) int { return i / l.L % l.C }
			what := fmt.Sprintf("%+v, mean %v", l, mean)
			want := normByDefinition(x, dy, gamma, beta, l.C, channel, channel, true)
			nearNorm(t, "BatchNorm of "+what, batchNormOf(1, l, x, dy, gamma, beta, true), want, 64)
			for _, groups := range []int{1, 2, l.C} {
				if l.C%groups != 0 || l.C/groups*l.L == 1 {
					continue
				}
				for _, center := range []bool{true, false} {
					set := func(i int) int { return i / (l.C / groups * l.L) }
					want := normByDefinition(x, dy, gamma, beta, l.N*groups, set, channel, center)
					nearNorm(t, fmt.Sprintf("RowNorm of %s, %d groups, center %t", what, groups, center), rowNormOf(1, l, groups, x, dy, gamma, beta, center), want, 64)
				}
			}
		}
	}
}

// TestNormsOfEqualElements: where all are equal, the variance does not come out below 0.
func TestNormsOfEqualElements(t *testing.T) {
	l := Layout{100, 3, 7}
	x := make([]float32, 2100)
	fill(x, 1e10/3)
	zero, one := make([]float32, 3), []float32{1, 1, 1}
	for name, r := range map[string]normTest[float32]{"BatchNorm": batchNormOf(1, l, x, x, one, zero, true), "RowNorm": rowNormOf(1, l, 1, x, x, one, zero, true)} {
		for i, v := range r.y {
			if !(max(v, -v) < 0.05) {
				t.Fatalf("%s: y[%d] is %v, want 0 but for the rounding of the mean", name, i, v)
			}
		}
	}
}

// TestNormsOnThreads: the same bits on any number of threads.
func TestNormsOnThreads(t *testing.T) {
	t.Run("float32", testNormThreads[float32])
	t.Run("float64", testNormThreads[float64])
}

func testNormThreads[T Float](t *testing.T) {
	rng := rand.New(rand.NewPCG(92, 0))
	for _, l := range layouts {
		n := l.N * l.C * l.L
		x, dy, gamma, beta := random[T](rng, n), random[T](rng, n), random[T](rng, l.C), random[T](rng, l.C)
		for what, run := range map[string]func(threads int) normTest[T]{
			"BatchNorm":                func(n int) normTest[T] { return batchNormOf(n, l, x, dy, gamma, beta, true) },
			"BatchNorm, in evaluation": func(n int) normTest[T] { return batchNormOf(n, l, x, dy, gamma, beta, false) },
			"RowNorm":                  func(n int) normTest[T] { return rowNormOf(n, l, 1, x, dy, gamma, beta, true) },
		} {
			want := run(1)
			for _, threads := range []int{2, 3} {
				got := run(threads)
				for name, pair := range map[string][2][]T{
					"y": {got.y, want.y}, "dx": {got.dx, want.dx}, "dgamma": {got.dgamma, want.dgamma}, "dbeta": {got.dbeta, want.dbeta},
				} {
					sameBits(t, fmt.Sprintf("%s of %+v on %d threads: %s", what, l, threads, name), pair[0], pair[1])
				}
			}
		}
	}
}

// BenchmarkNorm: 64 MB a slice, beyond the caches of a core, beside what reads and writes
// as much and computes nothing. Forward reads x twice for the moments and once more for y;
// backward reads x and dy for the sums and once more for dx. Only the first time do they
// come from memory: so the bounds read and write blocks of 64 K elements in these passes.
// The passes of rows are over much less than a block, so that theirs are a copy, and a sum
// of two.
func BenchmarkNorm(b *testing.B) {
	b.Run("float32", benchmarkNorm[float32])
	b.Run("float64", benchmarkNorm[float64])
}

func benchmarkNorm[T Float](b *testing.B) {
	size := int(unsafe.Sizeof(T(0)))
	elements := 64 << 20 / size
	rng := rand.New(rand.NewPCG(93, 0))
	x, dy, y := random[T](rng, elements), random[T](rng, elements), make([]T, elements)
	bench := func(name string, slices int, run func()) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(slices * elements * size))
			for b.Loop() {
				run()
			}
		})
	}
	const block = 1 << 16
	inBlocks := func(f func(y, x, dy []T)) func() {
		return func() {
			for at := 0; at < elements; at += block {
				f(y[at:][:block], x[at:][:block], dy[at:][:block])
			}
		}
	}
	bench("bound/copy", 2, inBlocks(func(y, x, _ []T) { copy(y, x) }))
	bench("bound/copy after two sums", 2, inBlocks(func(y, x, _ []T) { Sum(x); Sum(x); copy(y, x) }))
	bench("bound/sum of two", 3, inBlocks(func(y, x, dy []T) { Add(1, y, x, dy) }))
	bench("bound/sum of two after a product", 3, inBlocks(func(y, x, dy []T) { Dot(x, dy); Add(1, y, x, dy) }))
	for _, test := range []struct {
		name   string
		l      Layout
		groups int // 0: BatchNorm
	}{
		{"BatchNorm/(100, C)", Layout{100, 0, 1}, 0},
		{"BatchNorm/(100, C, 28, 28)", Layout{100, 0, 784}, 0},
		{"BatchNorm/(100, C, 14, 14)", Layout{100, 0, 196}, 0},
		{"LayerNorm/(N, 1024)", Layout{0, 1024, 1}, 1},
		{"GroupNorm/(N, 64, 28, 28), 8 groups", Layout{0, 64, 784}, 8},
	} {
		l := test.l
		if l.N == 0 {
			l.N = elements / (l.C * l.L)
		} else {
			l.C = elements / (l.N * l.L)
		}
		n := l.N * l.C * l.L
		sets := l.C
		if test.groups > 0 {
			sets = l.N * test.groups
		}
		gamma, beta, m := random[T](rng, l.Columns()), random[T](rng, l.Columns()), MomentsOf(make([]T, 4*sets), sets)
		dgamma, dbeta, sums := make([]T, l.C), make([]T, l.C), make([]T, RowNormSums(l))
		forward := func() { BatchNorm(1, l, y[:n], x[:n], gamma[:l.C], beta[:l.C], m, 1e-5, true) }
		backward := func() {
			BatchNormBackward(1, l, y[:n], dy[:n], x[:n], gamma[:l.C], m, dgamma, dbeta, true)
		}
		if test.groups > 0 {
			forward = func() { RowNorm(1, l, test.groups, y[:n], x[:n], gamma, beta, m, 1e-5, true) }
			backward = func() {
				RowNormBackward(1, l, test.groups, y[:n], dy[:n], x[:n], gamma, m, dgamma, dbeta, sums, true)
			}
		}
		bench(test.name+"/forward", 2, forward)
		bench(test.name+"/backward", 3, backward)
	}
}
