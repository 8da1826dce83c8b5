package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chainrule-go/chainrule/data"
)

// TestOwnTable is the whole loop on a table: look, train, evaluate, predict.
func TestOwnTable(t *testing.T) {
	const iris = "../../examples/csv/iris.csv"
	model := filepath.Join(t.TempDir(), "iris.safetensors")
	t.Run("look", func(t *testing.T) {
		out := must(t, "data", iris)
		for _, want := range []string{"150 records of 5 columns, with commas between them", "4.3 to 7.9, mean 5.8433", "setosa (50), versicolor (50), virginica (50)", "chainrule train --data ../../examples/csv/iris.csv --label species"} {
			if !strings.Contains(out, want) {
				t.Errorf("data does not say %q:\n%s", want, out)
			}
		}
	})
	t.Run("classes", func(t *testing.T) {
		if out := must(t, "train", "--data", iris, "--label", "species", "--steps", "300", "--out", model); !strings.Contains(out, "test accuracy 0.9") {
			t.Errorf("train says %s", out)
		}
		if out := must(t, "eval", model, "--data", iris); !strings.Contains(out, "on 150 samples") {
			t.Errorf("eval says %s", out)
		}
		out := must(t, "predict", model, "../../examples/csv/new.csv")
		if !strings.Contains(out, "\t0\tsetosa\t") || !strings.Contains(out, "\t1\tvirginica\t") {
			t.Errorf("predict says %s", out)
		}
	})
	t.Run("predict a gzip file", func(t *testing.T) {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		z.Write(readFile(t, iris))
		z.Close()
		if out := must(t, "predict", model, write(t, "iris.csv.gz", b.Bytes())); strings.Count(out, "\n") != 150 {
			t.Errorf("predict says %s", out)
		}
	})
	t.Run("a header that begins like a picture", func(t *testing.T) {
		table := "BMI,class\n"
		for i := range 40 {
			table += fmt.Sprintf("%d,%c\n", i, "ab"[i/20])
		}
		path := write(t, "bmi.csv", []byte(table))
		file := filepath.Join(t.TempDir(), "bmi.safetensors")
		must(t, "train", "--data", path, "--label", "class", "--steps", "3", "--out", file, "--test", path)
		if out := must(t, "predict", file, path); strings.Count(out, "\n") != 40 {
			t.Errorf("predict says %s", out)
		}
	})
	t.Run("labels that are not known", func(t *testing.T) {
		fresh := write(t, "new.csv", []byte("species,sepal length,sepal width,petal length,petal width\n,5.1,3.5,1.4,0.2\nother,6,3,5,2\n"))
		if out := must(t, "predict", model, fresh); strings.Count(out, "\n") != 2 {
			t.Errorf("predict says %s", out)
		}
		if code, _, stderr := call(t, "eval", model, "--data", fresh); code != exitFailure || !strings.Contains(stderr, "new.csv:2") {
			t.Errorf("eval: exit code %d: %s", code, stderr)
		}
	})
	t.Run("numbers", func(t *testing.T) {
		if out := must(t, "train", "--force", "--data", iris, "--target", "petal width", "--steps", "300", "--out", model); !strings.Contains(out, "test R² 0.") || strings.Contains(out, "accuracy") {
			t.Errorf("train says %s", out)
		}
		if out := must(t, "eval", model, "--data", iris); !strings.HasPrefix(out, "R² 0.9") {
			t.Errorf("eval says %s", out)
		}
	})
	t.Run("skewed classes", func(t *testing.T) {
		const advice = "Its classes are skewed: with --class-weights balanced"
		if out := must(t, "data", skewedTable(t)); !strings.Contains(out, advice) {
			t.Errorf("data says\n%s", out)
		}
		if out := must(t, "data", iris); strings.Contains(out, advice) {
			t.Errorf("data says of classes of one size\n%s", out)
		}
	})
	t.Run("what is what", func(t *testing.T) {
		_, _, stderr := call(t, "train", "--data", iris, "--label", "species", "--validation", "0.1", "--ignore", "petal width", "--steps", "1", "--out", filepath.Join(t.TempDir(), "m"))
		var n [3]int
		_, err := fmt.Sscanf(strings.TrimPrefix(stderr, iris), ": %d samples to train on, %d to validate with, %d to test with; inputs: sepal length,", &n[0], &n[1], &n[2])
		if err != nil || n[0]+n[1]+n[2] != 150 || !strings.HasSuffix(stderr, ", sepal width, petal length\n") {
			t.Errorf("train says %q: %v", stderr, err)
		}
	})
	t.Run("flags of other data", func(t *testing.T) {
		letters := t.TempDir()
		pictures(t, letters, "dark/1.png", "dark/2.png", "light/1.png", "light/2.png")
		for _, c := range []struct {
			args []string
			want string
		}{
			{[]string{"train", "--label", "y"}, "--label is for a table, and mnist is none"},
			{[]string{"train", "--data", "fashion-mnist", "--size", "14x14"}, "--size is for a folder of pictures, and fashion-mnist is none"},
			{[]string{"train", "--data", iris, "--label", "species", "--size", "8x8"}, "--size is for a folder of pictures, and " + iris + " is none"},
			{[]string{"train", "--data", iris, "--label", "species", "--labels", iris}, "--labels is for an IDX or npy file"},
			{[]string{"train", "--data", iris, "--label", "species", "--target", "petal width"}, "want a label (classes) or targets (numbers) to predict, not both"},
			{[]string{"train", "--data", iris, "--label", "species", "--header", "maybe"}, `want yes or no for the header, got "maybe"`},
			{[]string{"train", "--data", iris, "--label", "species", "--test", "0.9", "--validation", "0.5"}, "leave something to train on"},
			{[]string{"data", "--header", "foo", iris}, `want yes or no for the header, got "foo"`},
			{[]string{"train", "--data", iris}, "name the column to predict"},
			{[]string{"train", "--data", iris, "--label", "kind"}, `there is no column "kind"`},
			{[]string{"train", "--data", iris, "--target", "kind"}, `there is no column "kind"`},
			{[]string{"train", "--data", iris, "--label", "species", "--ignore", "kind"}, `there is no column "kind"`},
			{[]string{"train", "--data", iris, "--label", "species", "--categorical", "kind"}, `there is no column "kind"`},
			{[]string{"train", "--data", iris, "--label", "species", "--part-column", "kind"}, `there is no column "kind"`},
			{[]string{"train", "--data", iris, "--label", "species", "--part-column", "species"}, "the column is named twice"},
			{[]string{"train", "--data", iris, "--label", "species", "--fill", "kind=mean"}, `there is no column "kind"`},
			{[]string{"train", "--data", iris, "--label", "species", "--fill", "mode"}, "want mean, median, most-frequent or =TEXT"},
			{[]string{"train", "--data", iris, "--label", "species", "--fill", "1==x"}, "the constant to fill it with"},
			{[]string{"train", "--data", letters, "--test", letters, "--fill", "mean"}, "--fill is for a table, and " + letters + " is none"},
		} {
			if code, _, stderr := call(t, c.args...); code != exitUsage || !strings.Contains(stderr, c.want) {
				t.Errorf("%v: exit code %d and %q, want 2 and %q", c.args, code, stderr, c.want)
			}
		}
	})
	t.Run("mistakes", func(t *testing.T) {
		for _, c := range []struct {
			args []string
			want string
		}{
			{[]string{"train", "--data", "mnits"}, "there is no file mnits; check its name; --data takes mnist, fashion-mnist, or a file or folder"},
			{[]string{"eval", model}, "give samples of your own with --data"},
			{[]string{"predict", model, write(t, "new.csv", []byte("petal length,sepal width\n1,2\n"))}, `there is no column "sepal length", which the model takes`},
		} {
			if code, _, stderr := call(t, c.args...); code != exitFailure || !strings.Contains(stderr, c.want) {
				t.Errorf("%v: exit code %d and %q, want 1 and %q", c.args, code, stderr, c.want)
			}
		}
	})
}

// TestUselessColumns: columns that tell the records apart, and no more, are named.
func TestUselessColumns(t *testing.T) {
	table := "id,note,size,price,kind\n"
	for i := range 40 {
		table += fmt.Sprintf("%d,note %d,%d,\"%d,5\",%c\n", 1000+i, i, i%7, i, "ab"[i/20])
	}
	path := write(t, "t.csv", []byte(table))
	out := must(t, "data", path)
	for _, want := range []string{
		"column 1 has another integer in every record: if it numbers them, leave it out with --ignore id\n",
		"column 2 has another text in nearly every record: leave it out with --ignore note\n",
		"column 4, line 2: numbers with commas stop train",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("data does not say %q:\n%s", want, out)
		}
	}
	if strings.Count(out, "\ncolumn ") != 3 {
		t.Errorf("data says more than of 3 columns:\n%s", out)
	}
	_, _, stderr := call(t, "train", "--data", path, "--label", "kind", "--ignore", "price", "--steps", "1", "--out", filepath.Join(t.TempDir(), "m"))
	if want := "\ncolumn note has another text in nearly every record: leave it out with --ignore note\n"; !strings.Contains(stderr, want) {
		t.Errorf("train says %q, want %q", stderr, want)
	}
}

// TestAdviceRepeatsFlags: the command that data proposes has the flags with which the table was
// read, and a file that train can read.
func TestAdviceRepeatsFlags(t *testing.T) {
	table := "kind,2019,2020\n" + strings.Repeat("a,1,none\nb,2,3\nb,3,4\n", 10)
	path := write(t, "t.csv", []byte(table))
	if code, _, stderr := call(t, "data", path); code != exitUsage || !strings.Contains(stderr, "say which with --header yes or no") {
		t.Fatalf("without --header: exit code %d: %s", code, stderr)
	}
	args := []string{"--header", "yes", "--missing", "none"}
	out := must(t, append([]string{"data", path}, args...)...)
	if want := "chainrule train --data " + shellQuoted(path) + " --header yes --missing none --label 2020\n"; !strings.Contains(out, want) {
		t.Errorf("data says\n%s\nwant %q", out, want)
	}
	readFrom(t, path)
	if out := must(t, append([]string{"data", "-"}, args...)...); !strings.Contains(out, "chainrule train --data FILE --header yes") {
		t.Errorf("of standard input, data says\n%s", out)
	}
}

// TestAdviceOnTheLastColumn: it is not an input, so what data says of it is what stops its
// prediction.
func TestAdviceOnTheLastColumn(t *testing.T) {
	many := ""
	for i := range 30 {
		many += fmt.Sprintf("%d;%d,25\n", i%7, i)
	}
	for _, c := range []struct{ name, table, how, advice string }{
		{"classes with commas", "a;c\n" + strings.Repeat("1;0,5\n2;1,5\n", 10), "--label", ""},
		{"few decimals", "a;c\n" + strings.ReplaceAll(many[:strings.Index(many, "4;18,")], ",", "."), "--target", ""},
		{"targets with commas", "a;c\n" + many, "--target", "column 2, line 2: numbers with commas stop train"},
		{"missing", "a;c\n" + strings.Repeat("1;x\n2;y\n3;\n", 10), "--label", "column 2, line 4: a missing value stops train if it is to be predicted; leave the line out"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := must(t, "data", write(t, "t.csv", []byte(c.table)))
			if !strings.Contains(out, c.how+" c\n") || !strings.Contains(out, c.advice) || c.advice == "" && strings.Contains(out, "\ncolumn 2") {
				t.Errorf("data says\n%s\nwant %q and %q", out, c.how, c.advice)
			}
		})
	}
}

// TestLookAtFolder: what data says of a folder of pictures, train does.
func TestLookAtFolder(t *testing.T) {
	small := []string{"dark/1.png", "light/1.png"}
	enough := []string{"dark/1.png", "dark/2.png", "dark/3.png", "light/1.png", "light/2.png", "light/3.png"}
	under := func(part string, names []string) (all []string) {
		for _, name := range names {
			all = append(all, part+"/"+name)
		}
		return all
	}
	for _, c := range []struct {
		name    string
		files   []string
		colored string // a file that is in color, and larger
		flags   string
		want    string
	}{
		{"classes", enough, "", "", "pictures of 2 classes"},
		{"a folder of each part", append(under("train", small), under("test", small)...), "", "", "test are those to test with"},
		{"few pictures", small, "", " --test FOLDER", "pictures of 2 classes"},
		{"of several kinds and sizes", enough, "light/2.png", " --size 32x32 --channels 3", "pictures of 2 classes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			pictures(t, dir, c.files...)
			if c.colored != "" {
				var b bytes.Buffer
				img := image.NewRGBA(image.Rect(0, 0, 8, 8))
				img.Set(1, 1, color.RGBA{255, 0, 0, 255})
				if err := errors.Join(png.Encode(&b, img), os.WriteFile(filepath.Join(dir, c.colored), b.Bytes(), 0o666)); err != nil {
					t.Fatal(err)
				}
			}
			out := must(t, "data", dir)
			if want := "chainrule train --data " + shellQuoted(dir) + c.flags + "\n"; !strings.Contains(out, c.want) || !strings.Contains(out, want) || strings.Contains(out, "\ntrain ") {
				t.Errorf("data says\n%s\nwant %q and %q", out, c.want, want)
			}
			flags := strings.Fields(strings.ReplaceAll(c.flags, "FOLDER", dir))
			must(t, append([]string{"train", "--data", dir, "--steps", "1", "--out", filepath.Join(t.TempDir(), "m")}, flags...)...)
		})
	}
	t.Run("another class to test with", func(t *testing.T) {
		dir := t.TempDir()
		pictures(t, dir, append(under("train", small), "test/grey/1.png")...)
		for _, args := range [][]string{{"data", dir}, {"train", "--data", dir}} {
			if code, _, stderr := call(t, args...); code != exitFailure || !strings.Contains(stderr, `want one of the classes dark, light, got the folder "grey"; rename or remove it`) {
				t.Errorf("%v: exit code %d: %s", args, code, stderr)
			}
		}
	})
	t.Run("one class", func(t *testing.T) {
		dir := t.TempDir()
		pictures(t, dir, "dark/1.png")
		if code, _, stderr := call(t, "data", dir); code != exitFailure || !strings.Contains(stderr, "want 2 classes or more, got the folder dark alone") {
			t.Errorf("exit code %d: %s", code, stderr)
		}
	})
}

// TestLabelsOfAnotherName: eval and report take the labels of an IDX file from the file that
// is named.
func TestLabelsOfAnotherName(t *testing.T) {
	file := func(name string, shape []int, elements ...byte) string {
		var b bytes.Buffer
		(&data.IDX{Shape: shape, Data: elements}).WriteTo(&b)
		return write(t, name, b.Bytes())
	}
	samples := file("samples", []int{4, 1, 2}, 1, 2, 3, 4, 5, 6, 7, 8)
	named := file("named", []int{4}, 0, 1, 0, 1)
	model := filepath.Join(t.TempDir(), "m")
	must(t, "train", "--data", samples, "--labels", named, "--test", "0.5", "--steps", "1", "--out", model)
	if out := must(t, "eval", model, "--data", samples, "--labels", named); !strings.Contains(out, "on 4 samples") {
		t.Errorf("eval says %s", out)
	}
	must(t, "report", model, "--data", samples, "--labels", named, "--out", filepath.Join(t.TempDir(), "r.html"))
	for _, args := range [][]string{
		{"eval", model, "--data", t.TempDir(), "--labels", named},
		{"eval", model, "--labels", named},
		{"report", model, "--labels", named, "--out", filepath.Join(t.TempDir(), "r.html")},
	} {
		if code, _, stderr := call(t, args...); code != exitUsage || !strings.Contains(stderr, "--labels") {
			t.Errorf("%v: exit code %d: %s", args, code, stderr)
		}
	}
}
