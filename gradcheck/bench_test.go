package gradcheck

import (
	"testing"

	"github.com/chainrule-go/chainrule/graph/trace"
)

// BenchmarkLayer is of one check: it stands in unit tests, so that it has to take less
// than 0.2 s for an ordinary layer.
func BenchmarkLayer(b *testing.B) {
	for _, row := range trace.Rows() {
		b.Run(row.Name, func(b *testing.B) {
			for b.Loop() {
				Layer(row.Case)
			}
		})
	}
}
