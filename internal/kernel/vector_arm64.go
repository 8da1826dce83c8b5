//go:build arm64 && !purego

package kernel

// vectorPath is that of float32.
func vectorPath() path {
	if onlyGo {
		return inGo
	}
	return on128f32
}

// hasWindowKernels reports whether there are kernels of windows.
func hasWindowKernels() bool { return false }
