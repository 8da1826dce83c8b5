package gradcheck

import (
	"runtime"
	"sync"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// Numerical returns the gradient of the loss of a network on the samples x with the
// targets t, of every element of every parameter in the order of Params, by central
// differences: two losses an element. Random layers draw as in the training step 0.
//
// GOMAXPROCS goroutines share the elements, each with a copy of the network by
// [nn.Clone], or one does them all if a layer cannot be copied. Their number changes no
// bit.
func Numerical(net nn.Layer[float64], loss nn.Loss[float64], x *tensor.Tensor[float64], t nn.Targets[float64]) [][]float64 {
	all := make([][]float64, len(net.Params()))
	for i, differences := range differences(net, loss, x, t, func(int) int { return 1 }) {
		for _, d := range differences {
			all[i] = append(all[i], d.Central())
		}
	}
	return all
}

// differences returns the loss around every stride-th element of each parameter; stride
// depends on the number of elements. A wrong shape or label panics.
func differences(net nn.Layer[float64], loss nn.Loss[float64], x *tensor.Tensor[float64], t nn.Targets[float64], stride func(n int) int) [][]nn.Difference {
	lossOf(net, loss, x, t)() // panics here, where it can be recovered, and not in a goroutine
	nets := []nn.Layer[float64]{net}
	for len(nets) < runtime.GOMAXPROCS(0) {
		clone, err := nn.Clone(net)
		if err != nil {
			break
		}
		nets = append(nets, clone)
	}
	var all [][]nn.Difference
	for _, p := range net.Params() {
		n := len(p.Value.Data)
		all = append(all, make([]nn.Difference, (n+stride(n)-1)/stride(n)))
	}
	var workers sync.WaitGroup
	for worker, own := range nets {
		workers.Go(func() {
			f := lossOf(own, loss, x, t)
			for i, p := range own.Params() {
				n, every := len(all[i]), stride(len(p.Value.Data))
				for j := worker * n / len(nets); j < (worker+1)*n/len(nets); j++ {
					all[i][j] = nn.CentralDifference(f, &p.Value.Data[j*every], nn.DifferenceStep)
				}
			}
		})
	}
	workers.Wait()
	return all
}

// lossOf returns the function that computes the loss as the training step 0 does, but
// saves nothing.
func lossOf(net nn.Layer[float64], loss nn.Loss[float64], x *tensor.Tensor[float64], t nn.Targets[float64]) func() float64 {
	pass := &nn.Pass[float64]{Train: true, Threads: 1}
	return func() float64 {
		pass.Reset()
		pass.Step = 0
		return loss.Forward(pass, net.Forward(pass, x), t)
	}
}
