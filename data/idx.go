package data

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"

	"github.com/chainrule-go/chainrule/tensor"
)

// An IDX is the content of an IDX file of unsigned bytes, the format of MNIST:
// len(Data) is the product of Shape, and the last axis varies fastest. An axis
// may have length 0.
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
	Err    error  // why it could not be read on, such as [gzip.ErrChecksum]; or nil
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

// ReadIDX reads an IDX file of unsigned bytes from r, to the end; name stands
// for it in errors. Data that begins with the magic number of gzip is
// decompressed. Whatever is not exactly one well-formed file is an [*IDXError].
//
// Memory grows with what arrives, not with what the header promises.
func ReadIDX(r io.Reader, name string) (*IDX, error) {
	return readIDX(r, name, math.MaxInt, func([]byte) {})
}

// ReadIDXFile is [ReadIDX] for the file at path.
func ReadIDXFile(path string) (*IDX, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return ReadIDX(f, path)
}

// readIDX refuses files of more than most elements, unread. Whoever knows that
// has the memory for them, and it need not grow. seen is given the decompressed
// file as it arrives, in pieces that stay as they are.
func readIDX(r io.Reader, name string, most int, seen func([]byte)) (*IDX, error) {
	in := &idxReader{r: bufio.NewReader(r), name: name, seen: seen}
	if err := in.decompress(); err != nil {
		return nil, err
	}

	var magic [4]byte
	if err := in.full(magic[:], "the 4 bytes 00 00 08 and the number of axes"); err != nil {
		return nil, err
	}
	if magic[0] != 0 || magic[1] != 0 {
		return nil, in.fail(0, "00 00, which begin an IDX file", fmt.Sprintf("% x", magic[:2]), nil)
	}
	if kind := magic[2]; kind != idxUnsignedByte {
		got := fmt.Sprintf("type %02x", kind)
		if known, ok := idxTypes[kind]; ok {
			got += " (" + known + ")"
		}
		return nil, in.fail(2, "type 08 (unsigned bytes)", got, nil)
	}
	axes := int(magic[3])
	if axes == 0 {
		return nil, in.fail(3, "at least 1 axis", "0", nil)
	}

	lengths := make([]byte, 4*axes)
	if err := in.full(lengths, fmt.Sprintf("the lengths of %d axes, 4 bytes each", axes)); err != nil {
		return nil, err
	}
	shape := make([]int, axes)
	for i := range shape {
		shape[i] = int(binary.BigEndian.Uint32(lengths[4*i:])) // negative for some on a 32-bit machine, which Size refuses
	}
	size, ok := tensor.Size(shape...)
	if !ok {
		return nil, in.fail(4, "axes whose product fits an int", tensor.FormatShape(shape), nil)
	}
	if size > most {
		return nil, in.fail(4, fmt.Sprintf("at most %d elements", most), fmt.Sprintf("%d, %s", size, tensor.FormatShape(shape)), nil)
	}

	first := piece
	if most < math.MaxInt {
		first = most
	}
	data, err := in.grow(size, first, fmt.Sprintf("%d elements, %s", size, tensor.FormatShape(shape)))
	if err != nil {
		return nil, err
	}
	if err := in.end(); err != nil {
		return nil, err
	}
	return &IDX{Shape: shape, Data: data}, nil
}

// WriteTo writes x as an uncompressed IDX file: byte for byte the file it was
// read from, decompressed. It fails, before writing, on what the format cannot
// hold: no axis or more than 255, or an axis of 1<<32 or more; and if len(x.Data)
// is not the product of x.Shape.
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

// An idxReader knows where it is in the decompressed file.
type idxReader struct {
	r      *bufio.Reader
	name   string
	seen   func([]byte)
	offset int64
}

func (in *idxReader) fail(offset int64, want, got string, err error) error {
	return &IDXError{Name: in.name, Offset: offset, Want: want, Got: got, Err: err}
}

// stopped is the error for a read that ended at in.offset for the reason err.
func (in *idxReader) stopped(want string, err error) error {
	got := err.Error()
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		got, err = "the end of the file", io.ErrUnexpectedEOF
	}
	return in.fail(in.offset, want, got, err)
}

// decompress looks whether the data is compressed: gzip begins with 1f 8b, IDX
// with 00 00, so there is nothing to guess.
func (in *idxReader) decompress() error {
	magic, err := in.r.Peek(2)
	if err != nil && err != io.EOF {
		return in.stopped("an IDX file", err)
	}
	if !bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		return nil
	}
	z, err := gzip.NewReader(in.r)
	if err != nil {
		return in.stopped("a gzip header", damaged(err))
	}
	in.r = bufio.NewReader(gzipReader{z})
	return nil
}

// A gzipReader tells damage of the compressed stream from its end.
type gzipReader struct{ z *gzip.Reader }

func (g gzipReader) Read(p []byte) (int, error) {
	n, err := g.z.Read(p)
	if err != nil && err != io.EOF {
		err = damaged(err)
	}
	return n, err
}

func damaged(err error) error {
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("a gzip stream that is cut off: %w", io.ErrUnexpectedEOF)
	case errors.Is(err, gzip.ErrHeader):
		return fmt.Errorf("something that is not gzip in or after the gzip stream: %w", err)
	}
	return fmt.Errorf("a damaged gzip stream: %w", err)
}

// full fills buf.
func (in *idxReader) full(buf []byte, want string) error {
	n, err := io.ReadFull(in.r, buf)
	in.offset += int64(n)
	if err != nil {
		return in.stopped(want, err)
	}
	in.seen(buf)
	return nil
}

// piece is how much is read at a time.
const piece = 1 << 20

// grow reads size bytes, never holding more than four times what has arrived
// and the first so many.
func (in *idxReader) grow(size, first int, want string) ([]byte, error) {
	data := make([]byte, min(size, first))
	for have := 0; ; {
		for have < len(data) {
			next := min(have+piece, len(data))
			if err := in.full(data[have:next], want); err != nil {
				return nil, err
			}
			have = next
		}
		if have == size {
			return data, nil
		}
		longer := make([]byte, have+min(size-have, 3*have))
		copy(longer, data)
		data = longer
	}
}

// end reads on to the end, which is also where gzip verifies its checksum.
func (in *idxReader) end() error {
	switch _, err := in.r.ReadByte(); {
	case err == io.EOF:
		return nil
	case err == nil:
		return in.fail(in.offset, "the end of the file", "more bytes", nil)
	default:
		return in.stopped("the end of the file", err)
	}
}
