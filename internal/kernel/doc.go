// Package kernel holds the loops that do the arithmetic: slices in, slices
// out, no shapes and no layers.
//
// The same call gives the same bits on every processor and for any number of
// threads, because each operation fixes how every element of its result is
// rounded:
//
//   - A multiplication followed by an addition is always one fused
//     multiply-add, rounded once ([fma]). Nothing here writes a bare a*b + c,
//     which Go fuses on some processors and not on others, unless the product
//     is exact (two float32 in float64).
//   - An element of a matrix product takes its terms in the order of k
//     ([Gemm]). Threads share out elements, never the terms of one.
//   - A sum along a row runs in 16 lanes joined by a fixed tree ([Sum]); a sum
//     along a column runs from the first row to the last ([AddColumnSums]). A
//     zero that a reduction to one number returns is +0.
//   - exp, tanh and log are polynomials of our own ([Exp], [Tanh], [Log]), because
//     the ones in package math differ between processors.
//   - Where values decay towards 0 (exp, gradients through it, the state of an
//     optimizer), a result below the smallest normal number is 0 by definition: some
//     processors are many times slower on subnormal numbers, and their flush-to-zero
//     modes differ.
//
// The result of an operation on a NaN is a NaN. (Which of the many NaN depends on the
// processor; all count as the same bits.)
//
// Matrix products (tiles_amd64.go, tiles_arm64.go), and most of the rest (vector.go),
// run in assembly where the processor has AVX-512, AVX2 with FMA, or NEON, unless built
// with -tags purego; the loops in Go give the same bits, and are what the assembly is
// held to. NEON is tested under emulation only, and its speed is not measured.
//
// Every function checks the lengths of its slices. A mismatch panics, as it is a
// mistake in the calling layer.
package kernel

//go:generate sh -c "cd gen && go run ./vector -dir .."
//go:generate sh -c "cd gen && go run ./neon -out ../tiles_arm64.s -stubs ../tiles_stubs_arm64.go -pkg kernel"

// Float is the set of element types.
type Float interface {
	float32 | float64
}
