// Package optim holds the optimizers, which change the parameters of a network by
// their gradients.
//
// An [Optimizer] has a [Rule], which defines one step: [SGD], [Momentum], [Nesterov],
// [AdaGrad], [RMSProp] or [Adam]. The rest is the same for every rule: the learning rate
// and its [Schedule], clipping, weight decay, and a [Group] for parameters with settings of
// their own.
package optim
