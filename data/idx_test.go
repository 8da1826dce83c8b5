package data

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// idxFile returns the bytes of an IDX file, written independently of WriteTo.
func idxFile(data string, shape ...uint32) []byte {
	file := []byte{0, 0, 8, byte(len(shape))}
	for _, d := range shape {
		file = binary.BigEndian.AppendUint32(file, d)
	}
	return append(file, data...)
}

func zip(members ...[]byte) []byte {
	var b bytes.Buffer
	for _, m := range members {
		z := gzip.NewWriter(&b)
		z.Write(m)
		z.Close()
	}
	return b.Bytes()
}

// flip returns a copy with one byte changed, counted from the end if i < 0.
func flip(b []byte, i int) []byte {
	b = slices.Clone(b)
	if i < 0 {
		i += len(b)
	}
	b[i] ^= 0x10
	return b
}

func TestReadIDX(t *testing.T) {
	small := idxFile("abcdef", 2, 3)
	large := idxFile(strings.Repeat("0123456789", 700_000), 7, 1000, 1000) // several times the first allocation
	deep := idxFile("x", slices.Repeat([]uint32{1}, 255)...)
	for _, tt := range []struct {
		name  string
		file  []byte
		plain []byte
	}{
		{"plain", small, small},
		{"gzip", zip(small), small},
		{"gzip in members", zip(small[:3], nil, small[3:13], small[13:]), small},
		{"large", large, large},
		{"large gzip", zip(large), large},
		{"no samples", idxFile("", 0, 28, 28), idxFile("", 0, 28, 28)},
		{"no samples, huge axes", idxFile("", 0, 1<<31-1, 1<<31-1, 1<<31-1), idxFile("", 0, 1<<31-1, 1<<31-1, 1<<31-1)},
		{"255 axes", deep, deep},
	} {
		for reader, wrap := range map[string]func(io.Reader) io.Reader{
			"at once": func(r io.Reader) io.Reader { return r }, "in halves": iotest.HalfReader, "with EOF": iotest.DataErrReader,
		} {
			t.Run(tt.name+"/"+reader, func(t *testing.T) {
				x, err := ReadIDX(wrap(bytes.NewReader(tt.file)), tt.name)
				if err != nil {
					t.Fatal(err)
				}
				var again bytes.Buffer
				if n, err := x.WriteTo(&again); err != nil || n != int64(again.Len()) {
					t.Errorf("WriteTo: %d, %v; %d were written", n, err, again.Len())
				}
				if !bytes.Equal(again.Bytes(), tt.plain) {
					t.Error("reading and writing does not give the same bytes")
				}
			})
		}
	}
	x, err := ReadIDX(bytes.NewReader(small), "small")
	if err != nil || !slices.Equal(x.Shape, []int{2, 3}) || string(x.Data) != "abcdef" {
		t.Errorf("got %+v, %v", x, err)
	}
}

func TestReadIDXErrors(t *testing.T) {
	broken := errors.New("broken")
	good := idxFile("abcdef", 2, 3)
	random := make([]byte, 3000) // does not compress, so that most of the gzip stream is data
	for i := range random {
		random[i] = byte(i * i >> 3)
	}
	zipped := zip(idxFile(string(random), 3000))
	for _, tt := range []struct {
		name   string
		file   []byte
		offset int64
		says   string
		cause  error
	}{
		{"empty", nil, 0, "want the 4 bytes 00 00 08 and the number of axes, got the end of the file", io.ErrUnexpectedEOF},
		{"one byte", good[:1], 1, "got the end of the file", io.ErrUnexpectedEOF},
		{"half the magic", good[:3], 3, "got the end of the file", io.ErrUnexpectedEOF},
		{"magic", []byte("PK\x03\x04......"), 0, "want 00 00, which begin an IDX file, got 50 4b", nil},
		{"second byte", flip(good, 1), 0, "got 00 10", nil},
		{"floats", []byte{0, 0, 0x0D, 1, 0, 0, 0, 1, 0, 0, 0, 0}, 2, "want type 08 (unsigned bytes), got type 0d (32-bit floats)", nil},
		{"signed", []byte{0, 0, 9, 1, 0, 0, 0, 1, 0}, 2, "type 09 (signed bytes)", nil},
		{"no type", []byte{0, 0, 0x0A, 1, 0, 0, 0, 1, 0}, 2, "got type 0a", nil},
		{"no axes", []byte{0, 0, 8, 0, 1}, 3, "want at least 1 axis, got 0", nil},
		{"half the lengths", good[:9], 9, "want the lengths of 2 axes, 4 bytes each, got the end of the file", io.ErrUnexpectedEOF},
		{"no lengths", good[:4], 4, "got the end of the file", io.ErrUnexpectedEOF},
		{"overflow", idxFile("abc", 1<<31, 1<<31, 2), 4, "want axes whose product fits an int", nil},
		{"overflow to a small product", idxFile("", 1<<31, 1<<31, 1<<31, 2), 4, "want axes whose product fits an int", nil},
		{"no data", good[:12], 12, "want 6 elements, (2, 3), got the end of the file", io.ErrUnexpectedEOF},
		{"half the data", good[:15], 15, "want 6 elements, (2, 3), got the end of the file", io.ErrUnexpectedEOF},
		{"trailing", append(slices.Clone(good), 0), 18, "want the end of the file, got more bytes", nil},
		{"data of no samples", idxFile("a", 0, 3), 12, "want the end of the file", nil},
		{"promised 2 GB", idxFile("abcdefgh", 1<<31-1), 16, "want 2147483647 elements", io.ErrUnexpectedEOF},

		{"gzip: half the data", zip(good[:15]), 15, "want 6 elements, (2, 3), got the end of the file", io.ErrUnexpectedEOF},
		{"gzip: trailing", zip(append(slices.Clone(good), 0)), 18, "got more bytes", nil},
		{"gzip: trailing member", zip(good, []byte("x")), 18, "got more bytes", nil},
		{"gzip: garbage after", append(zip(good), "rubbish..."...), 18, "not gzip in or after the gzip stream", gzip.ErrHeader},
		{"gzip: short garbage after", append(zip(good), 0), 18, "cut off", io.ErrUnexpectedEOF},
		{"gzip: header", append([]byte{0x1f, 0x8b, 7}, make([]byte, 20)...), 0, "want a gzip header", gzip.ErrHeader},
		{"gzip: half the header", zip(good)[:5], 0, "want a gzip header, got a gzip stream that is cut off", io.ErrUnexpectedEOF},
		{"gzip: CRC", flip(zip(good), -8), 18, "damaged gzip stream", gzip.ErrChecksum},
		{"gzip: length", flip(zip(good), -4), 18, "damaged gzip stream", gzip.ErrChecksum},
		{"gzip: no CRC", zip(good)[:len(zip(good))-8], 18, "cut off", io.ErrUnexpectedEOF},
		{"gzip: half the CRC", zip(good)[:len(zip(good))-6], 18, "cut off", io.ErrUnexpectedEOF},
		{"gzip: cut", zipped[:len(zipped)/2], -1, "cut off", io.ErrUnexpectedEOF},
		{"gzip: gzip in it", zip(zip(good)), 0, "got 1f 8b", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x, err := ReadIDX(bytes.NewReader(tt.file), "some.file")
			if err == nil {
				t.Fatalf("no error, but shape %v", x.Shape)
			}
			var idxErr *IDXError
			if !errors.As(err, &idxErr) {
				t.Fatalf("error is %T, want *IDXError", err)
			}
			if x != nil {
				t.Error("an IDX came with the error")
			}
			if idxErr.Name != "some.file" || !strings.HasPrefix(err.Error(), "some.file, byte ") {
				t.Errorf("%q does not name the file", err)
			}
			if tt.offset >= 0 && idxErr.Offset != tt.offset {
				t.Errorf("offset %d, want %d", idxErr.Offset, tt.offset)
			}
			if !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%q does not say %q", err, tt.says)
			}
			if !errors.Is(err, tt.cause) && tt.cause != nil || tt.cause == nil && idxErr.Err != nil {
				t.Errorf("cause %v, want %v", idxErr.Err, tt.cause)
			}
		})
	}

	for _, n := range []int{0, 1, 3, 13} {
		r := io.MultiReader(bytes.NewReader(good[:n]), iotest.ErrReader(broken))
		_, err := ReadIDX(r, "some.file")
		var idxErr *IDXError
		if !errors.As(err, &idxErr) || !errors.Is(err, broken) || idxErr.Offset > int64(n) {
			t.Errorf("reader broken after %d bytes: %v", n, err)
		}
	}
}

// An error of the reader is not lost, even if the next read would succeed.
func TestReadIDXPassingError(t *testing.T) {
	broken := errors.New("broken")
	r := &passingError{err: broken, r: bytes.NewReader(idxFile("abcdef", 2, 3))}
	if _, err := ReadIDX(r, "f"); !errors.Is(err, broken) {
		t.Errorf("got error %v, want %v", err, broken)
	}
}

type passingError struct {
	err error
	r   io.Reader
}

func (p *passingError) Read(b []byte) (int, error) {
	if err := p.err; err != nil {
		p.err = nil
		return 0, err
	}
	return p.r.Read(b)
}

// Every prefix of a compressed file, and the file with any one bit of the
// stream changed, is an error or, where gzip has bits without meaning, the file.
func TestReadIDXDamage(t *testing.T) {
	plain := idxFile("abcdefabcdef", 3, 4)
	file := zip(plain)
	for n := range file {
		if _, err := ReadIDX(bytes.NewReader(file[:n]), "cut"); err == nil {
			t.Errorf("a file cut to %d of %d bytes is accepted", n, len(file))
		}
	}
	for i := range file {
		x, err := ReadIDX(bytes.NewReader(flip(file, i)), "flipped")
		if err != nil {
			continue
		}
		var again bytes.Buffer
		x.WriteTo(&again)
		if !bytes.Equal(again.Bytes(), plain) {
			t.Errorf("byte %d changed: other data is accepted", i)
		}
	}
}

// A file that promises more than it has must not cost what it promises.
func TestReadIDXMemory(t *testing.T) {
	for _, file := range [][]byte{
		idxFile("abcd", 1<<31-1),
		zip(idxFile("abcd", 1<<31-1)),
		idxFile(strings.Repeat("x", 3<<20), 1<<31-1),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := ReadIDX(bytes.NewReader(file), "liar"); err == nil {
			t.Fatal("no error")
		}
		runtime.ReadMemStats(&after)
		if got, most := after.TotalAlloc-before.TotalAlloc, uint64(4*len(file)+2<<20); got > most {
			t.Errorf("a file of %d bytes took %d bytes of memory, want at most %d", len(file), got, most)
		}
	}
}

func TestReadIDXLimit(t *testing.T) {
	file := idxFile("abcdef", 2, 3)
	if _, err := readIDX(bytes.NewReader(file), "f", 6, func([]byte) {}); err != nil {
		t.Error(err)
	}
	_, err := readIDX(bytes.NewReader(file), "f", 5, func([]byte) {})
	if err == nil || err.Error() != "f, byte 4: want at most 5 elements, got 6, (2, 3)" {
		t.Errorf("got error %v", err)
	}
}

func TestReadIDXFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "name-without-gz")
	if _, err := ReadIDXFile(path); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), path) {
		t.Errorf("got error %v", err)
	}
	if err := os.WriteFile(path, zip(idxFile("abc", 3)), 0o644); err != nil {
		t.Fatal(err)
	}
	if x, err := ReadIDXFile(path); err != nil || string(x.Data) != "abc" {
		t.Errorf("got %v, %v", x, err)
	}
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadIDXFile(path); err == nil || !strings.Contains(err.Error(), path+", byte 0: ") {
		t.Errorf("got error %v", err)
	}
}

type brokenWriter struct{ left int }

func (w *brokenWriter) Write(p []byte) (int, error) {
	n := min(len(p), w.left)
	w.left -= n
	if n < len(p) {
		return n, io.ErrShortWrite
	}
	return n, nil
}

func TestWriteToErrors(t *testing.T) {
	for _, x := range []*IDX{
		{}, {Data: []byte("a")}, {Shape: make([]int, 256)}, {Shape: []int{2}, Data: []byte("abc")}, {Shape: []int{-1, -1}, Data: []byte("a")},
	} {
		var b bytes.Buffer
		if n, err := x.WriteTo(&b); err == nil || n != 0 || b.Len() != 0 {
			t.Errorf("shape %v with %d elements: wrote %d, %v", x.Shape, len(x.Data), n, err)
		}
	}
	x := &IDX{Shape: []int{3}, Data: []byte("abc")}
	for room := range 11 { // 8 + 3 bytes
		if n, err := x.WriteTo(&brokenWriter{room}); err == nil || n != int64(room) {
			t.Errorf("room for %d bytes: wrote %d, %v", room, n, err)
		}
	}
}
