package nn

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"

	"github.com/chainrule-go/chainrule/internal/kernel"
	"github.com/chainrule-go/chainrule/tensor"
)

// An Init returns a standard deviation. The weights of a layer with in inputs and out outputs
// are drawn from the normal distribution with this standard deviation and mean 0.
type Init func(in, out int) (std float64)

// Std always returns the given standard deviation; the book's network uses 0.01.
func Std(std float64) Init {
	return func(int, int) float64 { return std }
}

// Xavier is √(2/(in+out)), for Sigmoid and tanh (Glorot and Bengio, AISTATS
// 2010, eq. 12). The book leaves out the outputs: √(1/in).
func Xavier(in, out int) float64 { return math.Sqrt(2 / float64(in+out)) }

// He is √(2/in), for ReLU (He et al., ICCV 2015, eq. 10).
func He(in, _ int) float64 { return math.Sqrt(2 / float64(in)) }

// ParseInit returns the Init for a word: he, xavier, or a standard deviation such as 0.01, up to
// 1e6.
func ParseInit(word string) (Init, error) {
	switch std, err := strconv.ParseFloat(word, 64); {
	case word == "he":
		return He, nil
	case word == "xavier":
		return Xavier, nil
	case err == nil && std >= 0x1p-126 && std <= 1e6:
		return Std(std), nil
	}
	return nil, fmt.Errorf("want he, xavier or a standard deviation above 0 and up to 1e6, such as 0.01, got %s", clip(word))
}

// normal fills w with numbers of the normal distribution with mean 0, by Marsaglia's polar
// method (SIAM Review 6, 1964). It draws two numbers at a time; if len(w) is odd, the second
// of the last pair is not used. rng.NormFloat64 would round differently on different
// processors.
func normal[T tensor.Float](w []T, std float64, rng *rand.Rand) {
	if rng == nil {
		panic("nn: drawing weights wants a *rand.Rand")
	}
	for i := 0; i < len(w); i += 2 {
		var u, v, s float64
		for s == 0 || s >= 1 {
			u, v = 2*rng.Float64()-1, 2*rng.Float64()-1
			s = math.FMA(u, u, v*v)
		}
		r := std * math.Sqrt(-2*kernel.Log(s)/s)
		w[i] = T(r * u)
		if i+1 < len(w) {
			w[i+1] = T(r * v)
		}
	}
}
