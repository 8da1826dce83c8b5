package data

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// pictureFile writes a grey picture of one brightness, of a kind by its name.
func pictureFile(t testing.TB, path string, width, height int, brightness uint8) {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, width, height))
	for i := range img.Pix {
		img.Pix[i] = brightness
	}
	var b bytes.Buffer
	var err error
	switch filepath.Ext(path) {
	case ".png":
		err = png.Encode(&b, img)
	case ".gif":
		frame := image.NewPaletted(img.Rect, color.Palette{color.Gray{brightness}, color.White})
		err = gif.Encode(&b, frame, nil)
	default:
		err = jpeg.Encode(&b, img, nil)
	}
	if err == nil {
		err = os.MkdirAll(filepath.Dir(path), 0o777)
	}
	if err == nil {
		err = os.WriteFile(path, b.Bytes(), 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestImageFolder(t *testing.T) {
	dir := t.TempDir()
	pictureFile(t, filepath.Join(dir, "cat", "1.png"), 4, 2, 10)
	pictureFile(t, filepath.Join(dir, "cat", "more", "2.JPG"), 4, 2, 20)
	pictureFile(t, filepath.Join(dir, "dog", "1.gif"), 4, 2, 30)
	pictureFile(t, filepath.Join(dir, "dog", ".hidden.png"), 9, 9, 1)
	os.WriteFile(filepath.Join(dir, "dog", "notes.txt"), []byte("no picture"), 0o666)
	p, err := Load[float32](t.Context(), dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := p.Train.(Pixels[float32])
	if got, want := s.X, slices.Concat(bytes.Repeat([]byte{10}, 8), bytes.Repeat([]byte{20}, 8), bytes.Repeat([]byte{30}, 8)); !bytes.Equal(got, want) {
		t.Errorf("the pixels are %v, want %v", got, want)
	}
	if !slices.Equal(s.T, []int{0, 0, 1}) || !slices.Equal(p.Preparation.Classes, []string{"cat", "dog"}) || *p.Preparation.Image != (Image{Height: 2, Width: 4, Channels: 1}) {
		t.Errorf("the labels are %v of %v, pictures %+v", s.T, p.Preparation.Classes, *p.Preparation.Image)
	}
	t.Run("scaled, in colour", func(t *testing.T) {
		p, err := Load[float32](t.Context(), dir, Options{Width: 1, Height: 1, Channels: 3})
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Train.(Pixels[float32]); !slices.Equal(got.X, []byte{10, 10, 10, 20, 20, 20, 30, 30, 30}) || !slices.Equal(got.Shape, []int{3, 1, 1}) {
			t.Errorf("got %v of shape %v", got.X, got.Shape)
		}
		r, err := Read[float32](t.Context(), dir, p.Preparation)
		if err != nil || !r.Labelled || !reflect.DeepEqual(r.Samples, p.Train) {
			t.Errorf("read again: %+v (%v), want the same", r, err)
		}
	})
	t.Run("a class without pictures", func(t *testing.T) {
		empty := filepath.Join(dir, "empty")
		os.Mkdir(empty, 0o777)
		defer os.Remove(empty)
		if _, err := Load[float32](t.Context(), dir, Options{}); err == nil || !strings.Contains(err.Error(), empty+" has no PNG, JPEG or GIF files") {
			t.Errorf("got %v", err)
		}
		if _, err := Read[float32](t.Context(), dir, p.Preparation); err != nil { // a test set may lack a class
			t.Errorf("read again: %v", err)
		}
	})
	t.Run("grey and color", func(t *testing.T) {
		dir := t.TempDir()
		pictureFile(t, filepath.Join(dir, "a", "1.png"), 2, 2, 10)
		var b bytes.Buffer
		red := image.NewRGBA(image.Rect(0, 0, 2, 2))
		for i := range 4 {
			red.Set(i%2, i/2, color.RGBA{200, 0, 0, 255})
		}
		if err := errors.Join(png.Encode(&b, red), os.Mkdir(filepath.Join(dir, "b"), 0o777), os.WriteFile(filepath.Join(dir, "b", "2.png"), b.Bytes(), 0o666)); err != nil {
			t.Fatal(err)
		}
		if _, err := Load[float32](t.Context(), dir, Options{}); err == nil || !strings.Contains(err.Error(), "2.png: the picture is in color, and those before it are grey") {
			t.Errorf("got %v", err)
		}
		for _, channels := range []int{1, 3} {
			if p, err := Load[float32](t.Context(), dir, Options{Channels: channels}); err != nil || p.Preparation.Image.Channels != channels {
				t.Errorf("with %d channels: %v", channels, err)
			}
		}
	})
	t.Run("of different sizes", func(t *testing.T) {
		pictureFile(t, filepath.Join(dir, "dog", "2.png"), 5, 2, 30)
		_, err := Load[float32](t.Context(), dir, Options{})
		if want := "2.png: the picture has 5 x 2 pixels, and "; err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "1.png has 4 x 2; give a size to scale all to") {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	})
	t.Run("a broken picture", func(t *testing.T) {
		os.WriteFile(filepath.Join(dir, "cat", "broken.png"), []byte("\x89PNG\r\n\x1a\nx"), 0o666)
		_, err := Load[float32](t.Context(), dir, Options{Width: 1, Height: 1})
		if want := filepath.Join("cat", "broken.png") + ": the picture cannot be decoded"; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	})
	t.Run("parts by folder", func(t *testing.T) {
		dir := t.TempDir()
		for _, part := range []string{"train", "test"} {
			for i, class := range []string{"a", "b"} {
				pictureFile(t, filepath.Join(dir, part, class, "1.png"), 2, 2, uint8(100*i))
			}
		}
		p, err := Load[float32](t.Context(), dir, Options{Test: 0.5})
		if err != nil || p.Train.Len() != 2 || p.Test.Len() != 2 || p.Validation != nil {
			t.Fatalf("got %+v (%v), want 2 pictures to train on and 2 to test", p, err)
		}
		os.Mkdir(filepath.Join(dir, "testing"), 0o777)
		if _, err := Load[float32](t.Context(), dir, Options{}); err == nil || !strings.Contains(err.Error(), "testing is neither train, validation nor test") {
			t.Errorf("got %v, want an error about the folder testing", err)
		}
		os.Remove(filepath.Join(dir, "testing"))
		pictureFile(t, filepath.Join(dir, "test", "c", "1.png"), 2, 2, 0)
		if _, err := Load[float32](t.Context(), dir, Options{}); err == nil || !strings.Contains(err.Error(), `want one of the classes a, b, got the folder "c"`) {
			t.Errorf("got %v, want an error about the class c", err)
		}
	})
	t.Run("no folders", func(t *testing.T) {
		_, err := Load[float32](t.Context(), t.TempDir(), Options{})
		if err == nil || !strings.Contains(err.Error(), "has no folders with pictures") {
			t.Errorf("got %v", err)
		}
	})
}

// TestTooManyInputs: what would take much more memory than it has itself is refused first.
func TestTooManyInputs(t *testing.T) {
	t.Run("categories", func(t *testing.T) {
		columns := make([]Column, 20)
		for i := range columns {
			columns[i].Categories = classNames(mostCategories)
		}
		p := &Preparation{Columns: columns}
		if err := (&table{name: "t.csv", rows: freeInputs / 20_000}).fits(p); err != nil {
			t.Errorf("as many as are taken: %v", err)
		}
		err := (&table{name: "t.csv", rows: freeInputs/20_000 + 1}).fits(p)
		if want := "t.csv: 13422 records of 20000 inputs are 268440000 numbers; want at most 268435456; leave columns of many categories out (--ignore)"; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	})
	t.Run("numbers", func(t *testing.T) {
		if err := (&table{rows: freeInputs}).fits(&Preparation{Columns: make([]Column, 20)}); err != nil {
			t.Errorf("got %v: each field is one number", err)
		}
	})
	t.Run("pictures", func(t *testing.T) {
		dir := t.TempDir()
		pictureFile(t, filepath.Join(dir, "a", "0.png"), 1, 1, 0)
		pictureFile(t, filepath.Join(dir, "b", "0.png"), 1, 1, 0)
		f := &imageFolder{dir: dir, classes: []string{"a"}, files: [][]string{slices.Repeat([]string{"a/0.png"}, 1<<31/(3*1024*1024)+1)}}
		_, _, err := f.read(t.Context(), &Image{Height: 1024, Width: 1024, Channels: 3}, nil, false, nil)
		if want := "683 pictures of 1024 x 1024 x 3 are 2148532224 bytes; want at most 2147483647; give a smaller --size"; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	})
}

func TestIDXPair(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, x *IDX) string {
		var b bytes.Buffer
		x.WriteTo(&b)
		path := filepath.Join(dir, name)
		os.WriteFile(path, b.Bytes(), 0o666)
		return path
	}
	images := write("my-images-idx3-ubyte", &IDX{[]int{3, 1, 2}, []byte{1, 2, 3, 4, 5, 6}})
	if _, err := Load[float32](t.Context(), images, Options{}); err == nil || !strings.Contains(err.Error(), "name the file of its labels") {
		t.Errorf("without labels: got %v", err)
	}
	write("my-labels-idx1-ubyte", &IDX{[]int{3}, []byte{0, 2, 1}})
	p, err := Load[float32](t.Context(), images, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if s := p.Train.(Pixels[float32]); !bytes.Equal(s.X, []byte{1, 2, 3, 4, 5, 6}) || !slices.Equal(s.T, []int{0, 2, 1}) || !slices.Equal(s.Shape, []int{1, 1, 2}) || len(p.Preparation.Classes) != 3 {
		t.Errorf("got %+v of %v", s, p.Preparation.Classes)
	}
	if r, err := Read[float32](t.Context(), images, p.Preparation); err != nil || !r.Labelled || !reflect.DeepEqual(r.Samples, p.Train) {
		t.Errorf("read again: %+v (%v), want the same", r, err)
	}
	t.Run("labels of another name", func(t *testing.T) {
		other := write("other", &IDX{[]int{3}, []byte{2, 1, 0}})
		r, err := ReadLabelled[float32](t.Context(), images, other, p.Preparation)
		if err != nil || !slices.Equal(r.Samples.(Pixels[float32]).T, []int{2, 1, 0}) {
			t.Errorf("got %+v, %v, want the labels 2, 1, 0", r, err)
		}
		if _, err := ReadLabelled[float32](t.Context(), dir, other, p.Preparation); err == nil || !strings.Contains(err.Error(), "has its labels itself") {
			t.Errorf("of a folder: got %v", err)
		}
	})
	wrong := write("wrong", &IDX{[]int{2}, []byte{0, 1}})
	if _, err := Load[float32](t.Context(), images, Options{Labels: wrong}); err == nil || !strings.Contains(err.Error(), "want a label for each of the 3 images") {
		t.Errorf("2 labels for 3 images: got %v", err)
	}
}

// npyOf is an npy file of version 1.
func npyOf(descr string, shape string, elements any) []byte {
	header := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': %s, }", descr, shape)
	header += strings.Repeat(" ", 63-(10+len(header))%64) + "\n"
	b := append([]byte("\x93NUMPY\x01\x00"), byte(len(header)), byte(len(header)>>8))
	b, _ = binary.Append(append(b, header...), binary.LittleEndian, elements)
	return b
}

func TestNPY(t *testing.T) {
	for _, c := range []struct {
		descr    string
		elements any
		want     []float64
	}{
		{"<f4", []float32{1.5, -2, 0.1}, []float64{1.5, -2, float64(float32(0.1))}},
		{"<f8", []float64{1.5, math.Inf(1), 0.1}, []float64{1.5, math.Inf(1), 0.1}},
		{"|u1", []uint8{0, 1, 255}, []float64{0, 1, 255}}, {"|i1", []int8{0, 1, -1}, []float64{0, 1, -1}}, {"|b1", []uint8{0, 1, 1}, []float64{0, 1, 1}},
		{"<i2", []int16{0, 1, -300}, []float64{0, 1, -300}}, {"<u2", []uint16{0, 1, 65535}, []float64{0, 1, 65535}},
		{"<i4", []int32{0, 1, -70000}, []float64{0, 1, -70000}}, {"<u4", []uint32{0, 1, 1 << 31}, []float64{0, 1, 1 << 31}},
		{"<i8", []int64{0, 1, -1 << 40}, []float64{0, 1, -1 << 40}}, {"<u8", []uint64{0, 1, 1 << 40}, []float64{0, 1, 1 << 40}},
		{">i2", []uint16{0, 0x0100, 0xffff}, []float64{0, 1, -1}},
	} {
		t.Run(c.descr[1:], func(t *testing.T) {
			x, err := ReadNPY(bytes.NewReader(npyOf(c.descr, "(3,)", c.elements)), "x.npy")
			if err != nil || !slices.Equal(x.Numbers, c.want) || !slices.Equal(x.Shape, []int{3}) || x.Type != c.descr[1:] {
				t.Errorf("got %+v (%v), want %v", x, err, c.want)
			}
		})
	}
	good := npyOf("<f4", "(2, 1)", []float32{1, 2})
	for _, c := range []struct {
		name string
		file []byte
		want string
	}{
		{"empty", nil, "it is cut off"},
		{"text", []byte("a,b\n1,2\n3,4\n"), "it is no npy file"},
		{"cut off in the header", good[:40], "it is cut off"},
		{"cut off in the numbers", good[:len(good)-1], "it is cut off"},
		{"more", append(slices.Clone(good), 0), "want the end of the file after the last number, got more"},
		{"version 9", append([]byte("\x93NUMPY\x09\x00"), good[8:]...), "want version 1, 2 or 3 of the npy format, got 9"},
		{"a long header", []byte("\x93NUMPY\x02\x00\xff\xff\xff\x7f"), "want a header of at most 65536 bytes"},
		{"objects", npyOf("|O", "(1,)", []byte{1}), `got the type "|O"`},
		{"a negative axis", npyOf("<f4", "(-1,)", []byte{}), "want a header {"},
		{"an overflow", npyOf("<f4", "(4294967296, 4294967296)", []byte{}), "whose product fits an int"},
		{"a lie", npyOf("<f8", "(1000000000, 8)", []byte{1}), "it is cut off"},
		{"Fortran's order", bytes.Replace(bytes.Replace(good, []byte("False"), []byte("True"), 1), []byte("\n"), []byte(" \n"), 1), "it is in Fortran's order"},
		{"code", bytes.Replace(good, []byte("False"), []byte("f()  "), 1), "want a header {"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ReadNPY(bytes.NewReader(c.file), "x.npy")
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "x.npy: ") {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

// FuzzNPY: no file does harm or takes much memory, and numbers have their shape.
func FuzzNPY(f *testing.F) {
	f.Add(npyOf("<f4", "(2, 1)", []float32{1, 2}))
	f.Add(npyOf(">i8", "()", []int64{1}))
	f.Add(npyOf("|b1", "(0, 3)", []byte{}))
	f.Add(npyOf("<f8", "(1000000000, 8)", []byte{1}))
	f.Fuzz(func(t *testing.T, file []byte) {
		x, err := ReadNPY(bytes.NewReader(file), "x.npy")
		if err != nil {
			return
		}
		size := 1
		for _, d := range x.Shape {
			size *= d
		}
		if size != len(x.Numbers) || cap(x.Numbers) > 2*len(file)+1<<16 {
			t.Errorf("%d numbers of shape %v, room for %d, from %d bytes", len(x.Numbers), x.Shape, cap(x.Numbers), len(file))
		}
	})
}

// npzFile writes arrays in pairs of name and file.
func npzFile(t testing.TB, arrays ...any) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(arrays); i += 2 {
		w, err := z.Create(arrays[i].(string))
		if err != nil {
			t.Fatal(err)
		}
		w.Write(arrays[i+1].([]byte))
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return textFile(t, "a.npz", b.String())
}

func TestArrays(t *testing.T) {
	x := npyOf("<f4", "(4, 2)", []float32{1, 10, 3, 10, 1, 10, 3, 10})
	classes := npyOf("<i8", "(4,)", []int64{0, 1, 0, 1})
	t.Run("npz of classes", func(t *testing.T) {
		p, err := Load[float64](t.Context(), npzFile(t, "x_train.npy", x, "y_train.npy", classes, "x_test.npy", x, "y_test.npy", classes), Options{Test: 0.2})
		if err != nil {
			t.Fatal(err)
		}
		s := p.Train.(Set[float64])
		if !slices.Equal(s.X.Data, []float64{-1, 0, 1, 0, -1, 0, 1, 0}) || !slices.Equal(s.T, []int{0, 1, 0, 1}) || p.Test.Len() != 4 {
			t.Errorf("got %v, %v and %d to test", s.X, s.T, p.Test.Len())
		}
	})
	t.Run("x, y, x_test and y_test", func(t *testing.T) {
		p, err := Load[float64](t.Context(), npzFile(t, "x.npy", x, "y.npy", classes, "x_test.npy", x, "y_test.npy", classes), Options{Test: 0.2})
		if err != nil || p.Train.Len() != 4 || p.Test == nil || p.Test.Len() != 4 {
			t.Errorf("got %+v (%v), want 4 samples to train on and 4 to test", p, err)
		}
	})
	t.Run("a file of labels beside npz", func(t *testing.T) {
		_, err := Load[float64](t.Context(), npzFile(t, "x.npy", x, "y.npy", classes), Options{Labels: "y.npy"})
		if err == nil || !strings.Contains(err.Error(), "leave out the file y.npy (--labels)") {
			t.Errorf("got %v, want an error about --labels", err)
		}
	})
	t.Run("npy of values", func(t *testing.T) {
		dir := t.TempDir()
		path := filepath.Join(dir, "x.npy")
		os.WriteFile(path, x, 0o666)
		os.WriteFile(filepath.Join(dir, "y.npy"), npyOf("<f8", "(4, 1)", []float64{0, 2, 0, 2}), 0o666)
		p, err := Load[float64](t.Context(), path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if s := p.Train.(Set[float64]); !slices.Equal(s.Values.Data, []float64{-1, 1, -1, 1}) || p.Preparation.Targets[0].Mean != 1 {
			t.Errorf("got %v of %+v", s.Values, p.Preparation.Targets)
		}
		if r, err := Read[float64](t.Context(), path, p.Preparation); err != nil || !r.Labelled || !reflect.DeepEqual(r.Samples, p.Train) {
			t.Errorf("read again: %+v (%v), want the same", r, err)
		}
	})
	t.Run("pixels", func(t *testing.T) {
		p, err := Load[float32](t.Context(), npzFile(t, "x.npy", npyOf("|u1", "(2, 1, 2)", []byte{0, 51, 102, 255}), "y.npy", npyOf("|u1", "(2,)", []byte{0, 1})), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if s := p.Train.(Set[float32]); !slices.Equal(s.X.Data, []float32{0, 0.2, 0.4, 1}) || !slices.Equal(s.SampleShape(), []int{1, 2}) {
			t.Errorf("got %v", s.X)
		}
	})
	for _, c := range []struct {
		name   string
		arrays []any
		want   string
	}{
		{"other names", []any{"a.npy", x, "b.npy", classes}, "want the arrays x and y, or x_train, y_train, x_test and y_test, got a, b"},
		{"too few labels", []any{"x.npy", x, "y.npy", npyOf("<i8", "(2,)", []int64{0, 1})}, "want 4 targets for 4 samples"},
		{"a label of -1", []any{"x.npy", x, "y.npy", npyOf("<i8", "(4,)", []int64{0, -1, 0, 1})}, "the label of sample 1 is -1; want a class from 0 to 1"},
		{"NaN", []any{"x.npy", npyOf("<f8", "(2, 1)", []float64{1, math.NaN()}), "y.npy", npyOf("<i8", "(2,)", []int64{0, 1})}, "sample 1 holds NaN"},
		{"no samples", []any{"x.npy", npyOf("<f8", "(0, 1)", []float64{}), "y.npy", npyOf("<i8", "(0,)", []int64{})}, "want samples of 1 axis or more"},
		{"twice", []any{"x.npy", x, "x.npy", x}, "want arrays of different names"},
		{"x_test alone", []any{"x_train.npy", x, "y_train.npy", classes, "x_test.npy", x}, "want the arrays x_test and y_test together"},
		{"y_test alone", []any{"x.npy", x, "y.npy", classes, "y_test.npy", classes}, "want the arrays x_test and y_test together"},
		{"validation", []any{"x.npy", x, "y.npy", classes, "x_val.npy", x, "y_val.npy", classes}, "the arrays x_val, y_val are not read"},
		{"a text", []any{"x.txt", x}, "it is a zip file; unzip it"},
		{"a bomb", []any{"x.npy", npyOf("|u1", "(100000000, 1)", make([]byte, 100_000_000)), "y.npy", classes}, "want arrays of at most"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Load[float32](t.Context(), npzFile(t, c.arrays...), Options{})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}
