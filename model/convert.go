package model

import (
	"bytes"
	"fmt"

	"github.com/chainrule-go/chainrule/tensor"
)

// Convert returns a copy of the model with elements of the type To: every float32
// is a float64, and a float64 is rounded. The copy shares nothing with m, and all
// its Grad are zero.
//
// So the network that was trained in float32 can be looked at in float64. Convert
// fails as [Write] does.
func Convert[To, From tensor.Float](m *Model[From]) (*Model[To], error) {
	architecture, tensors, err := describe(m.Net, m.Input)
	if err != nil {
		return nil, err
	}
	var converted []namedTensor[To]
	for _, t := range tensors {
		to := tensor.New[To](t.Shape...)
		for i, v := range t.Data {
			to.Data[i] = To(v)
		}
		converted = append(converted, namedTensor[To]{t.name, to})
	}
	var file bytes.Buffer
	if err := writeSafetensors(&file, architecture, converted); err != nil {
		return nil, err
	}
	return Read[To](&file, fmt.Sprintf("the model as %T", To(0)))
}
