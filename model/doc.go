// Package model writes networks to files and reads them: the layers, their weights, the
// shape of one sample, how samples become inputs, and what the training recorded.
//
// [Save] and [Load] use files. [Write] and [Read] use anything else, such as a model that
// is built into a program with package embed.
//
// The format is safetensors (https://github.com/huggingface/safetensors) with
// the architecture as JSON in its metadata: weights are plain arrays to every
// program that reads safetensors, and NumPy can write a file for this package.
// docs/FORMAT.md says how.
//
// A file holds data and the names of known kinds of layers ([nn.Kinds]). Loading a file
// cannot run code. A damaged or hostile file gives a [*FormatError], which names the file
// and says what is wrong in it.
package model
