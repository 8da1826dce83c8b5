package nn

import (
	"fmt"

	"github.com/chainrule-go/chainrule/internal/kernel"
	"github.com/chainrule-go/chainrule/tensor"
)

// GroupNorm normalizes groups of channels, separately in each sample.
//
//	forward   h  = (x - mean)/√(var + Eps)      x (N, C), (N, C, L) or (N, C, H, W)
//	          y  = Gamma·h + Beta               Gamma, Beta (C)
//	backward  dGamma += Σ dy·h                  dBeta += Σ dy
//	          dx = (g - Σ g/M - h·Σ g·h/M)/√(var + Eps)      g = Gamma·dy
//
// A group is C/groups neighboring channels of one sample and has M elements. mean,
// var = Σ (x - mean)²/M and the sums in dx are over the group. The sums in dGamma and dBeta are
// over all elements of the channel. GroupNorm computes the same in training and in evaluation.
// With one group for each channel it is instance normalization. (Wu and He, "Group
// normalization", ECCV 2018; PyTorch's GroupNorm.)
type GroupNorm[T tensor.Float] struct {
	rowNorm[T]
	groups, channels int
}

// NewGroupNorm returns a GroupNorm layer: Gamma is 1, Beta 0 and Eps 1e-5. It panics unless
// groups and channels are 1 or more and channels is a multiple of groups.
func NewGroupNorm[T tensor.Float](groups, channels int) *GroupNorm[T] {
	l := &GroupNorm[T]{groups: groups, channels: channels}
	l.Eps = 1e-5
	MustBuild(l)
	l.start()
	return l
}

func (l *GroupNorm[T]) Fields(f *Fields[T]) {
	f.Size("groups", &l.groups)
	f.Size("channels", &l.channels)
	if f.Building() && l.channels%l.groups != 0 {
		f.Fail("channels", "want a multiple of groups, which is %d, got %d", l.groups, l.channels)
	}
	f.Float("eps", &l.Eps, 0, 1)
	f.Param("gamma", &l.Gamma, l.channels)
	f.Param("beta", &l.Beta, l.channels)
	f.Params(&l.params)
}

func (l *GroupNorm[T]) Settings(s *Settings[T]) {
	s.Int("groups", &l.groups)
	s.Infer(&l.channels, s.Axis(0))
	s.Float("eps", &l.Eps, 1e-5)
	s.Built(l.start)
}

// Groups returns the number of groups.
func (l *GroupNorm[T]) Groups() int { return l.groups }

func (l *GroupNorm[T]) Forward(p *Pass[T], x *tensor.Tensor[T]) *tensor.Tensor[T] {
	mustFit(l, "Forward", x)
	return l.forward(p, x, l.layout(x), l.groups)
}

func (l *GroupNorm[T]) Backward(p *Pass[T], dy *tensor.Tensor[T]) *tensor.Tensor[T] {
	return l.backward(p, l, dy, l.layout, l.groups)
}

func (l *GroupNorm[T]) layout(x *tensor.Tensor[T]) kernel.Layout { return channels(l, x, l.channels) }

func (l *GroupNorm[T]) String() string { return fmt.Sprintf("GroupNorm(%d, %d)", l.groups, l.channels) }
