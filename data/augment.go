package data

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// An Augmentation says how much the images of a training set are changed at random in each
// epoch. The zero value changes nothing.
type Augmentation struct {
	Shift  float64 // by up to this number of pixels along each axis; 0 to 1000
	Scale  float64 // larger or smaller by up to this share; 0 to 0.9
	Rotate float64 // by up to this number of degrees, to the left or right; 0 to 180
	Flip   bool    // exchange left and right in half of the images
}

// terms returns the words of an Augmentation, and the value after each.
func (a *Augmentation) terms() []augmentationTerm {
	return []augmentationTerm{{"shift", &a.Shift, 1000}, {"scale", &a.Scale, 0.9}, {"rotate", &a.Rotate, 180}}
}

type augmentationTerm struct {
	word  string
	value *float64
	most  float64
}

// ParseAugmentation parses what [Augmentation.String] writes: terms separated by commas, such as
// "shift 2, scale 0.1, rotate 10, flip". "" changes nothing.
func ParseAugmentation(s string) (Augmentation, error) {
	var a Augmentation
	if strings.TrimSpace(s) == "" {
		return a, nil
	}
	seen := map[string]bool{}
	for part := range strings.SplitSeq(s, ",") {
		words := strings.Fields(part)
		fail := func(format string, args ...any) (Augmentation, error) {
			return Augmentation{}, fmt.Errorf("%q: %s", strings.TrimSpace(part), fmt.Sprintf(format, args...))
		}
		if len(words) == 0 {
			return fail("want a term between commas, such as shift 2")
		}
		if seen[words[0]] {
			return fail("%s is given twice", words[0])
		}
		seen[words[0]] = true
		if words[0] == "flip" && len(words) == 1 {
			a.Flip = true
			continue
		}
		var term *augmentationTerm
		for _, t := range a.terms() {
			if t.word == words[0] {
				term = &t
			}
		}
		if term == nil {
			return fail("want shift PIXELS, scale SHARE, rotate DEGREES or flip")
		}
		var err error
		if len(words) == 2 {
			*term.value, err = strconv.ParseFloat(words[1], 64)
		}
		if len(words) != 2 || err != nil || !(*term.value >= 0 && *term.value <= term.most) {
			return fail("want a number from 0 to %v after %s", term.most, term.word)
		}
	}
	return a, nil
}

func (a Augmentation) String() string {
	var parts []string
	for _, t := range a.terms() {
		if *t.value != 0 {
			parts = append(parts, fmt.Sprintf("%s %v", t.word, *t.value))
		}
	}
	if a.Flip {
		parts = append(parts, "flip")
	}
	return strings.Join(parts, ", ")
}

// Check returns an error if a value is out of range.
func (a Augmentation) Check() error {
	for _, t := range a.terms() {
		if !(*t.value >= 0 && *t.value <= t.most) {
			return fmt.Errorf("data: Augmentation: want a %s from 0 to %v, got %v", t.word, t.most, *t.value)
		}
	}
	return nil
}

// Varying are Samples whose inputs differ from epoch to epoch. A [Batcher] calls GatherEpoch;
// Gather gives the samples unchanged.
type Varying[T tensor.Float] interface {
	Samples[T]
	GatherEpoch(epoch int, x []T, labels []int, values []T, samples []int)
}

// Augmented are images that change at random in each epoch; see [Augment].
type Augmented[T tensor.Float] struct {
	Samples[T]
	how                Augmentation
	key                uint64
	planes, rows, cols int

	mu      sync.Mutex
	scratch [][]T // unused memory, each for one image
}

// Augment returns samples whose images are shifted, scaled, rotated and flipped at random. A
// sample is (H, W) or (..., H, W): each part of H×W is an image, and all images of a sample
// change in the same way.
//
// Pixel (i, j) of the result is the pixel of the image at R·(i-c, j-d)/s + (c, d) - v: (c, d) is
// the middle, s the scale, R the rotation and v the shift. It is interpolated between the four
// pixels around this point; outside the image all pixels are 0. The random numbers depend on
// key, epoch and the number of the sample alone. So the images are the same on any number of
// threads, and after a training is resumed. It is an error if samples are not images or a value
// is out of range.
// training is resumed. Samples that are not images, or a value out of range, are an error.
func Augment[T tensor.Float](samples Samples[T], how Augmentation, key uint64) (*Augmented[T], error) {
	if err := how.Check(); err != nil {
		return nil, err
	}
	shape := samples.SampleShape()
	if len(shape) < 2 {
		return nil, fmt.Errorf("data: Augment wants images, samples of (..., height, width), got samples of %s", tensor.FormatShape(shape))
	}
	planes, _ := tensor.Size(shape[:len(shape)-2]...)
	return &Augmented[T]{Samples: samples, how: how, key: key, planes: planes, rows: shape[len(shape)-2], cols: shape[len(shape)-1]}, nil
}

// GatherEpoch implements [Varying].
func (s *Augmented[T]) GatherEpoch(epoch int, x []T, labels []int, values []T, samples []int) {
	s.Gather(x, labels, values, samples)
	size := s.rows * s.cols
	image := s.take(size)
	for i, sample := range samples {
		to := s.draw(epoch, sample)
		for p := range s.planes {
			plane := x[(i*s.planes+p)*size:][:size]
			copy(image, plane)
			to.warp(plane, image, s.rows, s.cols)
		}
	}
	s.mu.Lock()
	s.scratch = append(s.scratch, image)
	s.mu.Unlock()
}

func (s *Augmented[T]) take(size int) []T {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.scratch); n > 0 {
		image := s.scratch[n-1]
		s.scratch = s.scratch[:n-1]
		return image
	}
	return make([]T, size)
}

// A warp maps the place of a pixel in the result to its place in the image, both relative to
// the middle: u' = a·u + b·v + e and v' = c·u + d·v + f. u is along the rows.
type warp[T tensor.Float] struct{ a, b, c, d, e, f float64 }

// draw returns the warp of a sample in an epoch.
func (s *Augmented[T]) draw(epoch, sample int) warp[T] {
	pass := nn.Pass[T]{Step: uint64(epoch)}
	first, second := pass.Random(s.key, 2*uint64(sample)), pass.Random(s.key, 2*uint64(sample)+1)
	within := func(word uint32, most float64) float64 { return float64((float64(word)/(1<<31) - 1) * most) } // -most to below most
	sin, cos := sincos(within(first[0], s.how.Rotate*(math.Pi/180)))
	by := 1 / (1 + within(first[1], s.how.Scale))
	w := warp[T]{a: cos * by, b: -sin * by, c: sin * by, d: cos * by, e: within(first[2], s.how.Shift), f: within(first[3], s.how.Shift)}
	if s.how.Flip && second[0] < 1<<31 {
		w.b, w.d = -w.b, -w.d
	}
	return w
}

// sincos returns the sine and cosine of an angle of at most π, by their series. The bits are the
// same on every processor; package math may use fused operations on some.
func sincos(a float64) (sin, cos float64) {
	for n := 28.0; n >= 2; n -= 2 { // the terms from a^28 on are below 1e-15
		cos = math.FMA(-a*a/(n*(n-1)), cos, 1)
		sin = math.FMA(-a*a/(n*(n+1)), sin, 1)
	}
	return sin * a, cos
}

// warp computes y, an image of rows by cols, from x.
func (w warp[T]) warp(y, x []T, rows, cols int) {
	middleU, middleV := float64(rows-1)/2, float64(cols-1)/2
	at := func(i, j int) float64 {
		if uint(i) >= uint(rows) || uint(j) >= uint(cols) {
			return 0
		}
		return float64(x[i*cols+j])
	}
	for i := range rows {
		u := float64(i) - middleU
		rowU, rowV := math.FMA(w.a, u, w.e+middleU), math.FMA(w.c, u, w.f+middleV)
		for j := range cols {
			v := float64(j) - middleV
			fromU, fromV := math.FMA(w.b, v, rowU), math.FMA(w.d, v, rowV)
			if !(fromU > -1 && fromU < float64(rows) && fromV > -1 && fromV < float64(cols)) {
				y[i*cols+j] = 0
				continue
			}
			top, left := math.Floor(fromU), math.Floor(fromV)
			down, right := fromU-top, fromV-left
			p, q := int(top), int(left)
			upper := math.FMA(right, at(p, q+1)-at(p, q), at(p, q))
			lower := math.FMA(right, at(p+1, q+1)-at(p+1, q), at(p+1, q))
			y[i*cols+j] = T(math.FMA(down, lower-upper, upper))
		}
	}
}
