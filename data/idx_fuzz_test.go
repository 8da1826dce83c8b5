package data

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/chainrule-go/chainrule/tensor"
)

func FuzzReadIDX(f *testing.F) {
	good := idxFile("abcdef", 2, 3)
	for _, seed := range [][]byte{
		nil, good, good[:3], good[:9], good[:15], append(slices.Clone(good), 0), gzipped(good), flip(gzipped(good), -8), gzipped(good)[:20],
		gzipped(good[:5], good[5:]), gzipped(idxFile("", 1<<22-1), make([]byte, 1<<22-1)), gzipped(idxFile("", 1<<30), make([]byte, 1<<22)), bytes.Repeat(gzipped(nil), 100), append(gzipped(good), 0), idxFile("", 0, 3), idxFile("", 1<<31, 1<<31, 2), idxFile("x", 1<<32-1),
		{0, 0, 0x0D, 1, 0, 0, 0, 1, 0, 0, 0, 0}, {0, 0, 8, 0}, {0x1f, 0x8b, 8},
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		const limit = 1 << 22
		var x *IDX
		var err error
		taken := allocated(func() { x, err = ReadIDX(bytes.NewReader(file), "fuzz", limit) })
		// Inflating takes 40 KB, and a page of data may have come for each of a thousand bytes.
		if most := min(5*1100*len(file), 2*limit) + piece + 1<<19; taken > most {
			t.Errorf("a file of %d bytes takes %d bytes of memory, want at most %d", len(file), taken, most)
		}
		if err != nil {
			var idxErr *IDXError
			if x != nil || !errors.As(err, &idxErr) || idxErr.Name != "fuzz" || idxErr.Offset < 0 {
				t.Fatalf("got %v, %#v", x, err)
			}
			return
		}
		if size, ok := tensor.Size(x.Shape...); !ok || size != len(x.Data) || len(x.Shape) == 0 {
			t.Fatalf("shape %v with %d elements", x.Shape, len(x.Data))
		}
		var again bytes.Buffer
		if _, err := x.WriteTo(&again); err != nil {
			t.Fatal(err)
		}
		plain := file
		if bytes.HasPrefix(file, []byte{0x1f, 0x8b}) {
			z, err := gzip.NewReader(bytes.NewReader(file))
			if err != nil {
				t.Fatal(err)
			}
			if plain, err = io.ReadAll(z); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(again.Bytes(), plain) {
			t.Fatalf("reading and writing % x gives % x", plain, again.Bytes())
		}
	})
}
