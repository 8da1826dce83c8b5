//go:build (!amd64 && !arm64) || purego

package kernel

func assemblyPaths() []string { return nil }

func use(string) (restore func()) { return func() {} }

func tilingOf[T Float]() *tiling[T] { return nil }

func pause() {}

func peak(int) (run func(), flops float64) { return nil, 0 }

// hasWindowKernels reports whether there are kernels of windows.
func hasWindowKernels() bool { return false }
