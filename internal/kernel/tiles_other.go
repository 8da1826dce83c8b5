//go:build (!amd64 && !arm64) || purego

package kernel

func assemblyPaths() []string { return nil }

func use(string) (restore func()) { return func() {} }

func tilingOf[T Float]() *tiling[T] { return nil }

func pause() {}

func sgd[T Float]([]T, []T, T) int { return 0 }
