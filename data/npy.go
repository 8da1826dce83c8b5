package data

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/chainrule-go/chainrule/tensor"
)

// An NPY is the content of an npy file of NumPy: numbers in row-major order
// (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html).
type NPY struct {
	Shape   []int  // (N, ...); it may have no axis
	Type    string // of the elements in the file: f4, f8 (floats), i1 to i8, u1 to u8 (integers) or b1 (bool)
	Numbers []float64
}

var npyMagic = []byte("\x93NUMPY")

const (
	longestNPYHeader = 1 << 16
	mostNPYAxes      = 32 // as in NumPy before version 2
)

// npyHeader matches the header as NumPy writes it: a Python dictionary with three keys, in any
// order.
var npyHeader = regexp.MustCompile(`^\{((?:'[a-z_]+': (?:'[^']*'|True|False|\([0-9, ]*\))(?:, ?)?){3})\} *\n?$`)
var npyField = regexp.MustCompile(`'([a-z_]+)': ('[^']*'|True|False|\([0-9, ]*\))`)

// npyTypes are the types of elements that are read, without the byte order, and how each becomes
// a float64. Integers above 2^53 are rounded.
var npyTypes = map[string]func(binary.ByteOrder, []byte) float64{
	"f4": func(o binary.ByteOrder, b []byte) float64 { return float64(math.Float32frombits(o.Uint32(b))) },
	"f8": func(o binary.ByteOrder, b []byte) float64 { return math.Float64frombits(o.Uint64(b)) },
	"i1": func(o binary.ByteOrder, b []byte) float64 { return float64(int8(b[0])) },
	"i2": func(o binary.ByteOrder, b []byte) float64 { return float64(int16(o.Uint16(b))) },
	"i4": func(o binary.ByteOrder, b []byte) float64 { return float64(int32(o.Uint32(b))) },
	"i8": func(o binary.ByteOrder, b []byte) float64 { return float64(int64(o.Uint64(b))) },
	"u1": func(o binary.ByteOrder, b []byte) float64 { return float64(b[0]) },
	"u2": func(o binary.ByteOrder, b []byte) float64 { return float64(o.Uint16(b)) },
	"u4": func(o binary.ByteOrder, b []byte) float64 { return float64(o.Uint32(b)) },
	"u8": func(o binary.ByteOrder, b []byte) float64 { return float64(o.Uint64(b)) },
	"b1": func(o binary.ByteOrder, b []byte) float64 { return float64(b[0]) },
}

// ReadNPY reads an npy file of numbers from r, to its end. name is its name in errors.
// Files with objects, texts or complex numbers, and arrays in Fortran order, are refused.
//
// It takes at most 16 bytes for each number that has arrived, twice the 8 bytes of a float64,
// whatever the header states.
func ReadNPY(r io.Reader, name string) (*NPY, error) {
	x, err := readNPY(r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return x, nil
}

func readNPY(r io.Reader) (*NPY, error) {
	x, order, err := npyHeaderOf(r)
	if err != nil {
		return nil, err
	}
	size, _ := tensor.Size(x.Shape...)
	width, convert := int(x.Type[1]-'0'), npyTypes[x.Type]
	buf := make([]byte, min(width*size, 1<<16))
	for len(x.Numbers) < size {
		part := buf[:min(len(buf), width*(size-len(x.Numbers)))]
		if _, err := io.ReadFull(r, part); err != nil {
			return nil, cutOff(err, nil)
		}
		if need := len(x.Numbers) + len(part)/width; need > cap(x.Numbers) {
			longer := make([]float64, len(x.Numbers), min(size, max(2*len(x.Numbers), need)))
			copy(longer, x.Numbers)
			x.Numbers = longer
		}
		for ; len(part) > 0; part = part[width:] {
			x.Numbers = append(x.Numbers, convert(order, part))
		}
	}
	if n, err := io.ReadFull(r, make([]byte, 1)); n > 0 {
		return nil, errors.New("want the end of the file after the last number, got more")
	} else if err != io.EOF {
		return nil, err
	}
	return x, nil
}

// npyHeaderOf reads the header: the shape, the type, and the byte order.
func npyHeaderOf(r io.Reader) (*NPY, binary.ByteOrder, error) {
	head := make([]byte, 12)
	if _, err := io.ReadFull(r, head[:10]); err != nil || !bytes.HasPrefix(head, npyMagic) {
		return nil, nil, cutOff(err, errors.New("it is no npy file: it does not begin with \\x93NUMPY"))
	}
	length := int(binary.LittleEndian.Uint16(head[8:]))
	switch version := head[6]; version {
	case 1:
	case 2, 3:
		if _, err := io.ReadFull(r, head[10:]); err != nil {
			return nil, nil, cutOff(err, nil)
		}
		length = int(min(binary.LittleEndian.Uint32(head[8:]), longestNPYHeader+1))
	default:
		return nil, nil, fmt.Errorf("want version 1, 2 or 3 of the npy format, got %d", version)
	}
	if length > longestNPYHeader {
		return nil, nil, fmt.Errorf("want a header of at most %d bytes", longestNPYHeader)
	}
	header := make([]byte, length)
	if _, err := io.ReadFull(r, header); err != nil {
		return nil, nil, cutOff(err, nil)
	}
	return parseNPYHeader(header)
}

// parseNPYHeader returns the shape and the type, and the byte order of an element.
func parseNPYHeader(header []byte) (x *NPY, order binary.ByteOrder, err error) {
	fail := func(format string, args ...any) (*NPY, binary.ByteOrder, error) {
		return nil, nil, fmt.Errorf(format, args...)
	}
	m := npyHeader.FindSubmatch(header)
	fields := map[string]string{}
	if m != nil {
		for _, field := range npyField.FindAllSubmatch(m[1], -1) {
			fields[string(field[1])] = string(field[2])
		}
	}
	descr, fortran, shape := fields["descr"], fields["fortran_order"], fields["shape"]
	if !strings.HasPrefix(descr, "'") || !strings.HasPrefix(shape, "(") || fortran != "True" && fortran != "False" {
		return fail("want a header {'descr': ..., 'fortran_order': ..., 'shape': ...}, got %s", short(header))
	}
	descr = strings.Trim(descr, "'")
	order = binary.LittleEndian
	if strings.HasPrefix(descr, ">") {
		order = binary.BigEndian
	}
	kind := strings.TrimLeft(descr, "<>|=")
	if npyTypes[kind] == nil || len(descr)-len(kind) > 1 {
		return fail("want floats, integers or bools of at most 8 bytes, got the type %s; convert it with astype('float32')", short([]byte(descr)))
	}
	x = &NPY{Type: kind}
	for part := range strings.SplitSeq(strings.Trim(shape, "()"), ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		n, err := strconv.Atoi(part)
		if err != nil || len(x.Shape) == mostNPYAxes {
			return fail("want a shape of at most %d axes whose product fits an int, got %s", mostNPYAxes, short([]byte(shape)))
		}
		x.Shape = append(x.Shape, n)
	}
	if size, ok := tensor.Size(x.Shape...); !ok || size > math.MaxInt/8 {
		return fail("want a shape of at most %d axes whose product fits an int, got %s", mostNPYAxes, short([]byte(shape)))
	}
	if fortran == "True" && len(x.Shape) > 1 {
		return fail("it is in Fortran's order; save numpy.ascontiguousarray of it")
	}
	return x, order, nil
}

// cutOff returns otherwise if err is nil; else the error for a file that ends too soon or cannot
// be read.
func cutOff(err, otherwise error) error {
	switch err {
	case nil:
		return otherwise
	case io.EOF, io.ErrUnexpectedEOF:
		return fmt.Errorf("it is cut off (%w); copy it again", io.ErrUnexpectedEOF)
	}
	return err
}
