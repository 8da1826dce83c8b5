package data

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"

	"github.com/chainrule-go/chainrule/internal/inputfile"
)

// A source is an open file, and its kind.
type source struct {
	*inputfile.File
	r    *bufio.Reader // the file, whose sum is computed
	kind sourceKind
	path string
	sum  io.Writer
	done func()
}

type sourceKind int

const (
	kindTable sourceKind = iota
	kindIDX
	kindNPY
	kindNPZ
)

// openSource opens a file and looks at its beginning.
func openSource(ctx context.Context, path string, sums *fileSums) (*source, error) {
	f, err := inputfile.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	sum := sha256.New()
	s := &source{File: f, r: bufio.NewReader(f), path: path, sum: sum, done: func() { sums.add(filepath.Base(path), sum) }}
	begin, err := s.r.Peek(peeked)
	if err != nil && err != io.EOF {
		f.Close()
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	if s.kind, err = kindOf(begin); err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// peeked is how much of a file kindOf looks at.
const peeked = 4096

// kindOf returns the kind of a file with the given beginning. It is an error if it is known, and
// none that is read.
func kindOf(begin []byte) (sourceKind, error) {
	switch {
	case bytes.HasPrefix(begin, npyMagic):
		return kindNPY, nil
	case bytes.HasPrefix(begin, []byte{0, 0}):
		return kindIDX, nil
	case bytes.HasPrefix(begin, gzipMagic):
		if holdsTable(begin) {
			return kindTable, nil
		}
		return kindIDX, nil
	case bytes.HasPrefix(begin, []byte("PK\x03\x04")) && len(begin) >= 30:
		name := begin[30:]
		name = name[:min(len(name), int(binary.LittleEndian.Uint16(begin[26:])))]
		switch {
		case bytes.HasSuffix(name, []byte(".npy")):
			return kindNPZ, nil
		case bytes.Equal(name, []byte("[Content_Types].xml")), bytes.HasPrefix(name, []byte("_rels/")), bytes.HasPrefix(name, []byte("xl/")), bytes.HasPrefix(name, []byte("docProps/")):
			return 0, errors.New("it is a spreadsheet (xlsx); save the sheet as CSV")
		case bytes.HasPrefix(begin[30:], []byte("mimetypeapplication/vnd.oasis.opendocument.spreadsheet")):
			return 0, errors.New("it is a spreadsheet (ods); save the sheet as CSV")
		}
		return 0, errors.New("it is a zip file; unzip it, and name the file or folder that was in it")
	case bytes.HasPrefix(begin, []byte("\xd0\xcf\x11\xe0")):
		return 0, errors.New("it is a spreadsheet (xls); save the sheet as CSV")
	case bytes.HasPrefix(begin, []byte("PAR1\x15")): // a table may begin with the name PAR1
		return 0, errors.New("it is a Parquet file; save it as CSV")
	case len(begin) > 8 && begin[8] == '{' && bytes.Equal(begin[4:8], make([]byte, 4)): // the length of the header, and the header
		return 0, errors.New("it is a model or a checkpoint (safetensors), and no data; name a table, a folder of pictures, or an IDX, npy or npz file")
	}
	return kindTable, nil
}

// holdsTable reports whether a gzip file with the given beginning holds something else than IDX,
// or nothing.
func holdsTable(begin []byte) bool {
	z, err := gzip.NewReader(bytes.NewReader(begin))
	if err != nil {
		return false
	}
	first := make([]byte, 2)
	n, err := io.ReadFull(z, first) // an error comes again when the file is read
	return n == 0 && err == io.EOF || n == 2 && !bytes.Equal(first, []byte{0, 0})
}

// unzipped returns what is in r, decompressed if that is a gzip file.
func unzipped(r io.Reader) (io.Reader, error) {
	z := &bounded{in: bufio.NewReader(r)}
	if begin, _ := z.in.Peek(len(gzipMagic)); !bytes.Equal(begin, gzipMagic) { // an error comes again
		return z.in, nil
	}
	z.gzip.in = bufio.NewReader(&z.seen)
	z.seen.r = z.in
	return z, z.gzip.next()
}

// bounded decompresses a gzip file. Bytes beyond the limit of a decompressed file are an error.
type bounded struct {
	in   *bufio.Reader
	seen counter // of the bytes of in
	gzip gzipReader
	out  int64
}

type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (n int, err error) {
	n, err = c.r.Read(p)
	c.n += int64(n)
	return n, err
}

func (b *bounded) Read(p []byte) (n int, err error) {
	n, err = b.gzip.Read(p)
	if b.out += int64(n); b.out > freeBytes+perByte*b.seen.n {
		return 0, fmt.Errorf("the first %d bytes hold more than %d, far more than text does; decompress it with gunzip", b.seen.n, freeBytes+perByte*b.seen.n)
	}
	return n, err
}

// Read reads from the file and adds to its sum.
func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.sum.Write(p[:n])
	return n, err
}

// end records the sum of the whole file.
func (s *source) end() error {
	if s.kind == kindNPZ { // not read from its beginning to its end
		if _, err := io.Copy(s.sum, s.r); err != nil {
			return fmt.Errorf("reading %s: %w", s.path, err)
		}
	}
	s.done()
	return nil
}

// The limit of a decompressed file: 64 MiB, and 256 bytes for each byte of the compressed file.
// DEFLATE can make a thousand zeros from one byte; images are seldom compressed to a tenth.
const (
	freeBytes = 64 << 20
	perByte   = 256
)

// most returns the limit of bytes for the decompressed file.
func (s *source) most() int {
	size := int64(0)
	if info, err := s.Stat(); err == nil && info.Mode().IsRegular() {
		size = info.Size()
	}
	return int(min(freeBytes+perByte*size, math.MaxInt32))
}
