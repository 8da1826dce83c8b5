package data

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/chainrule-go/chainrule/tensor"
)

// An IDXReader reads the elements of an IDX file of unsigned bytes piece by piece. It
// decompresses a gzip file. Its memory does not depend on the file: look at Shape, and read only
// what you need.
type IDXReader struct {
	Shape []int // of all elements

	r      *bufio.Reader
	name   string
	seen   func([]byte) // receives the decompressed file; or nil
	offset int64        // in the decompressed file
	left   int          // elements to come
	err    error        // what ended the reading
}

// NewIDXReader reads the header of an IDX file. name is its name in errors. A header that is
// not well-formed is an [*IDXError].
func NewIDXReader(r io.Reader, name string) (*IDXReader, error) {
	return newIDXReader(r, name, nil)
}

func newIDXReader(r io.Reader, name string, seen func([]byte)) (*IDXReader, error) {
	in := &IDXReader{r: bufio.NewReader(r), name: name, seen: seen}
	if err := in.decompress(); err != nil {
		return nil, err
	}

	var magic [4]byte
	if err := in.header(magic[:], "the 4 bytes 00 00 08 and the number of axes"); err != nil {
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
	if err := in.header(lengths, fmt.Sprintf("the lengths of %d axes, 4 bytes each", axes)); err != nil {
		return nil, err
	}
	in.Shape = make([]int, axes)
	for i := range in.Shape {
		in.Shape[i] = int(binary.BigEndian.Uint32(lengths[4*i:])) // negative for some on a 32-bit machine, which Size refuses
	}
	size, ok := tensor.Size(in.Shape...)
	if !ok {
		return nil, in.fail(4, "axes whose product fits an int", tensor.FormatShape(in.Shape), nil)
	}
	in.left = size
	return in, nil
}

// Read reads elements. After the last one it checks that the file ends there, and the
// checksum of a gzip file. If all is well, the error is then [io.EOF]. Any other error is
// an [*IDXError]; then the elements that were read belong to a damaged file.
func (in *IDXReader) Read(p []byte) (n int, err error) {
	if in.err != nil {
		return 0, in.err
	}
	if in.left == 0 {
		in.err = in.end()
		return 0, in.err
	}
	if n, err = in.r.Read(p[:min(len(p), in.left)]); n > 0 {
		in.saw(p[:n])
		in.left -= n
	} else if err != nil {
		size, _ := tensor.Size(in.Shape...)
		in.err = in.stopped(fmt.Sprintf("%d elements of shape %s", size, tensor.FormatShape(in.Shape)), err)
	}
	return n, in.err
}

// end returns io.EOF if the file ends here.
func (in *IDXReader) end() error {
	switch _, err := in.r.ReadByte(); {
	case err == io.EOF:
		return err
	case err == nil:
		return in.fail(in.offset, "the end of the file", "more bytes", nil)
	default:
		return in.stopped("the end of the file", err)
	}
}

// header fills buf.
func (in *IDXReader) header(buf []byte, want string) error {
	n, err := io.ReadFull(in.r, buf)
	in.saw(buf[:n])
	if err != nil {
		return in.stopped(want, err)
	}
	return nil
}

func (in *IDXReader) saw(p []byte) {
	in.offset += int64(len(p))
	if in.seen != nil {
		in.seen(p)
	}
}

func (in *IDXReader) fail(offset int64, want, got string, err error) error {
	return &IDXError{Name: in.name, Offset: offset, Want: want, Got: got, Err: err}
}

// stopped returns the error for a read that ended at in.offset because of err.
func (in *IDXReader) stopped(want string, err error) error {
	got := err.Error()
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		got, err = "the end of the file", io.ErrUnexpectedEOF
	}
	return in.fail(in.offset, want, got, err)
}

var gzipMagic = []byte{0x1f, 0x8b}

// decompress finds out whether the data is compressed: gzip begins with 1f 8b, and IDX with
// 00 00.
func (in *IDXReader) decompress() error {
	magic, err := in.r.Peek(2)
	if err != nil && err != io.EOF {
		return in.stopped("an IDX file", err)
	}
	if !bytes.Equal(magic, gzipMagic) {
		return nil
	}
	g := &gzipReader{in: in.r}
	if err := g.next(); err != nil {
		return in.stopped("a gzip header", err)
	}
	in.r = bufio.NewReader(g)
	return nil
}

// A gzipReader decompresses the members of a gzip file, one after another. Its errors
// distinguish a truncated file, a damaged file, and bytes after the last member.
type gzipReader struct {
	in *bufio.Reader
	z  gzip.Reader
}

func (g *gzipReader) Read(p []byte) (int, error) {
	for {
		n, err := g.z.Read(p)
		if err != io.EOF {
			return n, gzipError(err)
		}
		if n > 0 {
			return n, nil // the next Read returns the end of the member
		}
		magic, err := g.in.Peek(2)
		switch {
		case err == io.EOF && len(magic) == 0:
			return 0, io.EOF
		case err != nil && err != io.EOF:
			return 0, err
		case !bytes.Equal(magic, gzipMagic):
			return 0, &damage{"bytes after the gzip stream that do not belong to it", gzip.ErrHeader}
		}
		if err := g.next(); err != nil {
			return 0, err
		}
	}
}

// next reads the header of a member.
func (g *gzipReader) next() error {
	err := g.z.Reset(g.in)
	g.z.Multistream(false)
	return gzipError(err)
}

func gzipError(err error) error {
	switch {
	case err == nil:
		return nil
	case err == io.EOF, err == io.ErrUnexpectedEOF:
		return &damage{"a gzip stream that is cut off", io.ErrUnexpectedEOF}
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), errors.As(err, new(flate.CorruptInputError)):
		return &damage{"a damaged gzip stream (" + err.Error() + ")", err}
	}
	return err // from the reader itself
}

// A damage is an error with a text of its own.
type damage struct {
	text string
	err  error
}

func (e *damage) Error() string { return e.text }
func (e *damage) Unwrap() error { return e.err }
