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

const recordedSplit = "[14 16 19 20 21 22 26 29 30 32 34]"

// TestSplitTwins: samples of the same inputs.
func TestSplitTwins(t *testing.T) {
	const all = 1000
	type sizes struct{ test, minority int } // of the test part, and of its label n
	size := func(p *Parts[float64]) (s sizes) {
		for _, label := range p.Test.(Set[float64]).T {
			s.test++
			s.minority += 1 - label
		}
		return s
	}
	for _, c := range []struct {
		name   string
		record func(i int) string
	}{
		{"few distinct inputs", func(i int) string { return fmt.Sprintf("%d,%s", i%4, yesButEach(i/4, 10)) }},
		{"one of them is most", func(i int) string { return fmt.Sprintf("%d,%s", max(0, i-900), yesButEach(i, 10)) }},
		{"pairs of two labels", func(i int) string { return fmt.Sprintf("%d,%s", i/2, yesButEach(i, 10)) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			lines := make([]string, all)
			for i := range lines {
				lines[i] = c.record(i)
			}
			for seed := range uint64(4) {
				o := Options{Label: "2", Test: 0.2, Seed: seed, Raw: true}
				p := loaded(t, strings.Join(lines, "\n"), o)
				s := size(p)
				if s.test < 190 || s.test > 210 || s.minority < 10 || s.minority > 30 {
					t.Errorf("seed %d: %+v to test, want about {200 20}", seed, s)
				}
				shuffled := slices.Clone(lines)
				rand.New(rand.NewPCG(3, 4)).Shuffle(all, func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
				if again := loaded(t, strings.Join(shuffled, "\n"), o); size(again) != s || !slices.Equal(values(again.Test), values(p.Test)) {
					t.Errorf("seed %d: the records of the test part depend on their order in the file", seed)
				}
			}
		})
	}
	t.Run("of two labels stay together", func(t *testing.T) {
		var b strings.Builder
		for i := range 400 {
			fmt.Fprintf(&b, "%d,%s\n", i/2, []string{"n", "y"}[i%2])
		}
		p := loaded(t, b.String(), Options{Label: "2", Validation: 0.1, Test: 0.2, Raw: true})
		train := values(p.Train)
		for _, v := range append(values(p.Test), values(p.Validation)...) {
			if _, found := slices.BinarySearch(train, v); found {
				t.Errorf("the inputs %v are trained on and tested", v)
			}
		}
	})
	t.Run("of targets", func(t *testing.T) {
		lines := make([]string, all)
		for i := range lines {
			lines[i] = fmt.Sprintf("%d,%d", i%3, i)
		}
		load := func() []float64 {
			p := loaded(t, strings.Join(lines, "\n"), Options{Targets: []string{"2"}, Test: 0.2, Raw: true})
			y := slices.Clone(p.Test.(Set[float64]).Values.Data)
			slices.Sort(y)
			return y
		}
		first := load()
		slices.Reverse(lines)
		if again := load(); len(first) < 190 || len(first) > 210 || !slices.Equal(first, again) {
			t.Errorf("%d and %d to test, want about 200, and the same in another order", len(first), len(again))
		}
	})
}

// yesButEach is "n" once in so many, else "y".
func yesButEach(i, of int) string {
	if i%of == 0 {
		return "n"
	}
	return "y"
}
