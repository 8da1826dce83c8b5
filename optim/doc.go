// Package optim holds the optimizers, which change the parameters of a network by
// their gradients.
//
// An [Optimizer] has a [Rule] for what one step is ([SGD], [Momentum], [Nesterov],
// [AdaGrad], [RMSProp], [Adam]), and around it what is the same for each: the learning
// rate and its [Schedule], clipping, weight decay, and a [Group] for parameters with
// settings of their own.
package optim
