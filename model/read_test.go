package model

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

func TestMalformed(t *testing.T) {
	if _, err := Read[float32](bytes.NewReader(fileOf(goodHeader, goodData)), "good"); err != nil {
		t.Fatal("the file the others are made from: ", err)
	}
	for _, tt := range malformedFiles() {
		t.Run(tt.name, func(t *testing.T) {
			if strconv.IntSize == 32 && strings.Contains(tt.name, "overflow") {
				t.Skip("the numbers are for 64 bits")
			}
			m, err := Read[float32](bytes.NewReader(tt.file), "some.file")
			e, ok := errors.AsType[*FormatError](err)
			if !ok || m != nil {
				t.Fatalf("got %v and error %v, want a *FormatError", m, err)
			}
			if abridged := len(e.Field) > 60; e.Field != tt.field && !abridged {
				t.Errorf("field %q, want %q in %v", e.Field, tt.field, err)
			}
			if !strings.HasPrefix(err.Error(), "some.file: "+tt.field) || !strings.Contains(e.Problem, tt.says) {
				t.Errorf("got %q, want it to say %q", err, tt.says)
			}
			if text := err.Error(); len(text) > 1000 || strings.ContainsAny(text, "\n\r\x1b") || !utf8.ValidString(text) {
				t.Errorf("no text for a terminal: %q", text)
			}
		})
	}
}

// Whatever is cut off, and whichever bit of the header flips, nothing panics,
// and a file that is cut off is never accepted.
func TestDamage(t *testing.T) {
	file := fileOf(goodHeader, goodData)
	for n := range file {
		if _, err := Read[float32](bytes.NewReader(file[:n]), "cut"); err == nil {
			t.Errorf("a file cut to %d of %d bytes is accepted", n, len(file))
		}
	}
	for i := range len(file) - len(goodData) {
		for bit := range 8 {
			flipped := bytes.Clone(file)
			flipped[i] ^= 1 << bit
			m, err := Read[float32](bytes.NewReader(flipped), "flipped")
			if err == nil && m == nil {
				t.Errorf("byte %d, bit %d: no model and no error", i, bit)
			}
		}
	}
}

// The error of layers that do not fit is the one of package nn, too.
func TestMisfit(t *testing.T) {
	_, err := Read[float32](bytes.NewReader(architecture(`"input":[2]`, `"input":[3]`)), "f")
	if e, ok := errors.AsType[*tensor.ShapeError](err); !ok || e.Op != "Affine(2->1).Forward" {
		t.Errorf("got %v, want a *tensor.ShapeError in it", err)
	}
}

// Entries may come in any order, metadata last, with keys of others.
func TestAnyOrder(t *testing.T) {
	want := mustRead[float32](t, fileOf(goodHeader, goodData))
	text, _ := json.Marshal(goodArchitecture)
	shuffled := `{ "Affine2.b":{"data_offsets":[0,8],"shape":[2],"dtype":"F32"}, "Affine2.W":{"dtype":"F32","shape":[1,2],"data_offsets":[8,16]},` +
		"\n\t" + `"Affine1.W":{"dtype":"F32","shape":[2,1],"data_offsets":[20,28]}, "Affine1.b":{"dtype":"F32","shape":[1],"data_offsets":[16,20]},` +
		`"__metadata__":{"format":"np","chainrule":` + string(text) + `,"note":"\u00e9"}}     `
	data := goodData[20:28] + goodData[12:20] + goodData[8:12] + goodData[0:8]
	sameLayers(t, mustRead[float32](t, fileOf(shuffled, data)).Net, want.Net)
}

// Hostile sizes must not cost what they promise.
func TestMemory(t *testing.T) {
	files := map[string][]byte{
		"header of 99 MB": append(binary.LittleEndian.AppendUint64(nil, 99_000_000), '{'),
		"huge sample":     fileOf(headerOf(`{"version":1,"input":[268435456],"layers":[{"name":"a","kind":"ReLU"},{"name":"b","kind":"Softmax"}]}`, ""), ""),
		"huge tensor":     header(`"shape":[2],"data_offsets":[20,28]`, `"shape":[2000000000],"data_offsets":[20,8000000020]`),
		"many tensors":    fileOf(headerOf(goodArchitecture, numbered(200_000, `"%d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}`)), ""),
		"many keys":       fileOf(`{"__metadata__":{`+numbered(1_000_000, `"%d":""`)+`}}`, ""),
		"many axes":       fileOf(headerOf(`{"version":1,"input":[`+strings.Repeat("1,", 500_000)+`1],"layers":[]}`, ""), ""),
		"long names":      longNames(),
		"huge weights":    hugeWeights,
		"huge in":         architecture(`"in":2`, `"in":2000000000`),
		"layers":          fileOf(headerOf(`{"version":1,"input":[2],"layers":[`+numbered(3000, `{"name":"%d","kind":"ReLU"}`)+`]}`, ""), ""),
		"brackets":        fileOf(`{"a":[`+strings.Repeat("[],", 100_000)+"[]]}", ""),
		"numbers":         fileOf(`{"a":[`+strings.Repeat("1,", 100_000)+"1]}", ""),
	}
	for name, file := range files {
		if got, most := memoryOf(func() { Read[float32](bytes.NewReader(file), name) }), mostMemory(file); got > most {
			t.Errorf("%s: a file of %d bytes took %d bytes of memory, want at most %d", name, len(file), got, most)
		}
	}
}

// longNames is a file of as many layers as are allowed, each far inside with long names.
func longNames() []byte {
	name := strings.Repeat("n", 255)
	open, shut := "", ""
	for range maxDepth - 1 {
		open += `{"name":"` + name + `","kind":"Sequential","layers":[`
		shut += "]}"
	}
	return fileOf(headerOf(`{"version":1,"input":[2],"layers":[`+open+numbered(9000, `{"name":"%d","kind":"ReLU"}`)+shut+`]}`, ""), "")
}

// hugeWeights is a file whose architecture and header agree on 2 GB of data.
var hugeWeights = fileOf(headerOf(`{"version":1,"input":[200000000],"layers":[{"name":"a","kind":"Affine","in":200000000,"out":1}]}`,
	`"a.W":{"dtype":"F32","shape":[200000000,1],"data_offsets":[0,800000000]},"a.b":{"dtype":"F32","shape":[1],"data_offsets":[800000000,800000004]}`), goodData)

// numbered is a list of n copies of the format, each with its number.
func numbered(n int, format string) string {
	var parts []string
	for i := range n {
		parts = append(parts, fmt.Sprintf(format, i))
	}
	return strings.Join(parts, ",")
}

// mostMemory is what may be allocated in all, collected or not. What is held at a time is
// less.
func mostMemory(file []byte) uint64 { return 64*uint64(len(file)) + 1<<20 }

func memoryOf(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// What loads can be saved and loaded again as the same network, and no file
// takes memory out of proportion.
func FuzzLoad(f *testing.F) {
	for _, tt := range malformedFiles() {
		if len(tt.file) < 10_000 {
			f.Add(tt.file)
		}
	}
	f.Add(fileOf(goodHeader, goodData))
	f.Add(mustWrite(f, everyKind[float32](), 3))
	f.Add(mustWrite(f, nn.NewSequential[float32](), 1, 28, 28))
	python, err := filepath.Glob("testdata/*.safetensors")
	if err != nil || len(python) == 0 {
		f.Fatal("no files in testdata: ", err)
	}
	for _, path := range python {
		f.Add(readFile(f, path))
	}
	f.Fuzz(checkAny)
}

// FuzzParts changes the parts of a file and fits its lengths to them: further
// in than FuzzLoad comes, which seldom passes the header.
func FuzzParts(f *testing.F) {
	f.Add(goodArchitecture, goodTensors, goodData)
	f.Add(replace(goodArchitecture, `"in":1,"out":2`, `"in":1,"out":2,"W":"Affine2.W"`), goodTensors, goodData)
	f.Add(`{"version":1,"input":[1,28,28],"layers":[{"name":"B","kind":"Sequential","layers":[{"name":"S","kind":"Softmax"}]}]}`, "", "")
	f.Fuzz(func(t *testing.T, architecture, tensors, data string) {
		checkAny(t, fileOf(headerOf(architecture, tensors), data))
	})
}

func checkAny(t *testing.T, file []byte) {
	var m *Model[float32]
	var err error
	if got, most := memoryOf(func() { m, err = Read[float32](bytes.NewReader(file), "fuzz") }), mostMemory(file); got > most {
		t.Errorf("a file of %d bytes took %d bytes of memory, want at most %d", len(file), got, most)
	}
	if err != nil {
		if e, ok := errors.AsType[*FormatError](err); !ok || m != nil || e.Name != "fuzz" || e.Field == "" || e.Problem == "" {
			t.Fatalf("got %v, %#v", m, err)
		}
		return
	}
	saved := mustWrite(t, m.Net, m.Input...)
	again := mustRead[float32](t, saved)
	sameLayers(t, again.Net, m.Net)
	if !bytes.Equal(mustWrite(t, again.Net, again.Input...), saved) {
		t.Fatal("saved twice, other bytes")
	}
}
