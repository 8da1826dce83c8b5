package main

import (
	"bytes"
	"context"
	"os"
	"testing"

	"github.com/chainrule-go/chainrule/data"
)

func TestOneEpoch(t *testing.T) {
	if _, _, err := (data.MNISTSource{}).Load(context.Background()); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	accuracy, err := fit(1)
	if err != nil {
		t.Fatal(err)
	}
	if accuracy < 0.9 {
		t.Errorf("accuracy %v after an epoch, want 0.9 or more", accuracy)
	}
}

// TestIsShort: the program stands in the README as it is.
func TestIsShort(t *testing.T) {
	program, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	if lines := bytes.Count(program, []byte("\n")); lines > 45 {
		t.Errorf("the program has %d lines, and may have 45", lines)
	}
}
