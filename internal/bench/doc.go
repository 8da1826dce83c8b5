// Package bench measures how fast training, prediction, gradient checks and
// matrix products are, on workloads that other libraries can be timed on as
// well: [Workloads] is the table of them, [Run] measures.
//
// A figure is the median of several samples. A sample is a number of operations in a row that
// takes long enough to be timed. GOMAXPROCS is the number of threads of the figure, so the
// garbage collector has no more.
package bench
