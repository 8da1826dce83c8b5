// Package bench measures how fast training, prediction, gradient checks and
// matrix products are, on workloads that other libraries can be timed on as
// well: [Workloads] is the table of them, [Run] measures.
//
// A figure is the median of several samples, each of so many operations in a row
// that it takes long enough to be timed. All the program then has so many
// processors as the figure has threads (GOMAXPROCS), the garbage collector
// included.
package bench
