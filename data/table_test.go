package data

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/chainrule-go/chainrule/tensor"
)

// textFile writes a file into a fresh folder.
func textFile(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// loaded loads a table.
func loaded(t testing.TB, text string, o Options) *Parts[float64] {
	t.Helper()
	p, err := Load[float64](t.Context(), textFile(t, "t.csv", text), o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestTable(t *testing.T) {
	const text = "\uFEFFid;colour;height;kind\n" +
		"1;red;1;yes\n" +
		"2;blue;;no\n" +
		"3;?;3;yes\n" +
		"4;\"red\";5;no\n"
	p := loaded(t, text, Options{Label: "kind", Ignore: []string{"id"}, Fill: []string{"mean", "colour=most-frequent"}})
	mean, red := "3", "red"
	if got, want := p.Preparation.Columns, []Column{
		{Name: "colour", Categories: []string{"blue", "red"}, Fill: &red},
		{Name: "height", Mean: 3, Std: 1.4142135623730951, Fill: &mean}, // of 1, 3, 3, 5: √2
	}; !reflect.DeepEqual(got, want) {
		t.Errorf("the columns are %+v, want %+v", got, want)
	}
	s := p.Train.(Set[float64])
	x := -2 / 1.4142135623730951
	if want := tensor.Of([]float64{0, 1, x, 1, 0, 0, 0, 1, 0, 0, 1, -x}, 4, 3); !reflect.DeepEqual(s.X, want) {
		t.Errorf("the inputs are %v, want %v", s.X, want)
	}
	if want := []int{1, 0, 1, 0}; !slices.Equal(s.T, want) || !slices.Equal(p.Preparation.Classes, []string{"no", "yes"}) {
		t.Errorf("the labels are %v of %v, want %v of [no yes]", s.T, p.Preparation.Classes, want)
	}
	if want := []string{"id"}; !slices.Equal(p.Unused, want) {
		t.Errorf("unused are %v, want %v", p.Unused, want)
	}
	t.Run("SHA-256", func(t *testing.T) {
		// printf '...' | sha256sum
		if want := fmt.Sprintf("%x", sha(text)); p.SHA256 != want {
			t.Errorf("got %s, want %s, that of the file", p.SHA256, want)
		}
	})
	t.Run("read again", func(t *testing.T) {
		// In another order, with a column more, and without what is predicted.
		r, err := ReadTable[float64](strings.NewReader("height\tnew\tcolour\n5\tx\tblue\n\tx\tNA\n"), "new.tsv", p.Preparation)
		if err != nil {
			t.Fatal(err)
		}
		if want := tensor.Of([]float64{1, 0, -x, 0, 1, 0}, 2, 3); !reflect.DeepEqual(r.Samples.(Set[float64]).X, want) || r.Labelled {
			t.Errorf("got %v, labelled %v, want %v without labels", r.Samples.(Set[float64]).X, r.Labelled, want)
		}
		if want := []string{"new"}; !slices.Equal(r.Unused, want) {
			t.Errorf("unused are %v, want %v", r.Unused, want)
		}
	})
}

func TestTableOfTargets(t *testing.T) {
	p := loaded(t, "1,10,0\n2,20,0\n3,30,1\n", Options{Targets: []string{"2", "-1"}})
	s := p.Train.(Set[float64])
	if shape, ok := s.TargetShape(); !ok || !slices.Equal(shape, []int{2}) || p.Preparation.Header {
		t.Fatalf("the targets are %v, want 2 numbers a sample, and no header", shape)
	}
	Restore(p.Preparation, s.Values.Data)
	for i, want := range []float64{10, 0, 20, 0, 30, 1} {
		if got := s.Values.Data[i]; got-want > 1e-12 || want-got > 1e-12 {
			t.Errorf("target %d comes back as %v, want %v", i, got, want)
		}
	}
	t.Run("raw", func(t *testing.T) {
		p := loaded(t, "1,10\n2,20\n", Options{Targets: []string{"2"}, Raw: true})
		if got := p.Train.(Set[float64]); !slices.Equal(got.X.Data, []float64{1, 2}) || !slices.Equal(got.Values.Data, []float64{10, 20}) {
			t.Errorf("got %v and %v, want the numbers as they are", got.X, got.Values)
		}
	})
	t.Run("inputs alone", func(t *testing.T) {
		r, err := ReadTable[float64](strings.NewReader("2\n"), "new", p.Preparation)
		if err != nil || r.Labelled || r.Samples.Len() != 1 {
			t.Errorf("got %+v (%v), want a sample without targets", r, err)
		}
	})
}

func TestFill(t *testing.T) {
	const text = "a,b,c\n1,x,p\n,,q\n2,x,p\n6,y,q\n9,,p\n"
	for _, c := range []struct {
		fill string
		want string // of a, and of b
	}{
		{"mean", "4.5 x"}, {"median", "4 x"}, {"most-frequent", "1 x"}, {"b==y", "? y"}, {"b==new", "? new"}, {"a==7", "7 ?"}, {"=3", "3 3"},
	} {
		t.Run(c.fill, func(t *testing.T) {
			f, err := Load[float64](t.Context(), textFile(t, "t.csv", text), Options{Label: "c", Fill: []string{c.fill}})
			if strings.Contains(c.want, "?") {
				if err == nil || !strings.Contains(err.Error(), "the value is missing") {
					t.Errorf("got %v, want an error about the other column", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			columns := f.Preparation.Columns
			if got := *columns[0].Fill + " " + *columns[1].Fill; got != c.want {
				t.Errorf("filled with %q, want %q", got, c.want)
			}
		})
	}
	t.Run("of the training part alone", func(t *testing.T) {
		f := loaded(t, "a,b,part\n1,p,train\n3,q,train\n,q,train\n100,p,test\n", Options{Label: "b", Fill: []string{"mean"}, PartColumn: "part"})
		if c := f.Preparation.Columns[0]; *c.Fill != "2" || c.Mean != 2 || f.Test.Len() != 1 || f.Validation != nil {
			t.Errorf("got fill %s, mean %v and %d to test, want 2, 2 and 1: the test part counts", *c.Fill, c.Mean, f.Test.Len())
		}
	})
}

// TestMissingNumber: a number may stand for a missing value.
func TestMissingNumber(t *testing.T) {
	const text = "x,y\n-999,a\n1,b\n3,a\n-9e2,b\n"
	o := Options{Label: "y", Missing: []string{"-999", "-9e2"}, Fill: []string{"x=median"}}
	p := loaded(t, text, o)
	if c := p.Preparation.Columns[0]; *c.Fill != "2" || c.Mean != 2 {
		t.Errorf("x is filled with %s and has the mean %v, want 2 and 2", *c.Fill, c.Mean)
	}
	s, err := DescribeTable(strings.NewReader(text), "t.csv", o)
	if err != nil || s.Columns[0].Missing != 2 || s.Columns[0].Min != 1 || s.Columns[0].MissingLine != 2 {
		t.Errorf("described as %+v (%v), want 2 missing from line 2 and a minimum of 1", s, err)
	}
	o.Fill = nil
	if _, err := Load[float64](t.Context(), textFile(t, "t.csv", text), o); err == nil || !strings.Contains(err.Error(), "t.csv:2: column 1 (x): the value is missing") {
		t.Errorf("without a fill: got %v", err)
	}
}

// TestDescribeHeaderAlone: a table without records is described as little as it is loaded.
func TestDescribeHeaderAlone(t *testing.T) {
	if _, err := DescribeTable(strings.NewReader("a,c\n"), "t.csv", Options{}); err == nil || err.Error() != "t.csv: it has a header and no records" {
		t.Errorf("the error is %v", err)
	}
}

// TestConstant: the deviation that rounding leaves of equal values is none.
func TestConstant(t *testing.T) {
	for _, v := range []string{"0.1", "0.3", "123.456", "1000000000.1", "1e-5", "-7.7", "0"} {
		t.Run(v, func(t *testing.T) {
			p := loaded(t, "k,y\n"+strings.Repeat(v+",a\n"+v+",b\n", 500), Options{Label: "y"})
			if std := p.Preparation.Columns[0].Std; std != 1 {
				t.Errorf("the standard deviation is %v, want 1", std)
			}
			x := make([]float64, 1000)
			for i := range x {
				x[i], _ = number([]byte(v))
			}
			if _, std := statistics(x, len(x), 1, 0, 1, make([]uint8, len(x))); std != 1 {
				t.Errorf("in an array the standard deviation is %v, want 1", std)
			}
		})
	}
	if p := loaded(t, "k,y\n1000000,a\n1000001,b\n", Options{Label: "y"}); p.Preparation.Columns[0].Std != 0.5 {
		t.Errorf("of 1000000 and 1000001 the standard deviation is %v, want 0.5", p.Preparation.Columns[0].Std)
	}
}

// TestFields: without a header, columns are known by their place among as many.
func TestFields(t *testing.T) {
	p := loaded(t, "10,1,2,7\n20,3,4,8\n30,5,6,9\n", Options{Targets: []string{"1"}, Ignore: []string{"4"}, Raw: true}).Preparation
	for _, c := range []struct{ name, text, want string }{
		{"as it was", "0,1,2,9\n", "[1 2]"}, {"the inputs alone", "1,2\n", "[1 2]"}, {"the target left out", "1,2,9\n", "want 4 fields in a record, as in the table that was trained on, or the 2 inputs alone, got 3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := ReadTable[float64](strings.NewReader(c.text), "new.csv", p)
			got := fmt.Sprint(err)
			if err == nil {
				got = fmt.Sprint(r.Set().X.Data)
			}
			if !strings.Contains(got, c.want) {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
	old := *p
	old.Fields = 0
	if _, err := ReadTable[float64](strings.NewReader("0,1,2\n"), "new.csv", &old); err != nil {
		t.Errorf("a model that does not know the fields: %v", err)
	}
	old.Fields, old.Header = 4, true
	if err := old.Check(); err == nil || !strings.Contains(err.Error(), "want fields of a table without a header") {
		t.Errorf("fields and a header: got %v", err)
	}
}

// decimals are records of a number and another one with decimals.
func decimals(n int) string {
	text := ""
	for i := range n {
		text += fmt.Sprintf("%d,%d.5\n", i, i)
	}
	return text
}

// TestDoubtless: what is near a doubtful table, and means one thing.
func TestDoubtless(t *testing.T) {
	for _, c := range []struct {
		name, text string
		o          Options
	}{
		{"a first record", strings.Repeat("1,2,a\n3,4,b\n", 10), Options{Label: "3"}},
		{"a name like the first bytes of Parquet", "PAR1,c\n" + strings.Repeat("1,a\n2,b\n", 10), Options{Label: "c"}},
		{"a first record of few", "1,2,a\n3,4,b\n5,6,b\n", Options{Label: "3"}},
		{"categories with commas", "a;c\n" + strings.Repeat("0,5;x\n1,5;y\n", 10), Options{Label: "c", Categorical: []string{"a"}}},
		{"texts with commas", "a,c\n" + strings.Repeat("\"Smith, J\",x\n\"2, High Street\",y\n", 10), Options{Label: "c"}},
		{"classes with decimals", "a,c\n" + strings.Repeat(decimals(6), 4), Options{Label: "c"}},
		{"classes with decimals of few records", "a,c\n" + decimals(12) + decimals(6), Options{Label: "c", Categorical: []string{"c"}}},
		{"lists", "a,c\n" + strings.Repeat("\"1,2,3\",x\n\"2,3,12\",y\n", 10), Options{Label: "c"}},
		{"a first record with a decimal comma", "0,5;1;x\n" + strings.Repeat("1,5;2;y\n1,5;2;x\n", 10), Options{Label: "3", Ignore: []string{"1"}}},
		{"decimal commas alone in the first record", strings.Repeat("0,5;1,5;x\n1,5;2,5;y\n", 10), Options{Label: "3", Categorical: []string{"1", "2"}}},
		{"classes of integers", "a,c\n" + strings.ReplaceAll(decimals(20), ".5", ""), Options{Label: "c"}},
		{"targets of integers", "a,c\n" + strings.Repeat("1,0\n2,1\n", 10), Options{Targets: []string{"c"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := Load[float32](t.Context(), textFile(t, "t.csv", c.text), c.o); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestNumbering: a column that numbers the records is known by its integers.
func TestNumbering(t *testing.T) {
	for _, c := range []struct {
		name string
		of   func(i int) string
		want bool
	}{
		{"one after another", func(i int) string { return fmt.Sprint(i) }, true},
		{"in another order", func(i int) string { return fmt.Sprint(842302 + i*7%30) }, true},
		{"decimals", func(i int) string { return fmt.Sprintf("%d.5", i) }, false},
		{"twice", func(i int) string { return fmt.Sprint(i / 2) }, false},
		{"a text", func(i int) string { return []string{"x", fmt.Sprint(i)}[min(i, 1)] }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := "id,c\n"
			for i := range 30 {
				text += c.of(i) + ",x\n"
			}
			s, err := DescribeTable(strings.NewReader(text), "t.csv", Options{})
			if err != nil || s.Columns[0].Numbering() != c.want {
				t.Errorf("got %+v, %v, want %v", s, err, c.want)
			}
		})
	}
}

func TestTableErrors(t *testing.T) {
	label := Options{Label: "c"}
	numbers := "a,c\n" + strings.Repeat("1,x\n2,y\n", 10)
	for _, c := range []struct {
		name, text string
		o          Options
		want       string
	}{
		{"empty", "", label, "t.csv: it is empty"},
		{"a header alone", "a,c\n", label, "it has a header and no records"},
		{"names or numbers", "2019,2020,y\n1,2,3\n4,5,6\n", Options{Targets: []string{"3"}}, `t.csv:1: column 3: the line could name the columns or be a record: it has numbers, and "y" where the next one has a number; say which with --header yes or no`},
		{"names or a record", "2019,2020,y\n" + strings.Repeat("1,2,a\n3,4,b\n", 10), Options{Label: "3"}, `t.csv:1: column 3: the line could name the columns or be a record: it has numbers, and "y" which is nowhere else`},
		{"decimal commas", "a;c\n" + strings.Repeat("0,5;x\n1,5;y\n", 10), label, "t.csv:2: column 1 (a): the column has numbers with commas; write a number with a point before its decimals, and without commas, or leave the column out (--ignore), or, if they are categories, say so (--categorical)"},
		{"commas of thousands", "a,c\n999,z\n" + strings.Repeat("\"1,234.56\",x\n\"-2,000\",y\n", 10), label, "t.csv:3: column 1 (a): the column has numbers with commas"},
		{"points of thousands", "a;c\n" + strings.Repeat("1.234.567,89;x\n1.000,5;y\n", 10), label, "t.csv:2: column 1 (a): the column has numbers with commas"},
		{"commas of millions", "a;c\n" + strings.Repeat("1,234,567.5;x\n-12,345,678;y\n", 10), label, "t.csv:2: column 1 (a): the column has numbers with commas"},
		{"a comma among numbers", numbers + "\"1,000\",x\n", label, `t.csv:22: column 1 (a): want a number, got "1,000"; write a number with a point`},
		{"numbers as classes", "a,c\n" + decimals(12), label, "column 2 (c): its values are numbers with decimals, and seldom occur twice; to predict a number, name it as a target (--target), or, if they are classes, say so (--categorical)"},
		{"numbers with commas as classes", "a;c\n" + strings.NewReplacer(",", ";", ".", ",").Replace(decimals(12)), label, "column 2 (c): its values are numbers with decimals"},
		{"UTF-16", "\xff\xfea\x00", label, "it is UTF-16; save it as UTF-8"},
		{"zero bytes", "a,c\n1,\x00\n", label, "it holds zero bytes"},
		{"no such column", numbers, Options{Label: "kind"}, `there is no column "kind"; the columns are a, c`},
		{"nothing to predict", numbers, Options{}, "name the column to predict"},
		{"two things to predict", numbers, Options{Label: "c", Targets: []string{"a"}}, "not both"},
		{"named twice", numbers, Options{Targets: []string{"a", "1"}}, "the column is named twice"},
		{"no input", numbers, Options{Label: "c", Ignore: []string{"a"}}, "no column is left as an input"},
		{"fields missing", numbers + "1\n", label, "t.csv:22: want 2 fields, as in the first line, got 1"},
		{"a text among numbers", numbers + "one,x\n", label, `t.csv:22: column 1 (a): want a number, got "one"; if it stands for a missing value`},
		{"missing", numbers + "NA,x\n", label, "t.csv:22: column 1 (a): the value is missing"},
		{"missing label", numbers + "1,\n", label, "t.csv:22: column 2 (c): the value to predict is missing"},
		{"two columns of a name", "a,b,a\n1,2,3\n", label, `t.csv:1: column 3: two columns are called "a"`},
		{"one class", "a,c\n1,x\n2,x\n", label, "column 2 (c): want 2 classes or more, got x alone"},
		{"a control character", "a,c\n1,x\n2,\x1b[31m\n", label, "t.csv:3: column 2 (c): want a text of one line"},
		{"no UTF-8", "a,c\n1,x\n2,\xe9\n", label, "t.csv:3: column 2 (c): want UTF-8"},
		{"a long name", strings.Repeat("é", 200) + ",c\n1,x\n", label, "t.csv:1: column 1: want at most 255 bytes, got 400"},
		{"a wrong part", "a,c,p\n1,x,train\n2,y,Test\n", Options{Label: "c", PartColumn: "p"}, `t.csv:3: column 3 (p): want one of train, validation, test, got "Test"`},
		{"nothing to train on", "a,c,p\n1,x,test\n", Options{Label: "c", PartColumn: "p"}, "no record is left to train on"},
		{"a share of nothing", "a,c\n1,x\n2,y\n", Options{Label: "c", Test: 0.2}, "no sample is left to test"},
		{"shares of all", numbers, Options{Label: "c", Test: 0.5, Validation: 0.5}, "want shares of validation and test"},
		{"a fill of another kind", numbers, Options{Label: "c", Fill: []string{"maximum"}}, `want mean, median, most-frequent or =TEXT`},
		{"a text to fill numbers", numbers, Options{Label: "c", Fill: []string{"a==one"}}, `the constant to fill it with: want a number, got "one"`},
		{"too many categories", "a,c\n" + many(mostCategories+1), Options{Label: "c"}, "want at most 1000 categories in a column; if it names the samples, leave it out"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Load[float32](t.Context(), textFile(t, "t.csv", c.text), c.o)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
	t.Run("later than the first MiB", func(t *testing.T) {
		text := "a,c\n" + strings.Repeat("1,x\n2,y\n", sniffed/8) + "z,x\n"
		_, err := Load[float32](t.Context(), textFile(t, "t.csv", text), label)
		if want := fmt.Sprintf("t.csv:%d: column 1 (a): want a number", sniffed/4+2); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	})
	t.Run("interrupted", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := Load[float32](ctx, textFile(t, "t.csv", numbers), label); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want that of the context", err)
		}
	})
}

// many is n records of different texts.
func many(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "t%d,%d\n", i, i%2)
	}
	return b.String()
}

func TestReadTableErrors(t *testing.T) {
	p := loaded(t, "a,b,c\n1,x,p\n2,y,q\n", Options{Label: "c"}).Preparation
	for _, c := range []struct{ name, text, want string }{
		{"a column is missing", "a,c\n1,p\n", `there is no column "b", which the model takes; its columns are a, c`},
		{"a new category", "a,b\n1,z\n", `new.csv:2: column 2 (b): want one of x, y, got "z"`},
		{"a new class", "a,b,c\n1,x,r\n", `new.csv:2: column 3 (c): want one of p, q, got "r"`},
		{"a missing value", "a,b\n1,x\n,x\n", "new.csv:3: column 1 (a): the value is missing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ReadTable[float32](strings.NewReader(c.text), "new.csv", p)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

// FuzzTable: no text does harm, and one that is taken is read again to the same bits.
func FuzzTable(f *testing.F) {
	for _, s := range []string{"a,b\n1,x\n2,y\n", "1;2\n3;4\n", "a\tb\n\"x\ny\"\t1\nz\t2", "a|b\nNA|p\n1|q\n", "\xef\xbb\xbfa,b\n1e5,0\n-1,1\n", "x\n", ",\n,\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := loadTable[float32](strings.NewReader(string(text)), "t", Options{Label: "-1", Fill: []string{"median"}})
		if err != nil {
			return
		}
		again, err := ReadTable[float32](strings.NewReader(string(text)), "t", p.Preparation)
		if err != nil {
			t.Fatalf("read to train on, and not again: %v", err)
		}
		a, b := p.Train.(Set[float32]), again.Samples.(Set[float32])
		if !reflect.DeepEqual(a.X, b.X) || !reflect.DeepEqual(a.T, b.T) {
			t.Errorf("read as %v %v, and again as %v %v", a.X, a.T, b.X, b.T)
		}
	})
}
