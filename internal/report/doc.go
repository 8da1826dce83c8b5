// Package report makes the report of a run or of a model: one page of HTML that loads
// nothing, with curves of the training, the metrics of an [Evaluation] and its worst
// mistakes, and with how it came about.
package report
