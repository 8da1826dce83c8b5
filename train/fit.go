package train

import (
	"errors"
	"fmt"
	"math"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/optim"
	"github.com/chainrule-go/chainrule/tensor"
)

// fit returns an error unless a network, its loss and an optimizer belong together. frozen
// are the parameters of the network that the optimizer does not change.
func fit[T tensor.Float](net nn.Layer[T], loss nn.Loss[T], optimizer *optim.Optimizer[T]) (frozen []*nn.Param[T], err error) {
	if err := fitLoss(net, loss); err != nil {
		return nil, err
	}
	if err := optimizer.Check(); err != nil {
		return nil, err
	}
	stepped := map[*nn.Param[T]]bool{}
	for _, p := range optimizer.Params() {
		stepped[p] = true
	}
	for _, p := range net.Params() {
		if !stepped[p] {
			frozen = append(frozen, p)
		}
		delete(stepped, p)
	}
	if n := len(net.Params()); n > 0 && len(frozen) == n {
		return nil, errors.New("train: the optimizer has no parameter of the network, so it would learn nothing; make one of Net.Params()")
	}
	for _, p := range optimizer.Params() {
		if stepped[p] {
			return nil, fmt.Errorf("train: the optimizer has a parameter %s that the network does not: make it of net.Params()", p.Name)
		}
	}
	return frozen, nil
}

// fitBatches returns an error if the last batch of an epoch is a single sample and the network
// does not take one in training, as a BatchNorm does not.
func fitBatches[T tensor.Float](net nn.Layer[T], samples data.Samples[T], batch int) (err error) {
	n := samples.Len()
	if min(n, batch) != 1 && n%batch != 1 {
		return nil
	}
	defer func() {
		switch e := recover().(type) {
		case nil:
		case *tensor.ShapeError:
			err = fmt.Errorf("train: the last batch of an epoch has one sample, for there are %d in batches of %d: %w; choose another batch size", n, batch, e)
		default:
			panic(e)
		}
	}()
	net.Forward(&nn.Pass[T]{Train: true}, tensor.New[T](append([]int{1}, samples.SampleShape()...)...))
	return nil
}

// fitLoss returns an error unless the loss can take the outputs of the network: a loss that
// contains a softmax or a sigmoid takes logits.
func fitLoss[T tensor.Float](net nn.Layer[T], loss nn.Loss[T]) error {
	contained := ""
	switch last(net).(type) {
	case *nn.Softmax[T]:
		if _, contains := loss.(*nn.SoftmaxWithLoss[T]); contains {
			contained = "Softmax"
		}
	case *nn.Sigmoid[T]:
		if _, contains := loss.(*nn.SigmoidWithLoss[T]); contains {
			contained = "Sigmoid"
		}
	}
	if contained != "" {
		return fmt.Errorf("train: the network ends in a %s, and %[1]sWithLoss contains another: leave the layer out, for the loss takes logits", contained)
	}
	return nil
}

// last returns the last layer of a network, inside containers too.
func last[T tensor.Float](net nn.Layer[T]) nn.Layer[T] {
	if book, ok := net.(*nn.TwoLayerNet[T]); ok {
		net = book.Sequential
	}
	chain, ok := net.(*nn.Sequential[T])
	if !ok || len(chain.Layers()) == 0 {
		return net
	}
	layers := chain.Layers()
	return last(layers[len(layers)-1].Layer)
}

// An InputError says that the loss is not finite because a number in the data is not. Another
// learning rate cannot mend that.
type InputError struct {
	Set    string // such as "training set" or "batch"
	Sample int    // its number in the set
	Target bool   // the number is a target value, not an input
	Value  float64
}

func (e *InputError) Error() string {
	what := "an input"
	if e.Target {
		what = "a target"
	}
	return fmt.Sprintf("train: sample %d of the %s has %s that is %v; leave it out, or mend the data", e.Sample, e.Set, what, e.Value)
}

// notFinite returns the first sample of a batch with a number that is not finite, or nil.
func notFinite[T tensor.Float](set string, x *tensor.Tensor[T], t nn.Targets[T]) *InputError {
	in := func(a *tensor.Tensor[T], target bool) *InputError {
		if a == nil || len(a.Shape) == 0 || a.Shape[0] == 0 {
			return nil
		}
		for i, v := range a.Data {
			if !finite(float64(v)) {
				return &InputError{set, i / (len(a.Data) / a.Shape[0]), target, float64(v)}
			}
		}
		return nil
	}
	if e := in(x, false); e != nil {
		return e
	}
	return in(t.Values, true)
}

// checkSet looks through a whole set for a number that is not finite, a part at a time.
func checkSet[T tensor.Float](set string, samples data.Samples[T]) error {
	w := &examiner[T]{pass: &nn.Pass[T]{}}
	for lo := 0; lo < samples.Len(); lo += part {
		x, t := w.gather(samples, samples.SampleShape(), lo, min(lo+part, samples.Len()))
		if e := notFinite(set, x, t); e != nil {
			e.Sample += lo
			return e
		}
	}
	return nil
}

// wrongLabel turns the panic for a wrong label in a batch into an error with the number of the
// sample in the set: number(i) for row i. Other panics continue.
func wrongLabel(set string, number func(row int) int, err *error) {
	switch e := recover().(type) {
	case nil:
	case *nn.LabelError:
		*err = &nn.LabelError{Op: "train: the " + set, Sample: number(e.Sample), Label: e.Label, Classes: e.Classes}
	default:
		panic(e)
	}
}

// badParam returns the name of a parameter that is not finite, or "".
func badParam[T tensor.Float](net nn.Layer[T]) string {
	names := nn.ParamNames(net)
	for i, p := range net.Params() {
		for _, v := range p.Value.Data {
			if !finite(float64(v)) {
				return names[i]
			}
		}
	}
	return ""
}

func finite(loss float64) bool { return !math.IsNaN(loss) && !math.IsInf(loss, 0) }
