package data

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func sha(text string) [sha256.Size]byte { return sha256.Sum256([]byte(text)) }

// tableOf is a table of n records whose class c has a share of 1/4.
func tableOf(n int) []string {
	lines := make([]string, n)
	for i := range lines {
		lines[i] = fmt.Sprintf("%d,%s", i, []string{"c", "d", "d", "d"}[i%4])
	}
	return lines
}

// values are the numbers of the only input.
func values(s Samples[float64]) []float64 {
	x := slices.Clone(s.(Set[float64]).X.Data)
	slices.Sort(x)
	return x
}

func TestSplit(t *testing.T) {
	lines := tableOf(400)
	load := func(lines []string, seed uint64) *Parts[float64] {
		return loaded(t, strings.Join(lines, "\n"), Options{Label: "2", Validation: 0.1, Test: 0.25, Seed: seed, Raw: true})
	}
	p := load(lines, 1)
	t.Run("shares of each class", func(t *testing.T) {
		for part, want := range map[*Samples[float64]][2]int{&p.Train: {65, 195}, &p.Validation: {10, 30}, &p.Test: {25, 75}} {
			var got [2]int
			for _, label := range (*part).(Set[float64]).T {
				got[label]++
			}
			if got != want {
				t.Errorf("a part has %v of the classes, want %v", got, want)
			}
		}
	})
	t.Run("order does not matter", func(t *testing.T) {
		shuffled := slices.Clone(lines)
		rand.New(rand.NewPCG(3, 4)).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		if got := load(shuffled, 1); !slices.Equal(values(got.Test), values(p.Test)) || !slices.Equal(values(got.Validation), values(p.Validation)) {
			t.Error("the records of the parts depend on their order in the file")
		}
	})
	t.Run("the seed does", func(t *testing.T) {
		if got := load(lines, 2); slices.Equal(values(got.Test), values(p.Test)) {
			t.Error("another seed gives the same test part")
		}
	})
	t.Run("equal records stay together", func(t *testing.T) {
		p := load(append(append([]string{}, lines...), lines...), 1)
		train := values(p.Train)
		for _, v := range append(values(p.Test), values(p.Validation)...) {
			if _, found := slices.BinarySearch(train, v); found {
				t.Errorf("the record %v is trained on and tested", v)
			}
		}
	})
	t.Run("recorded", func(t *testing.T) { // by this program: other bits are another split for every user
		var short []float64
		short = append(short, values(load(tableOf(40), 1).Test)...)
		if got, want := fmt.Sprint(short), recordedSplit; got != want {
			t.Errorf("the test part is %s, want %s", got, want)
		}
	})
}

const recordedSplit = "[1 3 4 6 13 15 18 20 23 27 36]"
