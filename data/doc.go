// Package data reads data sets and divides them into batches.
//
// # Your own data
//
// [Load] reads data to train on: a table (CSV, TSV), a folder of pictures, or an IDX, npy
// or npz file. [Options] says which column is predicted, what takes the place of missing
// values, and which samples are for validation and test. The result is [Parts]: the samples
// of each part, and a [Preparation], which says how they became the inputs of a network. A
// model file keeps the Preparation. With it, [Read] and [ReadTable] prepare new data as the
// training data were prepared, and [Restore] turns standardized outputs back into their
// own units. [Describe] and [DescribeFolder] show what a file or folder holds.
//
// # MNIST
//
// [LoadMNIST] finds the handwritten digits of MNIST, or Fashion-MNIST, in a folder, in the
// user's cache, in a Go module or on a public mirror, and checks their SHA-256 wherever
// they come from.
//
// # Samples and batches
//
// [Samples] is the interface of all data that a network trains on. A [Set] holds numbers;
// [Pixels] hold the bytes of images until they are copied into a batch, which takes less
// memory and less time. [Augment] changes images at random in each epoch.
//
// [Set.Batches] ranges over a set in shuffled batches. A [Batcher] does the same without
// allocating. Its position can be saved, so that an interrupted training continues where
// it stopped. Neither copies the set.
//
// # Formats
//
// [ReadIDX], [IDXReader] and [ReadNPY] read single files. docs/LIMITS.md says how much
// memory each format may take.
package data
