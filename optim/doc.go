// Package optim holds the optimizers: what becomes of a parameter once its
// gradient is known.
package optim
