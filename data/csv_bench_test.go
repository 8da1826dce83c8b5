package data

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
)

// BenchmarkTable reads a table of 10 columns of numbers with 6 digits and one of 3
// classes, 16 MB at a time.
func BenchmarkTable(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	var text bytes.Buffer
	text.WriteString("a,b,c,d,e,f,g,h,i,j,class\n")
	for text.Len() < 16<<20 {
		for range 10 {
			fmt.Fprintf(&text, "%.5f,", 10*rng.Float64()-5)
		}
		fmt.Fprintf(&text, "%s\n", []string{"red", "green", "blue"}[rng.IntN(3)])
	}
	b.SetBytes(int64(text.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := loadTable[float32](bytes.NewReader(text.Bytes()), "table", Options{Label: "class", Test: 0.2}); err != nil {
			b.Fatal(err)
		}
	}
}
