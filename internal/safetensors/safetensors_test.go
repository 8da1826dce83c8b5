package safetensors

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/chainrule-go/chainrule/internal/strictjson"
	"github.com/chainrule-go/chainrule/tensor"
)

// goldenText is the text of the golden files, which testdata/golden.py writes with Python's
// safetensors.
const goldenText = "a \"quoted\" text\n"

func golden(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name + ".safetensors")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// goldenTensors are those of the golden files.
func goldenTensors[T tensor.Float]() []Tensor[T] {
	return []Tensor[T]{
		{"b", tensor.Of([]T{0.1, T(math.Copysign(0, -1))}, 2)},
		{"empty", tensor.New[T](0, 3)},
		{"scalar", &tensor.Tensor[T]{Data: []T{math.Pi}, Shape: []int{}}},
		{"한글", tensor.Of([]T{0, 1, 2, 3, 4, 5}, 2, 3)},
	}
}

// read reads a file.
func read[T tensor.Float](b []byte) (*Header, map[string]*tensor.Tensor[T], error) {
	r := bytes.NewReader(b)
	h, err := ReadHeader[T](r, "text")
	if err != nil {
		return nil, nil, err
	}
	tensors := map[string]*tensor.Tensor[T]{}
	for _, e := range h.Entries {
		tensors[e.Name] = &tensor.Tensor[T]{Shape: e.Shape}
	}
	_, err = ReadData(r, h.Entries, tensors)
	return h, tensors, err
}

// TestPython: the files of Python are read, and the same arrays are written to the same
// bytes.
func TestPython(t *testing.T) {
	t.Run("float32", testPython[float32])
	t.Run("float64", testPython[float64])
}

func testPython[T tensor.Float](t *testing.T) {
	file := golden(t, strings.TrimPrefix(t.Name(), "TestPython/"))
	h, got, err := read[T](file)
	if err != nil {
		t.Fatal(err)
	}
	if !h.Found || h.Text != goldenText {
		t.Errorf("the text is %q, found %v", h.Text, h.Found)
	}
	for _, want := range goldenTensors[T]() {
		x := got[want.Name]
		if x == nil || !slices.Equal(x.Shape, want.Shape) || !slices.EqualFunc(x.Data, want.Data, func(a, b T) bool { return math.Float64bits(float64(a)) == math.Float64bits(float64(b)) }) {
			t.Errorf("%s is %v, want %v", want.Name, x, want)
		}
	}
	if len(got) != 4 {
		t.Errorf("%d arrays, want 4", len(got))
	}
	var b bytes.Buffer
	if err := Write(&b, "text", goldenText, goldenTensors[T]()); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Bytes(), file) {
		t.Errorf("written as\n%q\nwant\n%q", b.Bytes(), file)
	}
}

// TestOtherFiles: without metadata there is no text; of other elements is an error.
func TestOtherFiles(t *testing.T) {
	if h, got, err := read[float32](golden(t, "plain")); err != nil || h.Found || len(got) != 1 {
		t.Errorf("no metadata: %v, %v", h, err)
	}
	if _, _, err := read[float32](golden(t, "int8")); err == nil || !strings.Contains(err.Error(), `tensor "a": dtype: want F32, got "I8"`) {
		t.Errorf("bytes: %v", err)
	}
	if _, _, err := read[float32](golden(t, "float64")); err == nil || !strings.Contains(err.Error(), "its weights are float64") {
		t.Errorf("float64: %v", err)
	}
}

// fileOf is a file with a header, and its data.
func fileOf(header, data string) []byte {
	return append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header+data...)
}

// TestMalformed names what departs from the format.
func TestMalformed(t *testing.T) {
	const a = `{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`
	entry := func(e string) []byte { return fileOf(`{"a":{`+e+`}}`, "1234") }
	for _, test := range []struct {
		name string
		file []byte
		want string
	}{
		{"empty", nil, "header length: want 8 bytes, got 0"},
		{"no header", fileOf("", ""), "header length: want 2 bytes or more"},
		{"text", []byte("hello, world"), "this is no safetensors file"},
		{"cut header", fileOf(a, "")[:20], "the file is cut off"},
		{"a list", fileOf("[]", ""), "want a JSON object, which begins with {"},
		{"no JSON", fileOf(`{"a":}`, ""), "it is not JSON"},
		{"an end too many", fileOf(a+"}", "1234"), "header: "},
		{"twice", fileOf(`{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}`, ""), `the key "a" occurs twice`},
		{"metadata twice", fileOf(`{"__metadata__":{"text":"1","text":"2"}}`, ""), `the key "text" occurs twice`},
		{"metadata", fileOf(`{"__metadata__":[]}`, ""), "__metadata__: want an object, got a list"},
		{"a number in the metadata", fileOf(`{"__metadata__":{"text":1}}`, ""), `__metadata__: "text": want a string, got 1`},
		{"no entry", fileOf(`{"a":[]}`, ""), `tensor "a": entry: want an object`},
		{"no dtype", entry(`"shape":[1],"data_offsets":[0,4]`), "dtype: want F32, got nothing"},
		{"no shape", entry(`"dtype":"F32","data_offsets":[0,4]`), "shape: want a list of integers"},
		{"half a size", entry(`"dtype":"F32","shape":[1.5],"data_offsets":[0,4]`), "shape: want a list of integers"},
		{"a size below 0", entry(`"dtype":"F32","shape":[-1],"data_offsets":[0,4]`), "shape: want a list of integers"},
		{"33 axes", entry(`"dtype":"F32","shape":[` + strings.Repeat("1,", 32) + `1],"data_offsets":[0,4]`), "want at most 32 axes, got 33"},
		{"an overflow", entry(`"dtype":"F32","shape":[9223372036854775807,4],"data_offsets":[0,4]`), "want a number of bytes that fits an integer"},
		{"one offset", entry(`"dtype":"F32","shape":[1],"data_offsets":[0]`), "data_offsets: want two integers"},
		{"backwards", entry(`"dtype":"F32","shape":[1],"data_offsets":[4,0]`), "want the beginning before the end"},
		{"another size", entry(`"dtype":"F32","shape":[2],"data_offsets":[0,4]`), "want the 8 bytes of shape [2] in F32"},
		{"one more field", entry(`"dtype":"F32","shape":[1],"data_offsets":[0,4],"more":1`), `got also "more"`},
		{"a long entry", entry(`"dtype":"F32","shape":[1],"data_offsets":[0,4],"more":"` + strings.Repeat("x", 5000) + `"`), "want at most 4096 bytes"},
		{"a hole", fileOf(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, "12345678"), "want them to begin at byte 0"},
		{"an overlap", fileOf(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}}`, "123456"), `tensor "b": data_offsets: want them to begin at byte 4`},
		{"cut data", fileOf(a, "123"), "want 4 bytes of data, got 3: the file is cut off"},
		{"more data", fileOf(a, "12345"), "want the end of the file after the 4 bytes"},
		{"a header of 100 MB and a byte", binary.LittleEndian.AppendUint64(nil, MaxHeader+1), "want at most 100000000 bytes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, _, err := read[float32](test.file)
			if _, ok := errors.AsType[*Error](err); !ok || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an *Error that says %q", err, test.want)
			}
		})
	}
}

// TestDigest: it is of the text and of each array, and not of their order.
func TestDigest(t *testing.T) {
	text := fmt.Sprintf(`{"sha256":"%s","more":1}`, Blank)
	tensors := goldenTensors[float32]()
	with, err := WithDigest(text, tensors)
	if err != nil || len(with) != len(text) || strings.Contains(with, Blank) {
		t.Fatalf("%s, %v", with, err)
	}
	swapped := slices.Clone(tensors)
	slices.Reverse(swapped)
	if again, _ := WithDigest(text, swapped); again != with {
		t.Error("another order has another digest")
	}
	for name, change := range map[string]func(*Tensor[float32]){
		"a value":    func(x *Tensor[float32]) { x.Data[0]++ },
		"a sign":     func(x *Tensor[float32]) { x.Data[1] = 0 },
		"a name":     func(x *Tensor[float32]) { x.Name = "c" },
		"one less":   func(x *Tensor[float32]) { x.Tensor = tensor.Of(x.Data[:1], 1) },
		"more alike": func(x *Tensor[float32]) { x.Tensor = tensor.Of(append(slices.Clone(x.Data), 0), 3) },
	} {
		t.Run(name, func(t *testing.T) {
			other := goldenTensors[float32]()
			change(&other[0])
			if changed, _ := WithDigest(text, other); changed == with {
				t.Error("it has the same digest")
			}
		})
	}
	if other, _ := WithDigest(strings.Replace(text, "1", "2", 1), tensors); strings.Contains(with, other[11:75]) {
		t.Error("another text has the same digest")
	}
	object, err := strictjson.Parse([]byte(with))
	if err != nil {
		t.Fatal(err)
	}
	if digest, err := DigestIn(object, "text"); err != nil || !strings.Contains(with, digest) {
		t.Errorf("the digest is %q, %v", digest, err)
	}
	if digest, err := DigestIn(&strictjson.Object{}, "text"); err != nil || digest != "" {
		t.Errorf("without one it is %q, %v", digest, err)
	}
	for _, wrong := range []string{"1", strings.ToUpper(strings.Repeat("a", len(Blank))), strings.Repeat("x", len(Blank))} {
		object := &strictjson.Object{}
		object.Set("sha256", wrong)
		if _, err := DigestIn(object, "text"); err == nil {
			t.Errorf("%q is taken as a digest", wrong)
		}
	}
}

// FuzzRead: any file is read or is an error, in memory that its size bounds; what is read is
// written and read again as the same.
func FuzzRead(f *testing.F) {
	for _, name := range []string{"float32", "float64", "plain", "int8"} {
		f.Add(golden(f, name))
	}
	f.Add(fileOf(`{"a":{"dtype":"F32","shape":[1000000000],"data_offsets":[0,4000000000]}}`, ""))
	f.Add(fileOf(`{"__metadata__":{"text":"\ud800"}}`, ""))
	f.Fuzz(func(t *testing.T, file []byte) {
		h, got, err := read[float32](file)
		if err != nil {
			return
		}
		var tensors []Tensor[float32]
		elements := 0
		for _, e := range h.Entries {
			tensors = append(tensors, Tensor[float32]{e.Name, got[e.Name]})
			elements += cap(got[e.Name].Data)
		}
		if elements > len(file) {
			t.Errorf("room for %d elements from %d bytes", elements, len(file))
		}
		var b bytes.Buffer
		if err := Write(&b, "text", h.Text, tensors); err != nil {
			t.Fatal(err)
		}
		again, same, err := read[float32](b.Bytes())
		if err != nil || again.Text != h.Text || !maps.EqualFunc(got, same, func(a, b *tensor.Tensor[float32]) bool {
			return slices.Equal(a.Shape, b.Shape) && slices.EqualFunc(a.Data, b.Data, func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) })
		}) {
			t.Errorf("read again: %v", err)
		}
	})
}
