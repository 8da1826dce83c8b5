// Package draw draws the graphs of package graph, as the book draws them:
// operations are circles, and each edge carries the value of the node it leaves
// above the line and the gradient below it.
//
// [DOT] is the language of Graphviz, [SVG] and [PNG] are pictures, and [HTML] is a
// page, all in one file, in which the passes run forward and backward step by
// step. Numbers are rounded to four digits; the exact ones are in the JSON that
// package graph writes.
//
// A node that several others use branches at a dot: before the dot is the whole
// gradient, and after it are the terms of which that is the sum. Groups of nodes, such as layers,
// are drawn as frames, or folded into boxes.
//
// The same graph gives the same bytes, on the same kind of processor.
package draw
