package train

import (
	"unsafe"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// Memory is the number of bytes that the arrays of a network take, for batches of a given
// size. A whole program takes a few MB more, in which matrix products rearrange their
// factors.
type Memory struct {
	Parameters int64 `json:"parameters"` // with state, such as running means
	Gradients  int64 `json:"gradients"`
	Optimizer  int64 `json:"optimizer"` // its state
	Batch      int64 `json:"batch"`     // the samples
	Results    int64 `json:"results"`   // of the layers, the loss and the backward pass, and what else a Pass keeps
}

// Total returns the sum of all of them.
func (m Memory) Total() int64 {
	return m.Parameters + m.Gradients + m.Optimizer + m.Batch + m.Results
}

// Memory returns the memory for steps on batches of n samples. sample is the shape of one
// sample, without the batch axis; targets returns the targets of a batch. It is computed
// from two steps of a copy of the network on few samples, without the optimizer: the memory
// is a constant, plus an amount for each sample. It is an error if the network cannot be
// copied ([nn.Clone]) or does not take such samples.
func (s *Step[T]) Memory(n int, sample []int, targets func(samples int) nn.Targets[T]) (m Memory, err error) {
	net, err := nn.Clone(s.Net)
	if err != nil {
		return Memory{}, err
	}
	m, err = memoryOf(net, n, sample, func(p *nn.Pass[T], x *tensor.Tensor[T]) {
		p.Train, p.Keep = true, true
		nn.Backpropagate(p, net, s.Loss, x, targets(x.Shape[0]))
	})
	m.Gradients = bytesOf(s.Net.Params())
	for _, state := range s.Optimizer.State() {
		m.Optimizer += int64(len(state.Value.Data)) * int64(unsafe.Sizeof(T(0)))
	}
	return m, err
}

// PredictionMemory returns the memory for a prediction of n samples. sample is the shape of
// one sample, without the batch axis. It is an error if net does not take such samples.
func PredictionMemory[T tensor.Float](net nn.Layer[T], n int, sample []int) (Memory, error) {
	return memoryOf(net, n, sample, func(p *nn.Pass[T], x *tensor.Tensor[T]) { net.Forward(p, x) })
}

// memoryOf returns the memory for a batch of n samples. It runs two small batches.
func memoryOf[T tensor.Float](net nn.Layer[T], n int, sample []int, run func(p *nn.Pass[T], x *tensor.Tensor[T])) (m Memory, err error) {
	if _, err := nn.Check(net, append([]int{0}, sample...)...); err != nil {
		return Memory{}, err
	}
	const few = 2 // batch norm refuses a batch of one sample in training
	var results [2]int64
	for i := range results {
		p := &nn.Pass[T]{}
		run(p, tensor.New[T](append([]int{few + i}, sample...)...))
		results[i] = p.Scratch()
	}
	each := results[1] - results[0]
	size := int64(unsafe.Sizeof(T(0)))
	elements, _ := tensor.Size(sample...)
	m.Batch = int64(n) * int64(elements) * size
	m.Results = results[0] + int64(n-few)*each
	m.Parameters = bytesOf(net.Params())
	for _, state := range nn.States(net) {
		m.Parameters += int64(len(state.Data)) * size
	}
	return m, nil
}

func bytesOf[T tensor.Float](params []*nn.Param[T]) (bytes int64) {
	for _, p := range params {
		bytes += int64(len(p.Value.Data)) * int64(unsafe.Sizeof(T(0)))
	}
	return bytes
}
