package data

import (
	"math"
	"slices"
	"testing"

	"github.com/chainrule-go/chainrule/tensor"
)

// One of each change has a result that can be written down.
func TestWarp(t *testing.T) {
	image := []float64{
		1, 2, 3,
		4, 5, 6,
		7, 8, 9,
	}
	quarter := func() (w warp[float64]) {
		sin, cos := sincos(math.Pi / 2)
		return warp[float64]{a: cos, b: -sin, c: sin, d: cos}
	}
	for name, tt := range map[string]struct {
		w    warp[float64]
		want []float64
	}{
		"nothing":            {warp[float64]{a: 1, d: 1}, image},
		"shift down":         {warp[float64]{a: 1, d: 1, e: -1}, []float64{0, 0, 0, 1, 2, 3, 4, 5, 6}},
		"shift left by half": {warp[float64]{a: 1, d: 1, f: 0.5}, []float64{1.5, 2.5, 1.5, 4.5, 5.5, 3, 7.5, 8.5, 4.5}},
		"flip":               {warp[float64]{a: 1, d: -1}, []float64{3, 2, 1, 6, 5, 4, 9, 8, 7}},
		"twice as large":     {warp[float64]{a: 0.5, d: 0.5}, []float64{3, 3.5, 4, 4.5, 5, 5.5, 6, 6.5, 7}},
		"quarter turn":       {quarter(), []float64{7, 4, 1, 8, 5, 2, 9, 6, 3}},
	} {
		t.Run(name, func(t *testing.T) {
			got := make([]float64, 9)
			tt.w.warp(got, image, 3, 3)
			for i := range got {
				if math.Abs(got[i]-tt.want[i]) > 1e-14 {
					t.Fatalf("got %v, want %v", got, tt.want)
				}
			}
		})
	}
}

func TestSincos(t *testing.T) {
	for a := -math.Pi; a <= math.Pi; a += 0.01 {
		sin, cos := sincos(a)
		if math.Abs(sin-math.Sin(a)) > 1e-14 || math.Abs(cos-math.Cos(a)) > 1e-14 {
			t.Fatalf("at %v: %v and %v, want %v and %v", a, sin, cos, math.Sin(a), math.Cos(a))
		}
	}
}

func augmentedFor(t *testing.T, how Augmentation) *Augmented[float32] {
	t.Helper()
	set := Set[float32]{X: tensor.New[float32](40, 2, 7, 9), T: make([]int, 40)}
	for i := range set.X.Data {
		set.X.Data[i] = float32(i%13) / 13
	}
	s, err := Augment[float32](set, how, 5)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var all = Augmentation{Shift: 2, Scale: 0.2, Rotate: 15, Flip: true}

// An epoch on any number of threads, and after Seek, has the same bits; another epoch
// has others, and Gather none of them.
func TestAugmentedBatches(t *testing.T) {
	s := augmentedFor(t, all)
	epochs := func(threads, from int) (got []float32) {
		b := NewBatcher[float32](s, 33, 1)
		b.Threads = threads
		if err := b.Seek(from, 0); err != nil {
			t.Fatal(err)
		}
		for x, _, ok := b.Next(); ok; x, _, ok = b.Next() {
			got = append(got, x.Data...)
		}
		return got
	}
	first := epochs(1, 0)
	if !slices.Equal(first, epochs(3, 0)) {
		t.Error("other bits on three threads")
	}
	if !slices.Equal(epochs(2, 4), epochs(1, 4)) {
		t.Error("other bits in epoch 4")
	}

	plain, changed, later := make([]float32, 126), make([]float32, 126), make([]float32, 126)
	s.Gather(plain, make([]int, 1), nil, []int{3})
	s.GatherEpoch(0, changed, make([]int, 1), nil, []int{3})
	s.GatherEpoch(1, later, make([]int, 1), nil, []int{3})
	if slices.Equal(plain, changed) || slices.Equal(changed, later) {
		t.Error("sample 3 is the same in epochs 0 and 1, or as it was")
	}
}

// What is drawn covers the range that is asked for, and no more.
func TestAugmentationRange(t *testing.T) {
	s := augmentedFor(t, Augmentation{Shift: 2})
	lowest, highest := 0.0, 0.0
	for sample := range 1000 {
		w := s.draw(0, sample)
		if w.a != 1 || w.b != 0 || w.c != 0 || w.d != 1 {
			t.Fatalf("a shift alone draws %+v", w)
		}
		lowest, highest = min(lowest, w.e, w.f), max(highest, w.e, w.f)
	}
	if lowest < -2 || lowest > -1.98 || highest > 2 || highest < 1.98 {
		t.Errorf("shifts from %v to %v, want -2 to 2", lowest, highest)
	}
	flipped := 0
	s = augmentedFor(t, Augmentation{Flip: true})
	for sample := range 1000 {
		if s.draw(0, sample).d < 0 {
			flipped++
		}
	}
	if flipped < 450 || flipped > 550 {
		t.Errorf("%d of 1000 images are flipped, want about 500", flipped)
	}
}

func TestAugmentAllocatesNothing(t *testing.T) {
	s := augmentedFor(t, all)
	x, labels, samples := make([]float32, 2*126), make([]int, 2), []int{4, 9}
	if n := testing.AllocsPerRun(100, func() { s.GatherEpoch(1, x, labels, nil, samples) }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

func TestAugmentRefuses(t *testing.T) {
	rows := Set[float32]{X: tensor.New[float32](3, 784), T: make([]int, 3)}
	want := "data: Augment wants images, samples of (..., height, width), got samples of (784)"
	if _, err := Augment[float32](rows, all, 1); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	want = "data: Augmentation: want a scale from 0 to 0.9, got 1"
	if _, err := Augment[float32](rows, Augmentation{Scale: 1}, 1); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestParseAugmentation(t *testing.T) {
	for _, tt := range []struct {
		text string
		want Augmentation
		err  string
	}{
		{"", Augmentation{}, ""},
		{" shift 2,scale 0.1, rotate 10 , flip", Augmentation{2, 0.1, 10, true}, ""},
		{"rotate 0.5", Augmentation{Rotate: 0.5}, ""},
		{"shift", Augmentation{}, `"shift": want a number from 0 to 1000 after shift`},
		{"scale 1", Augmentation{}, `"scale 1": want a number from 0 to 0.9 after scale`},
		{"rotate NaN", Augmentation{}, `"rotate NaN": want a number from 0 to 180 after rotate`},
		{"shear 2", Augmentation{}, `"shear 2": want shift PIXELS, scale SHARE, rotate DEGREES or flip`},
		{"flip 2", Augmentation{}, `"flip 2": want shift PIXELS, scale SHARE, rotate DEGREES or flip`},
		{"shift 1, shift 2", Augmentation{}, `"shift 2": shift is given twice`},
		{"shift 1,", Augmentation{}, `"": want a term between commas, such as shift 2`},
	} {
		t.Run(tt.text, func(t *testing.T) {
			got, err := ParseAugmentation(tt.text)
			if tt.err != "" {
				if err == nil || err.Error() != tt.err {
					t.Fatalf("got %v, want %s", err, tt.err)
				}
				return
			}
			if err != nil || got != tt.want {
				t.Fatalf("got %+v, %v, want %+v", got, err, tt.want)
			}
			if again, err := ParseAugmentation(got.String()); err != nil || again != got {
				t.Errorf("%q is read as %+v, %v", got.String(), again, err)
			}
		})
	}
}

func FuzzParseAugmentation(f *testing.F) {
	f.Add("shift 2, scale 0.1, rotate 10, flip")
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseAugmentation(s)
		if err != nil {
			return
		}
		if again, err := ParseAugmentation(a.String()); err != nil || again != a {
			t.Errorf("%q is %q, which is read as %+v, %v", s, a.String(), again, err)
		}
	})
}
