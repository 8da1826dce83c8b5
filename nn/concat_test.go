package nn

import "testing"

// By hand: x and max(x, 0), channel by channel.
func TestConcat(t *testing.T) {
	l, p := NewConcat(nil, Layer[float64](NewReLU[float64]())), training[float64]()
	x := of([]float64{1, -2, 3, -4, -5, 6, 7, -8}, 2, 2, 2)
	y := of([]float64{1, -2, 3, -4, 1, 0, 3, 0, -5, 6, 7, -8, 0, 6, 7, 0}, 2, 4, 2)
	sameBits(t, "y", l.Forward(p, x), y)
	dy := of([]float64{1, 2, 3, 4, 10, 20, 30, 40, 5, 6, 7, 8, 50, 60, 70, 80}, 2, 4, 2)
	sameBits(t, "dx", l.Backward(p, dy), of([]float64{11, 2, 33, 4, 5, 66, 77, 8}, 2, 2, 2))
	var names []string
	for _, b := range l.Branches() {
		names = append(names, b.Name)
	}
	if len(names) != 2 || names[0] != "Identity1" || names[1] != "ReLU1" {
		t.Errorf("the branches are named %q", names)
	}
}

// More branches than the most usual, and of different widths.
func TestConcatOfManyBranches(t *testing.T) {
	var branches []Layer[float64]
	var w int
	for i := range 20 {
		branches = append(branches, NewAffine[float64](3, 1+i, newRand(uint64(i))))
		w += 1 + i
	}
	l, p := NewConcat(branches...), training[float64]()
	x := random[float64](newRand(30), 4, 3)
	y := l.Forward(p, x)
	dy := random[float64](newRand(31), 4, w)
	dx := l.Backward(p, dy)
	first := 0
	want := of(make([]float64, 12), 4, 3)
	for i, b := range branches {
		part := b.Forward(nil, x)
		dpart := of(make([]float64, 4*(1+i)), 4, 1+i)
		for n := range 4 {
			for c := range 1 + i {
				if got := y.Data[n*w+first+c]; got != part.Data[n*(1+i)+c] {
					t.Fatalf("y[%d %d] is %v, want %v", n, first+c, got, part.Data[n*(1+i)+c])
				}
				dpart.Data[n*(1+i)+c] = dy.Data[n*w+first+c]
			}
		}
		q := training[float64]()
		b.Forward(q, x)
		for j, d := range b.Backward(q, dpart).Data {
			want.Data[j] += d
		}
		first += 1 + i
	}
	for i, v := range dx.Data {
		near(t, "dx", v, want.Data[i], 1e-15)
	}
}
