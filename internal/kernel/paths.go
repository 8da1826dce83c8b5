package kernel

import (
	"fmt"
	"slices"
	"strings"
)

// goPath is the path that every processor can take.
const goPath = "go"

var (
	assembly = assemblyPaths()
	paths    = append(slices.Clone(assembly), goPath)
)

// Paths returns the instructions that this build can compute with on this
// processor, by name: "avx512", "avx2", "neon", and last the loops in Go, "go".
// The first is what it does compute with.
func Paths() []string { return slices.Clone(paths) }

// Use makes everything be computed on one of [Paths], until restore is called:
// for tests of all of them, and for comparing their speed. Nothing may be
// computed at the time of the two calls.
func Use(path string) (restore func(), err error) {
	if !slices.Contains(paths, path) {
		return nil, fmt.Errorf("kernel: this build cannot take the path %q on this processor; it can take %s", path, strings.Join(paths, ", "))
	}
	return use(path), nil
}
