// Package atomicfile replaces files as a whole: a program that opens the target,
// at any time and after any crash, finds the old content or the new, never a part.
//
// A temporary file beside the target is written, flushed to disk and renamed. It is locked
// while it is written. So a temporary file whose writer was killed differs from one in use:
// the next write in the folder removes it. (github.com/google/renameio has no such lock and
// does not build on Windows.)
package atomicfile
