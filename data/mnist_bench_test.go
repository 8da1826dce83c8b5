package data

import (
	"context"
	"testing"
)

func BenchmarkLoadMNIST(b *testing.B) {
	gz := realMNIST(b)
	cache := b.TempDir()
	if _, _, err := (MNISTSource{Cache: cache}).Load(context.Background()); err != nil {
		b.Fatal(err)
	}
	for _, bb := range []struct {
		name string
		src  MNISTSource
	}{
		{"compressed", MNISTSource{Dir: gz}},
		{"cache", MNISTSource{Cache: cache, Go: "none", Mirrors: []string{}}},
	} {
		b.Run(bb.name+"/bytes", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := bb.src.Load(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(bb.name+"/float32", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := LoadMNIST[float32](b.Context(), bb.src); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
