package data

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"github.com/chainrule-go/chainrule/internal/inputfile"
	"github.com/chainrule-go/chainrule/tensor"
)

// An IDX is the content of an IDX file of unsigned bytes, the format of MNIST. len(Data) is the
// product of Shape, and the last axis varies fastest. An axis may have length 0.
//
// A file is two zero bytes, a byte for the type of the elements, a byte for the
// number of axes, their lengths as big-endian 32-bit numbers, and the elements:
// http://yann.lecun.com/exdb/mnist/.
type IDX struct {
	Shape []int
	Data  []byte
}

// An IDXError says where a file departs from the IDX format.
type IDXError struct {
	Name   string // the file
	Offset int64  // the byte where it does, counted after decompression
	Want   string // what should be there
	Got    string // what is there
	Err    error  // why reading failed, such as [gzip.ErrChecksum]; or nil
}

func (e *IDXError) Error() string {
	return fmt.Sprintf("%s, byte %d: want %s, got %s", e.Name, e.Offset, e.Want, e.Got)
}

// Unwrap returns e.Err.
func (e *IDXError) Unwrap() error { return e.Err }

// idxTypes are the element types of the format. Only unsigned bytes are read.
var idxTypes = map[byte]string{
	0x08: "unsigned bytes", 0x09: "signed bytes", 0x0B: "16-bit integers",
	0x0C: "32-bit integers", 0x0D: "32-bit floats", 0x0E: "64-bit floats",
}

const idxUnsignedByte = 0x08

// ReadIDX reads an IDX file of unsigned bytes from r, to the end. name is its name in errors. It
// decompresses a gzip file. Anything but exactly one well-formed file is an [*IDXError]. So is a
// file with more than limit elements; of that only the header is read.
//
// Memory is at most four times the decompressed bytes that have arrived, and at most twice the
// limit, whatever sizes the header states. The memory of an [IDXReader] does not depend on the
// file.
func ReadIDX(r io.Reader, name string, limit int) (*IDX, error) {
	return readIDX(r, name, limit, piece, nil)
}

// ReadIDXFile is [ReadIDX] for the file at path.
func ReadIDXFile(path string, limit int) (*IDX, error) {
	f, err := inputfile.Open(context.Background(), path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return ReadIDX(f, path, limit)
}

// piece is the number of bytes that are read at a time.
const piece = 1 << 20

// readIDX allocates memory for the first elements, and more when these have arrived. seen, if it
// is not nil, receives the decompressed file in pieces, which do not change afterwards.
func readIDX(r io.Reader, name string, limit, first int, seen func([]byte)) (*IDX, error) {
	in, err := newIDXReader(r, name, seen)
	if err != nil {
		return nil, err
	}
	size := in.left
	if size > limit {
		return nil, in.fail(4, fmt.Sprintf("at most %d elements", limit), fmt.Sprintf("%d, %s", size, tensor.FormatShape(in.Shape)), nil)
	}
	data := make([]byte, min(size, first))
	for have := 0; ; {
		for have < len(data) {
			next := min(have+piece, len(data))
			if _, err := io.ReadFull(in, data[have:next]); err != nil {
				return nil, err
			}
			have = next
		}
		if have == size {
			break
		}
		longer := make([]byte, have+min(size-have, 3*have))
		copy(longer, data)
		data = longer
	}
	if _, err := in.Read(nil); err != io.EOF {
		return nil, err
	}
	return &IDX{Shape: in.Shape, Data: data}, nil
}

// WriteTo writes x as an uncompressed IDX file. If x was read from a file, the result is that
// file, decompressed, byte for byte. WriteTo fails before it writes if the format cannot hold x:
// if it has no axis, more than 255 axes, or an axis of 1<<32 or more, or if len(x.Data) is not
// the product of x.Shape.
func (x *IDX) WriteTo(w io.Writer) (int64, error) {
	if axes := len(x.Shape); axes == 0 || axes > 255 {
		return 0, fmt.Errorf("an IDX file has 1 to 255 axes, not the %d of %s", axes, tensor.FormatShape(x.Shape))
	}
	if size, ok := tensor.Size(x.Shape...); !ok || size != len(x.Data) {
		return 0, fmt.Errorf("an IDX of shape %s cannot hold %d elements", tensor.FormatShape(x.Shape), len(x.Data))
	}
	header := []byte{0, 0, idxUnsignedByte, byte(len(x.Shape))}
	for _, d := range x.Shape {
		if int64(d) > math.MaxUint32 {
			return 0, fmt.Errorf("an axis of an IDX file is shorter than 1<<32, not %d", d)
		}
		header = binary.BigEndian.AppendUint32(header, uint32(d))
	}
	n, err := w.Write(header)
	if err != nil {
		return int64(n), err
	}
	m, err := w.Write(x.Data)
	return int64(n + m), err
}
