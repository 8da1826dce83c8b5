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
// 1990); and of those, most a shorter one, fixedPoint.
func number(s []byte) (float64, error) {
	if v, ok := fixedPoint(s); ok {
		return v, nil
	}
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

// fixedPoint is number for texts of at most 16 bytes: digits, at most one point and a
// minus, that are up to 2^53 without the point. It takes all digits together, and looks at
// 16 bytes whatever the length: ok is false if the array of s has fewer.
//
// Two words hold the value of each digit, the last one in the highest byte, with zeros
// before the first. A minus becomes a zero too, and what is before the point is moved over it.
func fixedPoint(s []byte) (v float64, ok bool) {
	n := len(s)
	if n == 0 || n > 16 || cap(s) < 16 {
		return 0, false
	}
	text := s[:16]
	lo := binary.LittleEndian.Uint64(text) ^ each*'0'
	hi := binary.LittleEndian.Uint64(text[8:]) ^ each*'0'
	const sign = '-' ^ '0'
	negative := ((lo&0xff ^ sign) - 1) >> 63 // 1 or 0: signs are random, so a branch would cost more
	lo ^= sign * negative
	digits, decimals := n-int(negative), 0
	free := 8 * uint(16-n)
	hi = hi<<free | lo>>(64-free) | lo<<(free-64) // a shift by 64 bits or more, as by -8, is 0
	lo <<= free

	const point = each * ('.' ^ '0')
	if is := ^others(hi^point) & (each << 7); is != 0 {
		after := bits.LeadingZeros64(is)
		digits, decimals = digits-1, after/8
		keep := ^uint64(0) << (64 - after)
		hi = hi&keep | (hi<<8|lo>>56)&^keep
		lo <<= 8
	} else if is := ^others(lo^point) & (each << 7); is != 0 {
		after := bits.LeadingZeros64(is)
		digits, decimals = digits-1, 8+after/8
		keep := ^uint64(0) << (64 - after)
		lo = lo&keep | lo<<8&^keep
	}
	const over9 = each * (0x80 - 10)
	mantissa := eightDigits(lo)*1e8 + eightDigits(hi)
	if digits == 0 || (lo|hi|(lo+over9)|(hi+over9))&(each<<7) != 0 || mantissa > 1<<53 {
		return 0, false
	}
	v = float64(int64(mantissa)) / powers[decimals]
	return math.Float64frombits(math.Float64bits(v) | negative<<63), true
}

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
