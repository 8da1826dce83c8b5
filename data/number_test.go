package data

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
)

func TestNumber(t *testing.T) {
	for _, s := range []string{"0", "-0", "1", "+1", "1.", ".5", "-1.5e-3", "1E5", "9007199254740993", "0.1", "123456789012345678901234567890",
		"1e22", "1e23", "1e-22", "1e-23", "5e-324", "1e-400", "179769e-3", "0.000000000000000000000000000001", "99999999999999999999e-20"} {
		got, err := number([]byte(s))
		want, _ := strconv.ParseFloat(s, 64)
		if err != nil || math.Float64bits(got) != math.Float64bits(want) {
			t.Errorf("%s is %v (%v), want %v", s, got, err, want)
		}
	}
	for _, s := range []string{"", "-.", "+", "-", ".", "e5", "1e", "1e+", "1.2.3", "1,5", "0x10", "1_000", "inf", "NaN", "Infinity", "1 2", "--1", "1e400", "1e39", "5%"} {
		if v, err := number([]byte(s)); err == nil {
			t.Errorf("%q is %v, want an error", s, v)
		}
	}
}

// checkNumber parses s with other digits around it: what is taken is what strconv takes,
// to the same bits.
func checkNumber(t *testing.T, s string) {
	t.Helper()
	want, errStd := strconv.ParseFloat(s, 64)
	for _, before := range []string{"", "1.5,", "-9.9-9e9,999999999999999", "0000000000000000"} {
		text := []byte(before + s + ".9")
		got, ok := fixedPoint(text, len(before), len(before)+len(s))
		if ok && (errStd != nil || math.Float64bits(got) != math.Float64bits(want)) {
			t.Fatalf("%q after %q is %v, strconv says %v (%v)", s, before, got, want, errStd)
		}
	}
	got, err := number([]byte(s))
	if err == nil && (errStd != nil || math.Float64bits(got) != math.Float64bits(want)) {
		t.Fatalf("%q is %v, strconv says %v (%v)", s, got, want, errStd)
	}
}

// TestNumberRandom: numbers of up to 18 digits, with a point anywhere, are those of strconv.
func TestNumberRandom(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 300_000 {
		var s []byte
		if rng.IntN(2) == 0 {
			s = append(s, '-')
		}
		digits := 1 + rng.IntN(18)
		point := rng.IntN(2*digits + 1) // beyond the digits: none
		for i := range digits {
			if i == point {
				s = append(s, '.')
			}
			s = append(s, byte('0'+rng.IntN(10)))
		}
		if _, err := number(s); err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		checkNumber(t, string(s))
		long := append(make([]byte, 16), s...)
		if _, ok := fixedPoint(long, 16, len(long)); !ok && len(s) <= 16 && digits <= 15 {
			t.Fatalf("%q is left to number", s)
		}
	}
}

// TestNumberAnyBytes: a number with another byte at any place.
func TestNumberAnyBytes(t *testing.T) {
	for _, s := range []string{"1", "12", "-1", "1.5", "-12.25", "12345678", "123456.789", "-123456789.1234", "1234567890123456"} {
		for i := range len(s) {
			for b := range 256 {
				text := []byte(s)
				text[i] = byte(b)
				checkNumber(t, string(text))
			}
		}
	}
}

func FuzzNumber(f *testing.F) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		f.Add(strconv.FormatFloat(math.Float64frombits(rng.Uint64()), 'g', -1, 64))
		f.Add(strconv.FormatFloat(rng.Float64()*100, 'f', rng.IntN(20), 64))
	}
	f.Fuzz(checkNumber)
}
