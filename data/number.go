package data

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"strconv"
)

// powers are those of ten that a float64 holds exactly.
var powers = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// number parses a decimal number: digits with at most one point and a power of ten, such as
// -1.5e-3. The result is the float64 that is nearest, as of strconv.ParseFloat. What that
// takes beyond, such as 0x1p4, 1_000, inf and nan, is no number here.
//
// Most numbers take a short way: up to 2^53 as an integer, times or divided by one of
// powers, which is rounded once (Clinger, How to read floating point numbers accurately,
// 1990).
func number(s []byte) (float64, error) {
	i, negative := 0, false
	if len(s) > 0 && (s[0] == '-' || s[0] == '+') {
		negative = s[0] == '-'
		i = 1
	}
	var mantissa uint64
	begin, point := i, -1
	for ; i < len(s); i++ {
		if d := s[i] - '0'; d <= 9 {
			mantissa = mantissa*10 + uint64(d) // wrong beyond 19 digits, and then not used
		} else if s[i] == '.' && point < 0 {
			point = i
		} else {
			break
		}
	}
	digits, exponent := i-begin, 0
	if point >= 0 {
		digits--
		exponent = point + 1 - i
	}
	if digits == 0 {
		return 0, notNumber(s)
	}
	if i < len(s) {
		if s[i] != 'e' && s[i] != 'E' {
			return 0, notNumber(s)
		}
		e, ok := power(s[i+1:])
		if !ok {
			return 0, notNumber(s)
		}
		exponent += e
	}
	if digits <= 19 && mantissa <= 1<<53 && -22 <= exponent && exponent <= 22 {
		v := float64(mantissa)
		if exponent < 0 {
			v /= powers[-exponent]
		} else {
			v *= powers[exponent]
		}
		if negative {
			v = -v
		}
		return v, nil
	}
	v, err := strconv.ParseFloat(string(s), 64)
	if err != nil || math.Abs(v) > math.MaxFloat32 {
		return 0, fmt.Errorf("want a number up to 3.4e38, got %s", short(s))
	}
	return v, nil
}

// fixedPoint is number for b[begin:end] if that is at most 16 bytes, digits with at most
// one point and a minus, and up to 2^53 without the point; else ok is false. It takes all
// digits together: it is for tables of many numbers. It looks at the 16 bytes before end,
// and if there are not as many, ok is false too.
//
// Two words hold the value of each digit, the last one in the highest byte, with zeros
// before the first. What is before the point is moved over it.
func fixedPoint(b []byte, begin, end int) (v float64, ok bool) {
	n := end - begin
	if n <= 0 || n > 16 || end < 16 {
		return 0, false
	}
	negative := (uint64(b[begin]^'-') - 1) >> 63 // 1 or 0: a branch on signs, which are random, costs more
	n -= int(negative)
	text := b[end-16 : end]
	lo := (binary.LittleEndian.Uint64(text) ^ each*'0') & highest[n]
	hi := (binary.LittleEndian.Uint64(text[8:]) ^ each*'0') & highest[n+8]

	const over9 = each * (0x80 - 10)
	notLo, notHi := (lo|(lo+over9))&upper, (hi|(hi+over9))&upper // digits
	decimals := 0
	if notLo|notHi != 0 {
		switch {
		case notLo == 0 && notHi&(notHi-1) == 0:
			decimals = bits.LeadingZeros64(notHi) / 8
			after := highest[decimals+8]
			hi = hi&after | (hi<<8|lo>>56)&^after
			lo <<= 8
		case notHi == 0 && notLo&(notLo-1) == 0:
			decimals = bits.LeadingZeros64(notLo)/8 + 8
			after := highest[decimals]
			lo = lo&after | lo<<8&^after
		default:
			return 0, false
		}
		if n--; text[15-decimals] != '.' {
			return 0, false
		}
	}
	mantissa := eightDigits(lo)*1e8 + eightDigits(hi)
	if n == 0 || mantissa > 1<<53 {
		return 0, false
	}
	v = float64(int64(mantissa)) / powers[decimals]
	return math.Float64frombits(math.Float64bits(v) | negative<<63), true
}

const (
	each  = 0x0101010101010101 // 1 in each byte of a word
	upper = each << 7          // the upper bit of each byte
)

// highest are words whose highest bytes are ones: none of those before index 8, i-8 of
// that at i, all of those from 16 on.
var highest = func() (words [25]uint64) {
	for i := range words {
		words[i] = ^(^uint64(0) >> (8 * min(max(i-8, 0), 8)))
	}
	return words
}()

// eightDigits returns the number whose digits are the bytes of w, the first in the lowest:
// of neighbours it makes pairs, and fours, and eight.
func eightDigits(w uint64) uint64 {
	w = w*10 + w>>8
	const pairs = 0x000000ff_000000ff
	return (w&pairs*(1_000_000<<32+100) + w>>16&pairs*(10_000<<32+1)) >> 32
}

// power parses the power of ten of a number.
func power(s []byte) (e int, ok bool) {
	sign := 1
	if len(s) > 0 && (s[0] == '-' || s[0] == '+') {
		if s[0] == '-' {
			sign = -1
		}
		s = s[1:]
	}
	for _, c := range s {
		if c < '0' || c > '9' {
			return 0, false
		}
		e = min(10*e+int(c-'0'), 100_000)
	}
	return sign * e, len(s) > 0
}

func notNumber(s []byte) error { return fmt.Errorf("want a number, got %s", short(s)) }

// short is a text from a file in quotes, cut where it is long.
func short(s []byte) string {
	if len(s) > 40 {
		return strconv.Quote(string(s[:40])) + "…"
	}
	return strconv.Quote(string(s))
}
