// Package optim holds the optimizers, which change the parameters of a network by
// their gradients.
package optim
