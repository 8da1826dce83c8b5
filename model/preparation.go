package model

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	v2 "github.com/go-json-experiment/json"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/internal/safetensors"
	"github.com/chainrule-go/chainrule/internal/strictjson"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// MaxTraining is the largest number of bytes of JSON that a file keeps about a training.
const MaxTraining = 1 << 16

const (
	preparationField = "preparation"
	trainingField    = "training"
)

// setPreparation adds the field, unless p is nil.
func setPreparation(fields *strictjson.Object, p *data.Preparation) error {
	if p == nil {
		return nil
	}
	if err := p.Check(); err != nil {
		return fmt.Errorf("%s: %w", preparationField, err)
	}
	fields.Set(preparationField, p)
	return nil
}

// setTraining adds the field, unless training is nil.
func setTraining(fields *strictjson.Object, training json.RawMessage) error {
	if training == nil {
		return nil
	}
	if len(training) > MaxTraining {
		return fmt.Errorf("%s: want at most %d bytes, got %d", trainingField, MaxTraining, len(training))
	}
	if _, err := strictjson.Parse(training); err != nil {
		return fmt.Errorf("%s: %w", trainingField, err)
	}
	fields.Set(trainingField, training)
	return nil
}

// takePreparation reads the field, which may be missing.
func takePreparation(fields *strictjson.Object) (*data.Preparation, error) {
	text, err := takeObject(fields, preparationField)
	if err != nil || text == nil {
		return nil, err
	}
	p := &data.Preparation{}
	// Upper and lower case of keys differ, as in the rest of the file.
	if err := v2.Unmarshal(text, p, v2.RejectUnknownMembers(true)); err != nil {
		if bad, ok := errors.AsType[*v2.SemanticError](err); ok {
			err = fmt.Errorf("%s does not fit", bad.JSONPointer)
			if bad.Err != nil {
				err = fmt.Errorf("%s: %w", bad.JSONPointer, bad.Err)
			}
		}
		return nil, safetensors.Fail("architecture: "+preparationField, "%v; a newer program may have written it", err)
	}
	if err := p.Check(); err != nil {
		return nil, safetensors.Fail("architecture: "+preparationField, "%v", err)
	}
	return p, nil
}

// takeTraining reads the field, which may be missing.
func takeTraining(fields *strictjson.Object) (json.RawMessage, error) {
	text, err := takeObject(fields, trainingField)
	if err == nil && len(text) > MaxTraining {
		err = safetensors.Fail("architecture: "+trainingField, "want at most %d bytes, got %d", MaxTraining, len(text))
	}
	return text, err
}

// takeObject returns the object under a key as text, or nil if there is none.
func takeObject(fields *strictjson.Object, key string) ([]byte, error) {
	v := fields.Take(key)
	if _, none := v.(strictjson.Absent); none {
		return nil, nil
	}
	o, ok := v.(*strictjson.Object)
	if !ok {
		return nil, safetensors.Fail("architecture: "+key, "want an object, got %s", strictjson.Show(v))
	}
	return json.Marshal(o)
}

// checkPreparation returns an error unless the network takes samples prepared as p says,
// and its outputs fit the targets. The shapes of network and input are known to fit.
func checkPreparation[T tensor.Float](p *data.Preparation, net *nn.Sequential[T], input []int) error {
	if p == nil {
		return nil
	}
	size, ok := tensor.Size(p.Shape()...)
	if want, _ := tensor.Size(input...); !ok || size != want {
		return fmt.Errorf("want samples of %s, as the network takes, got %s", tensor.FormatShape(input), tensor.FormatShape(p.Shape()))
	}
	out, err := nn.Check(net, append([]int{0}, input...)...)
	if err != nil {
		return err
	}
	if n := p.Outputs(); n > 0 && (len(out) != 2 || out[1] != n) {
		return fmt.Errorf("want a class or target for each output, %s, got %d", tensor.FormatShape(out[1:]), n)
	}
	return nil
}

// Samples reads the samples of a file or folder of any kind that [data.Load] reads, and
// prepares them as in the training. They have the shape that the network takes. If the file
// has no targets, the targets are 0; [data.Read] reports whether it has them.
func (m *Model[T]) Samples(ctx context.Context, path string) (data.Set[T], error) {
	if m.Preparation == nil {
		return data.Set[T]{}, errors.New("model: the file does not say how samples are prepared; make them as the network takes them")
	}
	r, err := data.Read[T](ctx, path, m.Preparation)
	if err != nil {
		return data.Set[T]{}, err
	}
	set := r.Set()
	set.X = tensor.Of(set.X.Data, append([]int{set.Len()}, m.Input...)...)
	return set, nil
}
