// Poisoned memory is dropped on Reset.

//go:build !poison

package train_test

import (
	"runtime"
	"testing"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/optim"
	"github.com/chainrule-go/chainrule/tensor"
	"github.com/chainrule-go/chainrule/train"
)

// Steps and predictions take the memory that is stated: within 2 % and 256 KiB, once the
// program has what products lay their factors out in. On one thread: on several, how much
// that is depends on how many happen to be at work at the same time.
func TestMemoryIsAsStated(t *testing.T) {
	const batch = 10
	for _, name := range nn.NetworkNames() {
		t.Run(name, func(t *testing.T) {
			line, err := nn.NetworkLine(name, 10)
			if err != nil {
				t.Fatal(err)
			}
			sample := []int{1, 28, 28}
			if name == "multilayer" {
				sample = []int{784}
			}
			labels := func(n int) nn.Targets[float32] { return nn.Labels[float32](make([]int, n)...) }
			var stated train.Memory
			steps := func() any { // what the steps use
				net, err := nn.Parse[float32](line, sample, train.Random(1, "weights"))
				if err != nil {
					t.Fatal(err)
				}
				step := train.NewStep(net, nn.NewSoftmaxWithLoss[float32](), optim.NewAdam(net.Params(), 0.001))
				step.Threads(1)
				if stated, err = step.Memory(batch, sample, labels); err != nil {
					t.Fatal(err)
				}
				x := tensor.New[float32](append([]int{batch}, sample...)...)
				for range 2 {
					if _, err := step.Do(x, labels(batch)); err != nil {
						t.Fatal(err)
					}
				}
				return []any{step, x}
			}
			holds(t, "a step", steps, &stated)
			var predicted train.Memory
			prediction := func() any {
				net, err := nn.Parse[float32](line, sample, train.Random(1, "weights"))
				if err != nil {
					t.Fatal(err)
				}
				if predicted, err = train.PredictionMemory(net, batch, sample); err != nil {
					t.Fatal(err)
				}
				predicted.Gradients = stated.Gradients // which a parameter has, used or not
				x, p := tensor.New[float32](append([]int{batch}, sample...)...), &nn.Pass[float32]{Threads: 1}
				net.Forward(p, x)
				return []any{net, x, p}
			}
			holds(t, "a prediction", prediction, &predicted)
		})
	}
}

// holds fails unless what f returns holds as much memory as f states.
func holds(t *testing.T, what string, f func() any, stated *train.Memory) {
	t.Helper()
	for range 4 { // what products lay out in one another grows until each has the largest
		f()
	}
	before := inUse()
	held := f()
	got := inUse() - before
	runtime.KeepAlive(held)
	want := stated.Total()
	if diff := got - want; max(diff, -diff) > want/50+256<<10 {
		t.Errorf("%s holds %d bytes, and %d are stated: %+v", what, got, want, *stated)
	}
}

// inUse is how many bytes are in use.
func inUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
