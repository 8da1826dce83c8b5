// Package train is the loop around a network: batches in random order, forward,
// loss, backward, an optimizer's step, and an evaluation after every epoch.
//
// A loop of one's own is a few lines more (see the example of package nn); this
// one adds what a program wants around it: it stops when its context does, ends
// a run that diverges, tells observers where it is, gives the same bits for the
// same seed on any number of threads, and allocates nothing per step.
package train
