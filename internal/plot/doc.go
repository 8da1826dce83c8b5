// Package plot draws figures as SVG and PNG: [Lines] for curves, scatters and paths,
// [Histogram], [Heat] for matrices such as a confusion matrix, [Images], and [Grid] for
// several of them.
//
// The same figure gives the same bytes. The colors are the palette of Okabe and Ito, which
// color-blind readers can distinguish; curves also differ by their dashes. A figure is 800
// pixels wide, and its smallest text is legible at that width.
package plot
