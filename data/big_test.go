package data

import (
	"flag"
	"testing"
)

var big = flag.String("table", "", "a table whose last column has the class, for BenchmarkLoad")

// BenchmarkLoad loads the table of -table.
func BenchmarkLoad(b *testing.B) {
	if *big == "" {
		b.Skip("name a table: -table FILE")
	}
	for b.Loop() {
		p, err := Load[float32](b.Context(), *big, Options{Label: "-1", Test: 0.2})
		if err != nil {
			b.Fatal(err)
		}
		b.Log(p.Train.Len(), p.Test.Len(), p.SHA256)
	}
}
