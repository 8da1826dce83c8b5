package data

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func zipOf(t *testing.T, name string) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	if _, err := z.Create(name); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestForeignFiles: a file of another kind is named, with what to do.
func TestForeignFiles(t *testing.T) {
	for _, c := range []struct{ name, file, want string }{
		{"xlsx", zipOf(t, "[Content_Types].xml"), "it is a spreadsheet (xlsx); save the sheet as CSV"},
		{"ods", "PK\x03\x04" + strings.Repeat("\x00", 22) + "\x08\x00\x00\x00mimetypeapplication/vnd.oasis.opendocument.spreadsheet", "it is a spreadsheet (ods); save the sheet as CSV"},
		{"zip", zipOf(t, "cats/1.png"), "it is a zip file; unzip it"},
		{"xls", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "it is a spreadsheet (xls); save the sheet as CSV"},
		{"parquet", "PAR1\x15\x04", "it is a Parquet file; save it as CSV"},
		{"safetensors", "\x02\x01\x00\x00\x00\x00\x00\x00{}", "it is a model or a checkpoint (safetensors), and no data"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := textFile(t, "file", c.file)
			if _, err := Load[float32](t.Context(), path, Options{Label: "c"}); err == nil || !strings.Contains(err.Error(), "file: "+c.want) {
				t.Errorf("Load: got %v, want %q", err, c.want)
			}
			if _, _, err := Describe(strings.NewReader(c.file), "file", Options{}); err == nil || !strings.HasPrefix(err.Error(), "file: "+c.want) {
				t.Errorf("Describe: got %v, want %q", err, c.want)
			}
		})
	}
}

// TestZippedTable: a table in a gzip file is the table, and no more than a bounded number of
// bytes.
func TestZippedTable(t *testing.T) {
	zipped := func(parts ...[]byte) string {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		for _, part := range parts {
			z.Write(part)
		}
		z.Close()
		return textFile(t, "t.csv.gz", b.String())
	}
	text := "a,c\n" + strings.Repeat("1,x\n2,y\n", 1000)
	path := zipped([]byte(text))
	t.Run("the same", func(t *testing.T) {
		want, err := Load[float32](t.Context(), textFile(t, "t.csv", text), Options{Label: "c"})
		if err != nil {
			t.Fatal(err)
		}
		got, err := Load[float32](t.Context(), path, Options{Label: "c"})
		if err != nil || !reflect.DeepEqual(got.Train, want.Train) {
			t.Fatalf("got %+v, %v, want the samples of the plain file", got, err)
		}
		if file, _ := os.ReadFile(path); got.SHA256 == want.SHA256 || len(file) > len(text)/10 {
			t.Errorf("the sum %s is not that of the %d bytes of the file", got.SHA256, len(file))
		}
		if r, err := Read[float32](t.Context(), path, want.Preparation); err != nil || !reflect.DeepEqual(r.Samples, want.Train) {
			t.Errorf("read again: %v", err)
		}
	})
	t.Run("described", func(t *testing.T) {
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		if s, _, err := Describe(file, "t.csv.gz", Options{}); err != nil || s.Rows != 2000 {
			t.Errorf("got %+v, %v, want 2000 records", s, err)
		}
	})
	t.Run("empty", func(t *testing.T) {
		if _, err := Load[float32](t.Context(), zipped(), Options{Label: "c"}); err == nil || !strings.Contains(err.Error(), "t.csv.gz: it is empty; want a table") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("damaged", func(t *testing.T) {
		file, _ := os.ReadFile(path)
		file[len(file)-6]++ // in the checksum
		if _, err := Load[float32](t.Context(), textFile(t, "t.csv.gz", string(file)), Options{Label: "c"}); err == nil || !strings.Contains(err.Error(), filepath.Base(path)) || !strings.Contains(err.Error(), "damaged gzip stream") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("cut off", func(t *testing.T) {
		file, _ := os.ReadFile(path)
		if _, err := Load[float32](t.Context(), textFile(t, "t.csv.gz", string(file[:len(file)-9])), Options{Label: "c"}); err == nil || !strings.Contains(err.Error(), "cut off") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a bomb", func(t *testing.T) {
		lines := bytes.Repeat([]byte("1,x\n"), 1<<18)
		all := [][]byte{[]byte("a,c\n")}
		for range 90 { // MiB
			all = append(all, lines)
		}
		if _, err := Load[float32](t.Context(), zipped(all...), Options{Label: "c"}); err == nil || !strings.Contains(err.Error(), "far more than text does") {
			t.Errorf("got %v", err)
		}
	})
}

// FuzzDescribe: whatever a file holds, it is described, or the error names it.
func FuzzDescribe(f *testing.F) {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	z.Write([]byte("a;c\n0,5;x\n1,5;y\n"))
	z.Close()
	for _, seed := range []string{
		"a,c\n1,x\n2,y\n", "2019,2020,y\n1,2,a\n", "PAR1", "PK\x03\x04", "PK\x03\x04" + strings.Repeat("\xff", 40), "\x02\x01\x00\x00\x00\x00\x00\x00{}",
		zipped.String(), zipped.String()[:20], "\x00\x00\x08\x01\x00\x00\x00\x01\x05", "\x93NUMPY\x01\x00",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		table, array, err := Describe(bytes.NewReader(file), "fuzz", Options{})
		switch {
		case err != nil && (table != nil || array != nil || !strings.Contains(err.Error(), "fuzz")):
			t.Errorf("got %v, %v with the error %v", table, array, err)
		case err == nil && (table == nil) == (array == nil):
			t.Errorf("got %v and %v, want one of them", table, array)
		}
	})
}
