package gradcheck

import "testing"

func TestCause(t *testing.T) {
	want := []float64{1, 2, 3, 4, 5, 7}
	times := func(f float64) []float64 {
		got := make([]float64, len(want))
		for i, w := range want {
			got[i] = f * w
		}
		return got
	}
	alone := func(n int) []float64 { return []float64{float64(n), 1, 0, 0, 0, 2} }
	for _, test := range []struct {
		got  []float64
		want string
	}{
		{times(-1), "the sign"},
		{times(0), "nothing arrives here"},
		{times(2), "2 times too large"},
		{times(5), "5 times too large, the number of samples: is 1/N missing?"},
		{times(0.2), "5 times too small, the number of samples: a mean in place of the sum?"},
		{times(0.5), "2 times too small"},
		{times(1 + 1e-8), "every element is nearly right"},
		{times(1.01), "off by the factor 1.01"},
		{times(-3), "off by the factor -3"},
		{[]float64{1, 4, 2, 5, 3, 7}, "transposed"},
		{[]float64{1, 3, 5, 2, 4, 7}, ""},
		{[]float64{1, 2, 3, 0, 0, 0}, "nothing arrives in row 1"},
		{[]float64{3, 1, 0, 0, 0, 2}, "the gradient of sample 3 alone: the sum over the batch is missing"},
		{[]float64{1, 2, 3, 4, 6, 7}, "all other elements are right"},
		{[]float64{1, 2, 4, 4, 6, 7}, ""},
	} {
		if got := cause(test.got, want, []int{2, 3}, 5, alone); got != test.want {
			t.Errorf("%v for %v: %q, want %q", test.got, want, got, test.want)
		}
	}
}
