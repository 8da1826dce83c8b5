package kernel

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// bigFMA is [exactFMA] for many float32: it keeps its numbers, and needs only
// the bits from 2^-298 to 2^256.
type bigFMA struct{ a, b, c, p, s big.Float }

func newBigFMA() *bigFMA {
	e := &bigFMA{}
	e.p.SetPrec(64)
	e.s.SetPrec(640)
	return e
}

func (e *bigFMA) fma(a, b, c float32) float32 {
	x, y, z := float64(a), float64(b), float64(c)
	if s := x + y + z; s-s != 0 {
		return float32(math.FMA(x, y, z)) // NaN and Inf: no rounding
	}
	e.p.Mul(e.a.SetFloat64(x), e.b.SetFloat64(y))
	e.s.Add(&e.p, e.c.SetFloat64(z))
	if e.s.Sign() == 0 {
		return exactFMA(a, b, c)
	}
	f, _ := e.s.Float32()
	return f
}

var specials32 = []float32{
	0, float32(math.Copysign(0, -1)), 1, -1, 2, -2, 0.5, 3, -1.5,
	1 + 0x1p-23, 1 - 0x1p-24, -1 - 0x1p-23, 0x1p-24, -0x1p-24, 0x1p-23,
	math.SmallestNonzeroFloat32, -math.SmallestNonzeroFloat32, 3 * math.SmallestNonzeroFloat32,
	0x1p-126, -0x1p-126, 0x1p-126 - 0x1p-149, 0x1p-75, -0x1p-75, 0x1p-74, 0x1p-63,
	math.MaxFloat32, -math.MaxFloat32, 0x1p127, 0x1p103, 0x1p102, -0x1p102, 0x1p64, -0x1p64,
	float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()),
}

func TestFMA32Specials(t *testing.T) {
	exact := newBigFMA()
	for _, a := range specials32 {
		for _, b := range specials32 {
			for _, c := range specials32 {
				checkFMA32(t, exact, a, b, c)
			}
		}
	}
}

// The sign of an exact zero is that of IEEE 754, 6.3: -0 only as -0 + -0.
func TestFMA32SignOfZero(t *testing.T) {
	neg := float32(math.Copysign(0, -1))
	for _, c := range []struct {
		a, b, c float32
		neg     bool
	}{
		{0, 1, 0, false},
		{0, 1, neg, false},
		{neg, 1, 0, false},
		{neg, 1, neg, true},
		{0, -1, neg, true},
		{neg, -1, neg, false},
		{3, 5, -15, false},
		{-3, 5, 15, false},
		// Underflow keeps the sign of what was lost.
		{-0x1p-100, 0x1p-100, 0, true},
		{-0x1p-100, 0x1p-100, neg, true},
		{0x1p-100, 0x1p-100, neg, false},
	} {
		if got := fma32(c.a, c.b, c.c); got != 0 || negative(got) != c.neg {
			t.Errorf("fma32(%v, %v, %v) = %v (negative: %t), want a zero (negative: %t)", c.a, c.b, c.c, got, negative(got), c.neg)
		}
	}
}

// A million products and sums, most of them where rounding twice goes wrong.
func TestFMA32Exact(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 17))
	sign := func() float32 { return float32(1 - 2*rng.IntN(2)) }
	random := func() float32 { return math.Float32frombits(rng.Uint32()) }
	finite := func(lo, hi int) float32 { // 2^lo <= |x| < 2^hi
		return float32(math.Ldexp(1+float64(rng.IntN(1<<23))*0x1p-23, lo+rng.IntN(hi-lo))) * sign()
	}
	ldexp := func(x float64, e int) float32 { return float32(math.Ldexp(x, e)) }
	for _, g := range []struct {
		name string
		n    int
		next func() (a, b, c float32)
	}{
		{"any bits", 200_000, func() (a, b, c float32) { return random(), random(), random() }},
		{"moderate", 100_000, func() (a, b, c float32) { return finite(-20, 20), finite(-20, 20), finite(-40, 40) }},
		{"next to a tie", 250_000, func() (a, b, c float32) {
			// (1+i·2^-23)(1-j·2^-23) is a power of two but for a few last bits;
			// half an ulp of c, it moves the sum just off the tie, or onto it.
			i, j := float64(rng.IntN(80)), float64(rng.IntN(80))
			if rng.IntN(2) == 0 {
				j = i
			}
			e := rng.IntN(60) - 30
			split := rng.IntN(40) - 20
			a = ldexp(1+i*0x1p-23, e-24-split) * sign()
			b = ldexp(1-j*0x1p-23, split+rng.IntN(3)-1) * sign()
			return a, b, finite(e, e+1)
		}},
		{"tie of a product", 100_000, func() (a, b, c float32) {
			// 25 bits make a tie; a tiny c breaks it.
			a = float32(rng.IntN(1<<12)*2+1) * sign()
			b = float32(rng.IntN(1<<12)*2 + 1)
			return a, b, ldexp(float64(rng.IntN(3)-1), -60-rng.IntN(80))
		}},
		{"cancellation", 100_000, func() (a, b, c float32) {
			a, b = finite(-30, 30), finite(-30, 30)
			c = -a * b
			for range rng.IntN(3) {
				c = math.Nextafter32(c, float32(math.Inf(int(sign()))))
			}
			return a, b, c
		}},
		{"subnormal result", 150_000, func() (a, b, c float32) {
			e := rng.IntN(120)
			a = ldexp(1+float64(rng.IntN(1<<23))*0x1p-23, -150+rng.IntN(30)+e) * sign()
			b = finite(-e-1, -e+1)
			c = float32(rng.IntN(1<<rng.IntN(25))) * math.SmallestNonzeroFloat32 * sign()
			return a, b, c
		}},
		{"next to a subnormal tie", 150_000, func() (a, b, c float32) {
			// 2^-150, half of the smallest subnormal, but for a few last bits.
			i, j := float64(rng.IntN(80)), float64(rng.IntN(80))
			if rng.IntN(4) > 0 {
				j = i
			}
			e := rng.IntN(100)
			a = ldexp(1+i*0x1p-23, -150+e) * sign()
			b = ldexp(1-j*0x1p-23, -e) * sign()
			c = float32(rng.IntN(1<<(20+rng.IntN(5)))) * math.SmallestNonzeroFloat32 * sign()
			return a, b, c
		}},
		{"edge of overflow", 100_000, func() (a, b, c float32) {
			e := rng.IntN(100)
			a = ldexp(1+float64(rng.IntN(4))*0x1p-23, 127-e) * sign()
			b = ldexp(1-float64(rng.IntN(4))*0x1p-24, e+rng.IntN(2))
			c = ldexp(1+float64(rng.IntN(3)-1)*0x1p-23, 100+rng.IntN(6)) * sign()
			return a, b, c
		}},
	} {
		exact := newBigFMA()
		twice := 0
		for range g.n {
			a, b, c := g.next()
			checkFMA32(t, exact, a, b, c)
			if bits(float32(float64(a)*float64(b)+float64(c))) != bits(fma32(a, b, c)) {
				twice++
			}
		}
		t.Logf("%-24s %6d of %d are wrong when rounded twice", g.name, twice, g.n)
		// A generator that misses what it is for proves nothing.
		if least := map[string]int{"next to a tie": 1000, "tie of a product": 1000, "next to a subnormal tie": 1000}[g.name]; twice < least {
			t.Errorf("%s: only %d of %d cases tell rounding once from twice", g.name, twice, g.n)
		}
	}
}

func checkFMA32(t *testing.T, exact *bigFMA, a, b, c float32) {
	t.Helper()
	got, want := fma32(a, b, c), exact.fma(a, b, c)
	if bits(got) != bits(want) {
		t.Fatalf("fma32(%x, %x, %x) = %x, want %x", a, b, c, got, want)
	}
}

func FuzzFMA32(f *testing.F) {
	for _, s := range [][3]float32{
		{1, 1, 1},
		{1 + 0x1p-23, 0x1p-24 - 0x1p-47, 1},
		{1 + 0x1p-12, 1 + 0x1p-13, 0x1p-80},
		{0x1p-75, 0x1.000002p-75, 0x1p-149},
		{-0x1p-100, 0x1p-100, 0},
		{math.MaxFloat32, 1, 0x1p103},
		{0, float32(math.Inf(1)), 1},
	} {
		f.Add(math.Float32bits(s[0]), math.Float32bits(s[1]), math.Float32bits(s[2]))
	}
	f.Fuzz(func(t *testing.T, a, b, c uint32) {
		checkFMA32(t, newBigFMA(), math.Float32frombits(a), math.Float32frombits(b), math.Float32frombits(c))
	})
}

// fma dispatches on the size of its type parameter.
func TestFMATakesThePrecisionOfItsType(t *testing.T) {
	a, b, c := 1+0x1p-20, 1-0x1p-20, -1.0
	if got := fma(a, b, c); got != -0x1p-40 {
		t.Errorf("float64: %x, want -0x1p-40", got)
	}
	if got := fma(float32(a), float32(b), float32(c)); got != -0x1p-40 {
		t.Errorf("float32: %x, want -0x1p-40", got)
	}
	// 1 + 2^-30 needs float64.
	if got := fma(0x1p-15, 0x1p-15, 1.0); got != 1+0x1p-30 {
		t.Errorf("float64: %x, want 1 + 2^-30", got)
	}
	if got := fma[float32](0x1p-15, 0x1p-15, 1); got != 1 {
		t.Errorf("float32: %x, want 1", got)
	}
}
