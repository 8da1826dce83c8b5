package gradcheck

import (
	"runtime"
	"sync"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// Numerical returns the gradient of the loss of a network on the samples x with the
// targets t, of every element of every parameter in the order of Params, by central
// differences: two losses an element. Random layers draw as in training in the step 0.
//
// GOMAXPROCS goroutines share the elements, each with a copy of the network by
// [nn.Clone], or one does them all if a layer cannot be copied. Their number changes no
// bit.
func Numerical(net nn.Layer[float64], loss nn.Loss[float64], x *tensor.Tensor[float64], t nn.Targets[float64]) [][]float64 {
	all := make([][]float64, len(net.Params()))
	for i, differences := range differences(net, loss, x, t, nil) {
		all[i] = make([]float64, len(differences))
		for j, d := range differences {
			all[i][j] = d.Central()
		}
	}
	return all
}

// differences returns the loss around the elements at[i] of each parameter i. Where at,
// or at[i], is nil, it is all elements. A wrong shape or label panics.
func differences(net nn.Layer[float64], loss nn.Loss[float64], x *tensor.Tensor[float64], t nn.Targets[float64], at [][]int) [][]nn.Difference {
	lossOf(net, loss, x, t)() // panics here, where it can be recovered, and not in a goroutine
	nets := []nn.Layer[float64]{net}
	for len(nets) < runtime.GOMAXPROCS(0) {
		clone, err := nn.Clone(net)
		if err != nil {
			break
		}
		nets = append(nets, clone)
	}
	all := make([][]nn.Difference, len(net.Params()))
	for i, p := range net.Params() {
		n := len(p.Value.Data)
		if at != nil && at[i] != nil {
			n = len(at[i])
		}
		all[i] = make([]nn.Difference, n)
	}
	share := func(worker int) {
		f := lossOf(nets[worker], loss, x, t)
		for i, p := range nets[worker].Params() {
			n := len(all[i])
			for j := worker * n / len(nets); j < (worker+1)*n/len(nets); j++ {
				element := j
				if at != nil && at[i] != nil {
					element = at[i][j]
				}
				all[i][j] = nn.CentralDifference(f, &p.Value.Data[element], nn.DifferenceStep)
			}
		}
	}
	var others sync.WaitGroup
	for worker := 1; worker < len(nets); worker++ {
		others.Go(func() { share(worker) })
	}
	share(0)
	others.Wait()
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
