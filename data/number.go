package data

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"strconv"
)

// powers are the powers of ten that a float64 holds exactly.
var powers = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// number parses a decimal number: digits with at most one point and a power of ten, such as
// -1.5e-3. The result is the nearest float64, as from strconv.ParseFloat. Other forms that
// ParseFloat accepts, such as 0x1p4, 1_000, inf and nan, are errors here.
//
// Most numbers take a short way: their digits are an integer up to 2^53, which is multiplied or
// divided by one of powers; this rounds once (Clinger, How to read floating point numbers
// accurately, 1990).
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
			mantissa = mantissa*10 + uint64(d) // wrong with more than 19 digits; then it is not used
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

// fixedPoint is number for b[begin:end] in a common form: at most 16 bytes, digits with at
// most one point and a minus, and at most 2^53 without the point. For any other form ok is
// false. It handles all digits together, because tables may have many numbers. It reads the
// 16 bytes before end; if there are fewer, ok is false too.
//
// Two words hold the values of the digits, the last digit in the highest byte, and zeros before
// the first digit. The digits before the point are moved over the point.
func fixedPoint(b []byte, begin, end int) (v float64, ok bool) {
	n := end - begin
	if n <= 0 || n > 16 || end < 16 {
		return 0, false
	}
	negative := (uint64(b[begin]^'-') - 1) >> 63 // 1 or 0, without a branch: signs are random
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

// highest[i] has ones in its highest bytes: in none for i up to 8, in i-8 for i from 8 to 16, in
// all for i from 16 on.
var highest = func() (words [25]uint64) {
	for i := range words {
		words[i] = ^(^uint64(0) >> (8 * min(max(i-8, 0), 8)))
	}
	return words
}()

// eightDigits returns the number whose digits are the bytes of w, the first digit in the lowest
// byte. It joins neighbors to pairs, pairs to fours, and fours to eight.
func eightDigits(w uint64) uint64 {
	w = w*10 + w>>8
	const pairs = 0x000000ff_000000ff
	return (w&pairs*(1_000_000<<32+100) + w>>16&pairs*(10_000<<32+1)) >> 32
}

// power parses the power of ten at the end of a number.
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

// short quotes a text from a file for an error message, and shortens it.
func short(s []byte) string {
	if len(s) > 40 {
		return strconv.Quote(string(s[:40])) + "…"
	}
	return strconv.Quote(string(s))
}
