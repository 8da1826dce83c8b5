//go:build ignore

// Draws docs/training.svg, the picture in the README, from a training:
//
//	go run ./cmd/chainrule train --json | go run docs/training.go > docs/training.svg
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"math"
	"os"
)

type event struct {
	Event string
	Epoch float64
	Loss  float64
	Train float64 `json:"train_accuracy"`
	Test  float64 `json:"test_accuracy"`
	Steps int
}

// The drawing, in pixels, and the accuracies it shows.
const (
	width, height            = 720, 340
	left, right, top, bottom = 60, 20, 50, 45
	lowest, highest          = 0.90, 1.00
)

func main() {
	var epochs []event
	var done event
	for d := json.NewDecoder(os.Stdin); d.More(); {
		var e event
		if err := d.Decode(&e); err != nil {
			log.Fatal(err)
		}
		if e.Event == "done" {
			done = e
		} else {
			epochs = append(epochs, e)
		}
	}
	if len(epochs) == 0 {
		log.Fatal("no epochs on standard input: pipe chainrule train --json into this")
	}
	last := epochs[len(epochs)-1].Epoch
	x := func(epoch float64) float64 { return left + epoch/last*(width-left-right) }
	y := func(accuracy float64) float64 {
		return top + (highest-accuracy)/(highest-lowest)*(height-top-bottom)
	}

	fmt.Printf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" font-family="sans-serif" font-size="13">`+"\n", width, height, width, height)
	fmt.Printf(`<rect width="%d" height="%d" fill="#fff"/>`+"\n", width, height)
	fmt.Printf(`<text x="%d" y="26" font-size="16" fill="#222">784-50-10, ReLU, SGD on MNIST: %d steps, test accuracy %.4f</text>`+"\n", left, done.Steps, done.Test)
	for a := lowest; a <= highest+1e-9; a += 0.02 {
		fmt.Printf(`<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" stroke="#ddd"/>`, left, width-right, y(a), y(a))
		fmt.Printf(`<text x="%d" y="%.1f" text-anchor="end" fill="#555">%.2f</text>`+"\n", left-8, y(a)+4, a)
	}
	for e := 0.0; e <= last; e += 2 {
		fmt.Printf(`<text x="%.1f" y="%d" text-anchor="middle" fill="#555">%g</text>`+"\n", x(e), height-bottom+18, e)
	}
	fmt.Printf(`<text x="%d" y="%d" text-anchor="middle" fill="#555">epoch</text>`+"\n", (left+width-right)/2, height-8)
	curve := func(name, color string, of func(event) float64, labelY float64) {
		fmt.Printf(`<polyline fill="none" stroke="%s" stroke-width="2" points="`, color)
		for _, e := range epochs {
			fmt.Printf("%.1f,%.1f ", x(e.Epoch), y(math.Max(of(e), lowest)))
		}
		fmt.Println(`"/>`)
		fmt.Printf(`<text x="%d" y="%.1f" fill="%s" text-anchor="end">%s %.4f</text>`+"\n", width-right-6, labelY, color, name, of(epochs[len(epochs)-1]))
	}
	curve("training set", "#b35c00", func(e event) float64 { return e.Train }, y(0.93))
	curve("test set", "#1f5fa8", func(e event) float64 { return e.Test }, y(0.92))
	fmt.Println("</svg>")
}
