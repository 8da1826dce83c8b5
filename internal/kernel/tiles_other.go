//go:build !amd64 || purego

package kernel

func tiled() bool { return false }

func addTiles[T Float](*product[T], int, int) { panic("kernel: no tiles on this processor") }
