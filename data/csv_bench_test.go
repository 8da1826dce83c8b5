package data

import (
	"bufio"
	"errors"
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

var tableBytes = flag.Int64("table", 16_000_000, "bytes of the table for BenchmarkLoad")

// BenchmarkLoad loads a table of 20 columns of numbers with 4 to 9 digits, two of
// categories, some in quotes, and a label, and takes a fifth for the test. On one core, and
// with the memory that is resident at most:
//
//	go test -c -o data.test ./data
//	GOMAXPROCS=1 /usr/bin/time -v ./data.test -test.run '^$' -test.bench 'Load$' -test.benchtime 1x -table 1000000000
func BenchmarkLoad(b *testing.B) {
	path := filepath.Join(b.TempDir(), "t.csv")
	if err := writeTable(path, *tableBytes); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(*tableBytes)
	for b.Loop() {
		if _, err := Load[float32](b.Context(), path, Options{Label: "label", Test: 0.2}); err != nil {
			b.Fatal(err)
		}
	}
}

// writeTable writes a table of a little more than size bytes.
func writeTable(path string, size int64) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	for i := range 20 {
		w.WriteString("x" + strconv.Itoa(i) + ",")
	}
	w.WriteString("city,state,label\n")
	rng := rand.New(rand.NewPCG(1, 2))
	one := func(of []string) string { return of[rng.IntN(len(of))] }
	var line []byte
	for n := int64(0); n < size; n += int64(len(line)) {
		line = line[:0]
		for i := range 20 {
			of := []struct {
				scale  float64
				format byte
				digits int
			}{{1, 'f', 6}, {30, 'f', 5}, {1000, 'f', 3}, {0.05, 'g', 9}}[i%4]
			line = strconv.AppendFloat(line, of.scale*rng.NormFloat64(), of.format, of.digits, 64)
			line = append(line, ',')
		}
		line = append(line, one([]string{"Seoul", "Busan", "Incheon", `"Paris, Texas"`, "Paris", `"Rio de Janeiro"`, "Oslo", `"The ""Hague"""`})...)
		line = append(line, ',')
		line = append(line, one([]string{"new", "used", `"as new"`, `"for parts, or repair"`})...)
		line = append(line, ',')
		line = append(line, one([]string{"yes\n", "no\n", "perhaps\n"})...)
		w.Write(line)
	}
	return errors.Join(w.Flush(), f.Sync()) // so that it is not written while it is read
}
