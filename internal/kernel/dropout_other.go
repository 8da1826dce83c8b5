//go:build !amd64 || purego

package kernel

func dropouts[T Float](*dropout[T], int, int) int { return 0 }
