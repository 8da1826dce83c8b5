package train_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/internal/atomicfile"
	"github.com/chainrule-go/chainrule/internal/kernel"
	"github.com/chainrule-go/chainrule/model"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/optim"
	"github.com/chainrule-go/chainrule/train"
)

// BenchmarkCosts measures what a checkpoint each 100 steps and the watch for numbers that
// are not finite cost the book's network on MNIST, batch 100, in percent of a training
// without: the median of ratios of runs that alternate. Where one is due while another is
// still being written, it comes later: how many there were is reported too.
//
//	go test ./train -run '^$' -bench Costs -benchtime 1x
func BenchmarkCosts(b *testing.B) {
	set, _, err := data.LoadMNIST[float32](b.Context(), data.MNISTSource{})
	if err != nil {
		b.Skip(err)
	}
	const steps, rounds = 10_000, 7
	for _, threads := range []int{1, 2} {
		seconds := func(dir *train.Dir) (s float64, params []*nn.Param[float32]) {
			rng := train.Random(1, "weights")
			net := nn.NewSequential(nn.NewAffine[float32](784, 50, rng), nn.NewReLU[float32](), nn.NewAffine[float32](50, 10, rng))
			begin := time.Now()
			_, err := train.Run(b.Context(), train.Config[float32]{
				Net: net, Loss: nn.NewSoftmaxWithLoss[float32](), Optimizer: optim.NewSGD(net.Params(), 0.1),
				Train: set, Batch: 100, Steps: steps, Seed: 1, Threads: threads,
				Dir: dir, Every: 100, SaveModel: func(path string, _ train.Epoch) error { return model.Save(path, net, 784) },
			})
			if err != nil {
				b.Fatal(err)
			}
			return time.Since(begin).Seconds(), net.Params()
		}
		b.Run(fmt.Sprintf("checkpoints/threads=%d", threads), func(b *testing.B) {
			for b.Loop() {
				var ratios []float64
				var written atomic.Int64
				atomicfile.Fault = func(operation, path string) error {
					if operation == "rename" && strings.HasPrefix(filepath.Base(path), "step-") {
						written.Add(1)
					}
					return nil
				}
				defer func() { atomicfile.Fault = nil }()
				for i := range rounds {
					dir, err := train.CreateDir(filepath.Join(b.TempDir(), fmt.Sprint(i)), struct{}{})
					if err != nil {
						b.Fatal(err)
					}
					without, _ := seconds(nil)
					with, _ := seconds(dir)
					dir.Close()
					ratios = append(ratios, with/without)
				}
				slices.Sort(ratios)
				b.ReportMetric(100*(ratios[rounds/2]-1), "%")
				b.ReportMetric(100*(ratios[0]-1), "least%")
				b.ReportMetric(100*(ratios[rounds-1]-1), "most%")
				b.ReportMetric(float64(written.Load())/rounds/steps*100, "written/100steps")
			}
		})
		b.Run(fmt.Sprintf("watch/threads=%d", threads), func(b *testing.B) {
			for b.Loop() {
				s, params := seconds(nil)
				begin := time.Now()
				for range steps {
					for _, p := range params {
						if !kernel.Finite(p.Value.Data) || !kernel.Finite(p.Grad.Data) {
							b.Fatal("not finite")
						}
					}
				}
				b.ReportMetric(100*time.Since(begin).Seconds()/s, "%")
			}
		})
	}
}
