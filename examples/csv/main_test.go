package main

import (
	"path/filepath"
	"slices"
	"testing"
)

func TestPredictsFlowers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "iris.safetensors")
	accuracy, err := fit("iris.csv", path)
	if err != nil {
		t.Fatal(err)
	}
	if accuracy < 0.85 {
		t.Errorf("test accuracy %v, want 0.85 or more", accuracy)
	}
	names, err := predict(path, "new.csv")
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"setosa", "virginica"}; !slices.Equal(names, want) {
		t.Errorf("the new flowers are %v, want %v", names, want)
	}
}
