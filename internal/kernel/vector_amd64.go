//go:build amd64 && !purego

package kernel

// vectorPath is that of float32.
func vectorPath() path {
	switch {
	case hasAVX512:
		return on512f32
	case hasAVX2:
		return on256f32
	}
	return inGo
}

// hasWindowKernels reports whether there are kernels of windows.
func hasWindowKernels() bool { return hasAVX2 }
