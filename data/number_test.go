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
	for _, s := range []string{"", "+", "-", ".", "e5", "1e", "1e+", "1.2.3", "1,5", "0x10", "1_000", "inf", "NaN", "Infinity", "1 2", "--1", "1e400", "1e39", "5%"} {
		if v, err := number([]byte(s)); err == nil {
			t.Errorf("%q is %v, want an error", s, v)
		}
	}
}

// FuzzNumber: what is taken is what strconv takes, to the same bits.
func FuzzNumber(f *testing.F) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		f.Add(strconv.FormatFloat(math.Float64frombits(rng.Uint64()), 'g', -1, 64))
		f.Add(strconv.FormatFloat(rng.Float64()*100, 'f', rng.IntN(20), 64))
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := number([]byte(s))
		if err != nil {
			return
		}
		want, errStd := strconv.ParseFloat(s, 64)
		if errStd != nil || math.Float64bits(got) != math.Float64bits(want) {
			t.Errorf("%q is %v, strconv says %v (%v)", s, got, want, errStd)
		}
	})
}
