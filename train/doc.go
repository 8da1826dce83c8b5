// Package train is the loop around a network: batches in random order, forward,
// loss, backward, an optimizer's step, and an evaluation after every epoch.
//
// A loop of your own is a few lines more (see the example of package nn). This one
// adds what a program needs around it: it stops when its context is done, ends a run
// that diverges, reports to observers, gives the same bits for the
// same seed on any number of threads, and allocates nothing per step.
package train
