package main

import (
	"fmt"
	"path/filepath"
	"testing"
)

func TestPredictsWhatWasSaved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "xor.safetensors")
	if err := fit(path); err != nil {
		t.Fatal(err)
	}
	for want, samples := range [][][]float32{{{0, 0}, {1, 1}}, {{0, 1}, {1, 0}}} {
		for _, sample := range samples {
			t.Run(fmt.Sprint(sample), func(t *testing.T) {
				class, probability, err := predict(path, sample)
				if err != nil {
					t.Fatal(err)
				}
				if class != want {
					t.Errorf("class %d, want %d", class, want)
				}
				if probability < 0.9 || probability > 1 {
					t.Errorf("probability %v, want 0.9 to 1", probability)
				}
			})
		}
	}
}
