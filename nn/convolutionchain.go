package nn

import (
	"github.com/chainrule-go/chainrule/internal/kernel"
	"github.com/chainrule-go/chainrule/tensor"
)

// convolutionChain is Convolutions one after the other, each with the ReLU and the MaxPool
// after it, if there are any. To predict, it is computed as one: image by image, so that what
// lies between the layers stays in the caches. The bits are the same.
type convolutionChain[T tensor.Float] struct {
	layers []Layer[T]
	stages []convolutionStage[T] // the same
}

// forwarder is a layer, or several in a row.
type forwarder[T tensor.Float] interface {
	Forward(p *Pass[T], x *tensor.Tensor[T]) *tensor.Tensor[T]
}

// convolutionStage is a Convolution with what is computed together with it.
type convolutionStage[T tensor.Float] struct {
	*Convolution[T]
	relu bool
	pool *MaxPool[T] // or nil
}

// stageOf returns a layer as a stage, or one without a Convolution if it is none.
func stageOf[T tensor.Float](l Layer[T]) convolutionStage[T] {
	switch l := l.(type) {
	case *Convolution[T]:
		return convolutionStage[T]{l, false, nil}
	case *convolutionReLU[T]:
		return convolutionStage[T]{l.Convolution, true, nil}
	case *convolutionReLUMaxPool[T]:
		return convolutionStage[T]{l.Convolution, true, l.pool}
	}
	return convolutionStage[T]{}
}

// chainConvolutions replaces two or more stages in a row by a chain. For one alone it does
// not pay to lay its channels side by side.
func chainConvolutions[T tensor.Float](layers []Layer[T]) []forwarder[T] {
	var chained []forwarder[T]
	for len(layers) > 0 {
		c := &convolutionChain[T]{}
		for _, l := range layers {
			s := stageOf(l)
			if s.Convolution == nil {
				break
			}
			c.stages = append(c.stages, s)
		}
		n := len(c.stages)
		if c.layers = layers[:n]; n > 1 {
			chained = append(chained, c)
		} else {
			n = 1
			chained = append(chained, layers[0])
		}
		layers = layers[n:]
	}
	return chained
}

func (l *convolutionChain[T]) Forward(p *Pass[T], x *tensor.Tensor[T]) *tensor.Tensor[T] {
	mustFit(l.layers[0], "Forward", x)
	var result [4]int
	c, shape := p.chain(), x.Shape
	for _, s := range l.stages {
		stage := s.of(shape)
		c.Add(stage)
		rows, columns := stage.Result()
		shape = append(result[:0], x.Shape[0], s.out, rows, columns)
		if len(x.Shape) == 3 {
			shape = append(result[:2], columns)
		}
	}
	if c.Ready() {
		y := p.New(shape...)
		c.Run(p.threads(), y.Data, x.Data)
		return y
	}
	for _, l := range l.layers {
		x = l.Forward(p, x)
	}
	return x
}

// of returns the stage for images of a shape. It panics if they do not fit.
func (s convolutionStage[T]) of(shape []int) kernel.Stage[T] {
	stage := kernel.Stage[T]{W: s.W.Value.Data, Bias: s.B.Value.Data, ReLU: s.relu}
	if stage.Convolution = s.mustTake(shape); s.pool != nil {
		stage.Pool = s.mustPool(s.pool, stage.Convolution, shape)
	}
	return stage
}
