// Package atomicfile replaces files as a whole: a program that opens the target,
// at any time and after any crash, finds the old content or the new, never a part.
//
// A temporary file beside the target is written, flushed to disk and renamed.
// While it is written it is locked, so that a temporary whose writer was killed
// can be told from one that is in use: the next write in the folder removes it.
// (github.com/google/renameio has no such lock and does not build on Windows.)
package atomicfile
