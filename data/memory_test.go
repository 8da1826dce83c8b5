// The race detector allocates too.

//go:build !race

package data

import (
	"fmt"
	"strings"
	"testing"
)

// TestTableMemory holds Load to what its comment says of a table, and counts what is
// collected on the way too.
func TestTableMemory(t *testing.T) {
	const records, categories = 1 << 16, 3 // more than is looked at before
	load := func(n int) int {
		var b strings.Builder
		b.WriteString("a,b,c,colour,class\n")
		for i := range n {
			fmt.Fprintf(&b, "%d,%d.25,-%d.5,%s,%d\n", i, i, i%100, []string{"red", "green", "blue"}[i%categories], i%2)
		}
		path := textFile(t, "t.csv", b.String())
		return allocated(func() {
			if _, err := Load[float32](t.Context(), path, Options{Label: "class", Validation: 0.1, Test: 0.2}); err != nil {
				t.Error(err)
			}
		})
	}
	load(records) // what is allocated once in a process
	few, many := load(records), load(2*records)
	const number, input, record = 8, 4, 33
	said := records * (5*number + (3+categories)*input + record)
	if got := many - few; got > said+said/100 {
		t.Errorf("%d records more take %d bytes more, want %d", records, got, said)
	}
	if most := said + 8<<20; few > most {
		t.Errorf("%d records take %d bytes, want at most %d", records, few, most)
	}
}
