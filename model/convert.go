package model

import (
	"slices"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// Convert returns a copy of the model with elements of type To, as [nn.Convert] does. For
// example, a network that was trained in float32 can be examined in float64.
func Convert[To, From tensor.Float](m *Model[From]) (*Model[To], error) {
	net, err := nn.Convert[To](nn.Layer[From](m.Net))
	if err != nil {
		return nil, err
	}
	return &Model[To]{
		Net:         net.(*nn.Sequential[To]),
		Input:       slices.Clone(m.Input),
		Preparation: m.Preparation,
		Training:    m.Training,
		Unverified:  m.Unverified,
	}, nil
}
