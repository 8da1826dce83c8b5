// Package atomicfile replaces files as a whole: whoever opens the target, at
// any time and after any crash, finds the old content or the new, never a part.
package atomicfile
