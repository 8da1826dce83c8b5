//go:build arm64 && !purego

package kernel

// vectorPath is that of float32.
func vectorPath() path {
	if onlyGo {
		return inGo
	}
	return on128f32
}
