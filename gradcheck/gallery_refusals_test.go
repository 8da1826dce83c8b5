package gradcheck_test

import (
	"math"
	"math/rand/v2"

	"github.com/chainrule-go/chainrule/gradcheck"
	"github.com/chainrule-go/chainrule/nn"
)

// wrongShape are layers whose results have a wrong shape.
var wrongShape = []wrong{
	{name: "DXFlat", why: "dx is one long row", clauses: dx, sample: shape(2, 3), make: shaped(func(p pass, dx array) array { return p.View(dx, len(dx.Data)) })},
	{name: "DXTransposed", why: "dx has the batch as its last axis", clauses: dx, sample: shape(3), make: shaped(func(p pass, dx array) array { return p.View(dx, 3, len(dx.Data)/3) })},
	{name: "DXOfOneSample", why: "dx is summed over the batch", clauses: dx, sample: shape(3), make: shaped(func(p pass, dx array) array {
		one := p.New(1, 3)
		clear(one.Data)
		addRows(one.Data, dx.Data, 0, dx.Shape[0])
		return one
	})},
	{name: "DXWithoutAxis", why: "an axis of length 1 is squeezed", clauses: dx, sample: shape(3, 1), make: shaped(func(p pass, dx array) array { return p.View(dx, dx.Shape[0], 3) })},
	{name: "NoDX", why: "Backward returns nil, since a first layer needs no dx", clauses: dx, sample: shape(3), make: shaped(func(pass, array) array { return nil })},
	{name: "DXOfY", why: "dx is allocated with the shape of dy", clauses: dx, sample: shape(4), make: func(rng *rand.Rand) made {
		l, _, _ := linear43(rng)
		right := l.backward
		l.backward = func(p pass, x, y, dy array) array {
			dx := right(p, x, y, dy)
			of := p.New(dy.Shape...)
			copy(of.Data, dx.Data)
			return of
		}
		return l
	}},
}

// shaped is Sin whose dx is returned otherwise.
func shaped(of func(p pass, dx array) array) func(*rand.Rand) made {
	return func(*rand.Rand) made {
		l := pointwise[float64]("Sin", math.Sin, math.Cos)
		right := l.backward
		l.backward = func(p pass, x, y, dy array) array { return of(p, right(p, x, y, dy)) }
		return l
	}
}

// wrongRefusals are layers that take what they should refuse.
var wrongRefusals = []wrong{
	{name: "SavesItself", why: "x is saved in a plain field: Backward may use that of an earlier step", clauses: refuses, sample: shape(3), make: func(*rand.Rand) made {
		return &bare{check: true}
	}},
	{name: "TakesAnyDY", why: "the shape of dy is not looked at", clauses: refuses, sample: shape(3), make: func(*rand.Rand) made { return &bare{guard: true} }},
	{name: "PanicsOfItself", why: "neither x nor dy is checked: an index is out of range", clauses: refuses, sample: shape(3), make: func(*rand.Rand) made { return &bare{} }},
	{name: "RefusesWithoutName", why: "panic(\"bad shape\")", clauses: refuses, sample: shape(3), make: func(*rand.Rand) made { return &bare{check: true, guard: true, nameless: true} }},
	{name: "TakesAnyX", why: "Forward takes x of any shape", clauses: refuses, sample: shape(3), Case: gradcheck.Case{Refuses: [][]int{{4, 5}}}, make: func(*rand.Rand) made {
		return pointwise[float64]("Sin", math.Sin, math.Cos)
	}},
	{name: "TakesABatchOfOne", why: "batch norm of one sample is 0 everywhere, and is not refused", clauses: refuses, sample: shape(3), Case: gradcheck.Case{RefusesOne: true}, make: func(rng *rand.Rand) made {
		return pointwise[float64]("Sin", math.Sin, math.Cos)
	}},
}

var refuses = clauses{gradcheck.Refusals}

// bare is Sin with a memory of its own.
type bare struct {
	check, guard bool // the shape of dy, and whether x is of this step
	nameless     bool

	x     array
	saved nn.Saved[float64]
}

func (l *bare) Forward(p pass, x array) array {
	l.saved.Set(p, x)
	if keeps(p) {
		l.x = x
	}
	y := p.New(x.Shape...)
	for i, v := range x.Data {
		y.Data[i] = math.Sin(v)
	}
	return y
}

func (l *bare) Backward(p pass, dy array) array {
	if l.nameless {
		defer func() {
			if recover() != nil {
				panic("bad shape")
			}
		}()
	}
	x := l.x
	if l.guard {
		x = l.saved.Get(p, l)
	}
	if l.check && x != nil {
		nn.CheckShape(l, dy, x.Shape)
	}
	dx := p.New(dy.Shape...)
	for i, d := range dy.Data {
		dx.Data[i] = d * math.Cos(x.Data[i])
	}
	return dx
}

func (l *bare) Params() []*nn.Param[float64] { return nil }
func (l *bare) String() string               { return "Sin" }
