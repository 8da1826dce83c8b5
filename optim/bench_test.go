package optim

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/chainrule-go/chainrule/internal/kernel"
	"github.com/chainrule-go/chainrule/nn"
)

// scaling multiplies arrays by nearly 1, a piece at a time: each is read once and written
// once, as in a step.
type scaling [][]float32

func (s scaling) Do(part int) {
	pieces := len(s[0]) / kernel.Piece
	x := s[part/pieces][part%pieces*kernel.Piece:][:kernel.Piece]
	kernel.Axpy(x, x, 1e-9)
}

// BenchmarkStep is a step on parameters far beyond the caches, in turn with y += a·x over
// as many arrays, w, gradient and states. It reports the median of the first in units of
// that of the second, which is what memory allows. "adjusted" is with weight decay and
// clipping by value; clipping by norm reads the gradient once more.
func BenchmarkStep(b *testing.B) {
	const n = 1 << 25
	for _, threads := range []int{1, 2} {
		for _, kind := range []string{"plain", "adjusted", "norm"} {
			for _, name := range Names() {
				b.Run(fmt.Sprintf("%s/%s/threads=%d", name, kind, threads), func(b *testing.B) {
					p := nn.NewParam[float32]("W", n)
					for i := range n {
						p.Value.Data[i] = float32(i%100) - 50
					}
					o, err := Named(name, []*nn.Param[float32]{p})
					if err != nil {
						b.Fatal(err)
					}
					o.Threads, o.LR = threads, 1e-6
					switch kind {
					case "adjusted":
						o.ClipValue, o.Decay = 1, 1e-6
					case "norm":
						o.ClipNorm = 1
					}
					arrays := scaling{p.Value.Data, p.Grad.Data}
					for _, s := range o.State() {
						arrays = append(arrays, s.Value.Data)
					}
					var steps, copies []float64
					for b.Loop() {
						begin := time.Now()
						o.Step()
						middle := time.Now()
						kernel.Update(threads, n, len(arrays)*n/kernel.Piece, arrays)
						steps = append(steps, middle.Sub(begin).Seconds())
						copies = append(copies, time.Since(middle).Seconds())
					}
					slices.Sort(steps)
					slices.Sort(copies)
					b.ReportMetric(steps[len(steps)/2]/copies[len(copies)/2], "of-axpy")
					b.ReportMetric(float64(2*len(arrays)*4*n)/copies[len(copies)/2]/1e9, "GB/s-axpy")
				})
			}
		}
	}
}
