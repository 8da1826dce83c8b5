package data

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/chainrule-go/chainrule/internal/memlimit"
)

// idxFile returns the bytes of an IDX file, written independently of WriteTo.
func idxFile(data string, shape ...uint32) []byte {
	file := []byte{0, 0, 8, byte(len(shape))}
	for _, d := range shape {
		file = binary.BigEndian.AppendUint32(file, d)
	}
	return append(file, data...)
}

func gzipped(members ...[]byte) []byte {
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
		{"gzip", gzipped(small), small},
		{"gzip in members", gzipped(small[:3], nil, small[3:13], small[13:]), small},
		{"large", large, large},
		{"large gzip", gzipped(large), large},
		{"no samples", idxFile("", 0, 28, 28), idxFile("", 0, 28, 28)},
		{"no samples, huge axes", idxFile("", 0, 1<<31-1, 1<<31-1, 1<<31-1), idxFile("", 0, 1<<31-1, 1<<31-1, 1<<31-1)},
		{"255 axes", deep, deep},
	} {
		for _, reader := range []struct {
			name string
			wrap func(io.Reader) io.Reader
		}{
			{"at once", func(r io.Reader) io.Reader { return r }}, {"in halves", iotest.HalfReader}, {"with EOF", iotest.DataErrReader},
		} {
			t.Run(tt.name+"/"+reader.name, func(t *testing.T) {
				x, err := ReadIDX(reader.wrap(bytes.NewReader(tt.file)), tt.name, math.MaxInt)
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
	x, err := ReadIDX(bytes.NewReader(small), "small", math.MaxInt)
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
	zipped := gzipped(idxFile(string(random), 3000))
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
		{"no data", good[:12], 12, "want 6 elements of shape (2, 3), got the end of the file", io.ErrUnexpectedEOF},
		{"half the data", good[:15], 15, "want 6 elements of shape (2, 3), got the end of the file", io.ErrUnexpectedEOF},
		{"trailing", append(slices.Clone(good), 0), 18, "want the end of the file, got more bytes", nil},
		{"data of no samples", idxFile("a", 0, 3), 12, "want the end of the file", nil},
		{"promised 2 GB", idxFile("abcdefgh", 1<<31-1), 16, "want 2147483647 elements", io.ErrUnexpectedEOF},

		{"gzip: half the data", gzipped(good[:15]), 15, "want 6 elements of shape (2, 3), got the end of the file", io.ErrUnexpectedEOF},
		{"gzip: trailing", gzipped(append(slices.Clone(good), 0)), 18, "got more bytes", nil},
		{"gzip: trailing member", gzipped(good, []byte("x")), 18, "got more bytes", nil},
		{"gzip: garbage after", append(gzipped(good), "rubbish..."...), 18, "got bytes after the gzip stream that do not belong to it", gzip.ErrHeader},
		{"gzip: short garbage after", append(gzipped(good), 0), 18, "got bytes after the gzip stream that do not belong to it", gzip.ErrHeader},
		{"gzip: half a magic number after", append(gzipped(good), 0x1f), 18, "got bytes after the gzip stream that do not belong to it", gzip.ErrHeader},
		{"gzip: zeros after", append(gzipped(good), make([]byte, 512)...), 18, "got bytes after the gzip stream that do not belong to it", gzip.ErrHeader},
		{"gzip: half a member after", append(gzipped(good), gzipped(good)[:7]...), 18, "got a gzip stream that is cut off", io.ErrUnexpectedEOF},
		{"gzip: damaged member after", append(gzipped(good), 0x1f, 0x8b, 7, 0, 0, 0, 0, 0, 0, 0), 18, "damaged gzip stream", gzip.ErrHeader},
		{"gzip: header", append([]byte{0x1f, 0x8b, 7}, make([]byte, 20)...), 0, "want a gzip header", gzip.ErrHeader},
		{"gzip: half the header", gzipped(good)[:5], 0, "want a gzip header, got a gzip stream that is cut off", io.ErrUnexpectedEOF},
		{"gzip: CRC", flip(gzipped(good), -8), 18, "damaged gzip stream", gzip.ErrChecksum},
		{"gzip: length", flip(gzipped(good), -4), 18, "damaged gzip stream", gzip.ErrChecksum},
		{"gzip: no CRC", gzipped(good)[:len(gzipped(good))-8], 18, "cut off", io.ErrUnexpectedEOF},
		{"gzip: half the CRC", gzipped(good)[:len(gzipped(good))-6], 18, "cut off", io.ErrUnexpectedEOF},
		{"gzip: cut", zipped[:len(zipped)/2], -1, "cut off", io.ErrUnexpectedEOF},
		{"gzip: gzip in it", gzipped(gzipped(good)), 0, "got 1f 8b", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x, err := ReadIDX(bytes.NewReader(tt.file), "some.file", math.MaxInt)
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
		_, err := ReadIDX(r, "some.file", math.MaxInt)
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
	if _, err := ReadIDX(r, "f", math.MaxInt); !errors.Is(err, broken) {
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
	file := gzipped(plain)
	for n := range file {
		if _, err := ReadIDX(bytes.NewReader(file[:n]), "cut", math.MaxInt); err == nil {
			t.Errorf("a file cut to %d of %d bytes is accepted", n, len(file))
		}
	}
	for i := range file {
		x, err := ReadIDX(bytes.NewReader(flip(file, i)), "flipped", math.MaxInt)
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

// gigabyte is a gzip file of an IDX file of so many elements, all 0, at a
// thousandth of its size; the header says what is given.
func gigabyte(elements int64, shape ...uint32) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write(idxFile("", shape...))
	io.CopyN(z, zeros{}, elements)
	z.Close()
	return b.Bytes()
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// allocated returns how much memory f takes, what it gives back included.
func allocated(f func()) int {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int(after.TotalAlloc - before.TotalAlloc)
}

// A file that promises more than it has must not cost what it promises, and one
// that has more than is wanted must not cost what it has.
func TestReadIDXMemory(t *testing.T) {
	bomb := gigabyte(1<<26, 1<<26/784+1, 28, 28)
	for _, tt := range []struct {
		name  string
		file  []byte
		limit int
		most  int
	}{
		{"promise", idxFile("abcd", 1<<31-1), math.MaxInt, 2 << 20},
		{"promise in gzip", gzipped(idxFile("abcd", 1<<31-1)), math.MaxInt, 2 << 20},
		{"promise with a beginning", idxFile(strings.Repeat("x", 3<<20), 1<<31-1), math.MaxInt, 14 << 20},
		{"over the limit", bomb, 10 << 20, 1 << 20},
		{"more than it says", gigabyte(1<<26, 3, 28, 28), 100 << 20, 2 << 20},
		{"ten thousand members", bytes.Repeat(gzipped(nil), 1e4), 100 << 20, 2 << 20},
		{"members after the end", append(gzipped(idxFile("abc", 3)), append(bytes.Repeat(gzipped(nil), 1e4), 0)...), 100 << 20, 2 << 20},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := allocated(func() {
				if _, err := ReadIDX(bytes.NewReader(tt.file), "file", tt.limit); err == nil {
					t.Fatal("no error")
				}
			})
			if got > tt.most {
				t.Errorf("a file of %d bytes took %d bytes of memory, want at most %d", len(tt.file), got, tt.most)
			}
		})
	}
}

// Reading within a limit and piece by piece, each in a process that has no memory
// for more than is asked for: the file has 6 GB.
func TestIDXInLittleMemory(t *testing.T) {
	const unit = 64 << 20                  // how Go reserves
	file := func(t *testing.T) io.Reader { // its elements are in many members, each a thousandth of its size
		const member = 1 << 26
		var one bytes.Buffer
		z := gzip.NewWriter(&one)
		io.CopyN(z, zeros{}, member)
		z.Close()
		const count = 96
		readers := []io.Reader{bytes.NewReader(gzipped(idxFile("", count*member/4096, 64, 64)))}
		for range count {
			readers = append(readers, bytes.NewReader(one.Bytes()))
		}
		return io.MultiReader(readers...)
	}
	t.Run("refused", func(t *testing.T) {
		memlimit.Run(t, unit+64<<20, func(t *testing.T) {
			if _, err := ReadIDX(file(t), "big", 1<<30); err == nil || !strings.Contains(err.Error(), "want at most 1073741824 elements, got 6442450944, (1572864, 64, 64)") {
				t.Errorf("error %v", err)
			}
		})
	})
	t.Run("its first images", func(t *testing.T) {
		memlimit.Run(t, unit+64<<20, func(t *testing.T) {
			in, err := NewIDXReader(file(t), "big")
			if err != nil {
				t.Fatal(err)
			}
			image := make([]byte, 64*64)
			for range 10_000 {
				if _, err := io.ReadFull(in, image); err != nil {
					t.Fatal(err)
				}
			}
		})
	})
}

func TestIDXReaderMemory(t *testing.T) {
	file := gigabyte(10_000_000, 10_000, 1000)
	p := make([]byte, 1000)
	got := allocated(func() {
		in, err := NewIDXReader(bytes.NewReader(file), "f")
		for err == nil {
			_, err = in.Read(p)
		}
		if err != io.EOF {
			t.Error(err)
		}
	})
	if got > 64<<10 {
		t.Errorf("reading a file of 10 MB piece by piece took %d bytes of memory, want at most %d", got, 64<<10)
	}
}

// What an IDXReader gives is what ReadIDX does, in pieces of any size, and its
// end is no end before the file is verified.
func TestIDXReader(t *testing.T) {
	for _, size := range []int{1, 3, 4, 6, 100} {
		t.Run(fmt.Sprint("pieces of ", size), func(t *testing.T) {
			in, err := NewIDXReader(bytes.NewReader(gzipped(idxFile("abcdef", 2, 3))), "f")
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(in.Shape, []int{2, 3}) {
				t.Errorf("shape %v", in.Shape)
			}
			var got []byte
			p := make([]byte, size)
			for {
				n, err := in.Read(p)
				got = append(got, p[:n]...)
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			if string(got) != "abcdef" {
				t.Errorf("got %q", got)
			}
			if n, err := in.Read(p); n != 0 || err != io.EOF {
				t.Errorf("after the end: %d, %v", n, err)
			}
		})
	}
	t.Run("damaged at its end", func(t *testing.T) {
		in, err := NewIDXReader(bytes.NewReader(flip(gzipped(idxFile("abcdef", 2, 3)), -8)), "f")
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(in)
		if string(got) != "abcdef" || !errors.Is(err, gzip.ErrChecksum) {
			t.Errorf("got %q, %v", got, err)
		}
		if _, err := in.Read(make([]byte, 1)); !errors.Is(err, gzip.ErrChecksum) {
			t.Errorf("then %v: the error is gone", err)
		}
	})
}

func TestReadIDXLimit(t *testing.T) {
	file := idxFile("abcdef", 2, 3)
	if _, err := ReadIDX(bytes.NewReader(file), "f", 6); err != nil {
		t.Error(err)
	}
	_, err := ReadIDX(bytes.NewReader(file), "f", 5)
	if err == nil || err.Error() != "f, byte 4: want at most 5 elements, got 6, (2, 3)" {
		t.Errorf("got error %v", err)
	}
}

func TestReadIDXFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "name-without-gz")
	if _, err := ReadIDXFile(path, 100); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), path) {
		t.Errorf("got error %v", err)
	}
	if err := os.WriteFile(path, gzipped(idxFile("abc", 3)), 0o644); err != nil {
		t.Fatal(err)
	}
	if x, err := ReadIDXFile(path, 100); err != nil || string(x.Data) != "abc" {
		t.Errorf("got %v, %v", x, err)
	}
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadIDXFile(path, 100); err == nil || !strings.Contains(err.Error(), path+", byte 0: ") {
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
	for _, tt := range []struct {
		name string
		x    IDX
	}{
		{"no axes", IDX{}},
		{"no axes, but data", IDX{Data: []byte("a")}},
		{"256 axes", IDX{Shape: make([]int, 256)}},
		{"more data than its shape", IDX{Shape: []int{2}, Data: []byte("abc")}},
		{"negative axes", IDX{Shape: []int{-1, -1}, Data: []byte("a")}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var b bytes.Buffer
			if n, err := tt.x.WriteTo(&b); err == nil || n != 0 || b.Len() != 0 {
				t.Errorf("wrote %d bytes, %v", n, err)
			}
		})
	}
	x := &IDX{Shape: []int{3}, Data: []byte("abc")}
	for room := range 11 { // 8 + 3 bytes
		if n, err := x.WriteTo(&brokenWriter{room}); err == nil || n != int64(room) {
			t.Errorf("room for %d bytes: wrote %d, %v", room, n, err)
		}
	}
}
