// Package plot draws figures as SVG and PNG: [Lines] for curves, scatters and paths,
// [Histogram], [Heat] for matrices such as a confusion matrix, [Images], and [Grid] for
// several of them.
//
// The same figure gives the same bytes. The colours are those of Okabe and Ito, which
// colour-blind readers can tell apart, and curves differ by their dashes too. A figure is
// 800 pixels wide, and its smallest text is legible at that width.
package plot
