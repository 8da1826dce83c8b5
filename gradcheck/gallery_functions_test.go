package gradcheck_test

import (
	"math"

	"github.com/chainrule-go/chainrule/gradcheck"
)

// function is y = f(x) of each element. Case has what its author declares.
type function struct {
	name  string
	f, df func(v float64) float64
	gradcheck.Case
	unclear bool // no difference can judge it
}

// sigmoid does not overflow, and is exact to rounding on both sides.
func sigmoid(v float64) float64 {
	e := math.Exp(-math.Abs(v))
	if v < 0 {
		return e / (1 + e)
	}
	return 1 / (1 + e)
}

func dsigmoid(v float64) float64 { return sigmoid(v) * sigmoid(-v) }

func silu(v float64) float64  { return v * sigmoid(v) }
func dsilu(v float64) float64 { return sigmoid(v) * (1 + v*sigmoid(-v)) }

func normalDensity(v float64) float64 { return math.Exp(-v*v/2) / math.Sqrt(2*math.Pi) }
func normalBelow(v float64) float64   { return math.Erfc(-v/math.Sqrt2) / 2 }

func gelu(v float64) float64  { return v * normalBelow(v) }
func dgelu(v float64) float64 { return normalBelow(v) + v*normalDensity(v) }

// softplus is log(1 + e^v), without overflow.
func softplus(v float64) float64 { return max(v, 0) + math.Log1p(math.Exp(-math.Abs(v))) }

func relu(v float64) float64 { return max(v, 0) }

// step is 1 above 0, and else 0.
func step(v float64) float64 { return between(v, 0, math.Inf(1)) }

// between is 1 where least < v < most, and else 0.
func between(v, least, most float64) float64 {
	if least < v && v < most {
		return 1
	}
	return 0
}

// piece is below where v < at, and else above.
func piece(v, at, below, above float64) float64 {
	if v < at {
		return below
	}
	return above
}

func sech2(v float64) float64 { t := math.Tanh(v); return 1 - t*t }

func one(float64) float64 { return 1 }

// functions are the pointwise layers of the gallery.
var functions = []function{
	{name: "Identity", f: func(v float64) float64 { return v }, df: one},
	{name: "TanhByHand", f: math.Tanh, df: sech2},
	{name: "SigmoidByHand", f: sigmoid, df: dsigmoid},
	{name: "SiLU", f: silu, df: dsilu},
	{name: "GELU", f: gelu, df: dgelu},
	{name: "GELUTanh", f: geluTanh, df: dgeluTanh},
	{name: "Softplus", f: softplus, df: sigmoid},
	{name: "LogSigmoid", f: func(v float64) float64 { return -softplus(-v) }, df: func(v float64) float64 { return sigmoid(-v) }},
	{name: "Mish", f: mish, df: dmish},
	{name: "ELU", f: func(v float64) float64 { return piece(v, 0, math.Expm1(v), v) }, df: func(v float64) float64 { return piece(v, 0, math.Exp(v), 1) }},
	{name: "SELU", f: func(v float64) float64 { return 1.0507 * piece(v, 0, 1.6733*math.Expm1(v), v) },
		df: func(v float64) float64 { return 1.0507 * piece(v, 0, 1.6733*math.Exp(v), 1) }},
	{name: "CELU", f: func(v float64) float64 { return piece(v, 0, 2*math.Expm1(v/2), v) }, df: func(v float64) float64 { return piece(v, 0, math.Exp(v/2), 1) }},
	{name: "LeakyReLU", f: func(v float64) float64 { return piece(v, 0, 0.01*v, v) }, df: func(v float64) float64 { return piece(v, 0, 0.01, 1) }},
	{name: "ReLUHalf", Case: gradcheck.Case{Flat: true}, f: relu, df: func(v float64) float64 {
		if v == 0 {
			return 0.5 // between the slopes, and not what nn.ReLU says
		}
		return step(v)
	}},
	{name: "ReLUOne", Case: gradcheck.Case{Flat: true}, f: relu, df: func(v float64) float64 { return piece(v, 0, 0, 1) }},
	{name: "ReLU6", Case: gradcheck.Case{Flat: true}, f: func(v float64) float64 { return min(max(v, 0), 6) }, df: func(v float64) float64 { return between(v, 0, 6) }},
	{name: "Hardtanh", Case: gradcheck.Case{Flat: true}, f: func(v float64) float64 { return min(max(v, -1), 1) }, df: func(v float64) float64 { return between(v, -1, 1) }},
	{name: "Hardsigmoid", Case: gradcheck.Case{Flat: true}, f: func(v float64) float64 { return min(max(v/6+0.5, 0), 1) }, df: func(v float64) float64 { return between(v, -3, 3) / 6 }},
	{name: "Hardswish", Case: gradcheck.Case{Flat: true}, f: func(v float64) float64 { return v * min(max(v+3, 0), 6) / 6 }, df: func(v float64) float64 {
		return piece(v, -3, 0, piece(v, 3, (2*v+3)/6, 1))
	}},
	{name: "Softsign", f: func(v float64) float64 { return v / (1 + math.Abs(v)) }, df: func(v float64) float64 { return 1 / ((1 + math.Abs(v)) * (1 + math.Abs(v))) }},
	{name: "Softshrink", Case: gradcheck.Case{Flat: true}, f: func(v float64) float64 { return math.Copysign(max(math.Abs(v)-0.5, 0), v) }, df: func(v float64) float64 { return 1 - between(v, -0.5, 0.5) }},
	{name: "Tanhshrink", f: func(v float64) float64 { return v - math.Tanh(v) }, df: func(v float64) float64 { t := math.Tanh(v); return t * t }},
	{name: "Abs", f: math.Abs, df: func(v float64) float64 { return piece(v, 0, -1, step(v)) }},
	{name: "Square", f: func(v float64) float64 { return v * v }, df: func(v float64) float64 { return 2 * v }},
	{name: "Cube", f: func(v float64) float64 { return v * v * v }, df: func(v float64) float64 { return 3 * v * v }},
	{name: "Sin", f: math.Sin, df: math.Cos},
	{name: "Cos", f: math.Cos, df: func(v float64) float64 { return -math.Sin(v) }},
	{name: "Atan", f: math.Atan, df: func(v float64) float64 { return 1 / (1 + v*v) }},
	{name: "Erf", f: math.Erf, df: func(v float64) float64 { return 2 / math.SqrtPi * math.Exp(-v*v) }},
	{name: "Exp", Case: domain(-4, 4), f: math.Exp, df: math.Exp},
	{name: "ExpSteep", Case: domain(-1, 1), f: func(v float64) float64 { return math.Exp(20 * v) }, df: func(v float64) float64 { return 20 * math.Exp(20*v) }},
	{name: "Million", f: func(v float64) float64 { return 1e6 * v }, df: func(float64) float64 { return 1e6 }},
	{name: "Millionth", f: func(v float64) float64 { return 1e-6 * v }, df: func(float64) float64 { return 1e-6 }},
	{name: "Log", Case: domain(0.1, 4), f: math.Log, df: func(v float64) float64 { return 1 / v }},
	{name: "LogNear0", Case: domain(1e-3, 1), f: math.Log, df: func(v float64) float64 { return 1 / v }},
	{name: "Sqrt", Case: domain(0.1, 4), f: math.Sqrt, df: func(v float64) float64 { return 0.5 / math.Sqrt(v) }},
	{name: "Reciprocal", Case: gradcheck.Case{Draw: nonzero}, f: func(v float64) float64 { return 1 / v }, df: func(v float64) float64 { return -1 / (v * v) }},
	{name: "Logit", Case: domain(0.05, 0.95), f: func(v float64) float64 { return math.Log(v / (1 - v)) }, df: func(v float64) float64 { return 1 / (v * (1 - v)) }},
	{name: "Asin", Case: domain(-0.9, 0.9), f: math.Asin, df: func(v float64) float64 { return 1 / math.Sqrt(1-v*v) }},
	{name: "Hardshrink", Case: gradcheck.Case{Flat: true}, f: func(v float64) float64 { return v * (1 - between(v, -0.5, 0.5)) }, df: func(v float64) float64 { return 1 - between(v, -0.5, 0.5) }},
	{name: "Threshold", Case: gradcheck.Case{Flat: true}, f: func(v float64) float64 { return piece(v, 0.7, 0.2, v) }, df: func(v float64) float64 { return piece(v, 0.7, 0, 1) }},
	{name: "Offset", unclear: true, f: func(v float64) float64 { return v + 1e6 }, df: one},
	{name: "FastSin", f: func(v float64) float64 { return math.Sin(50 * v) }, df: func(v float64) float64 { return 50 * math.Cos(50*v) }},
	{name: "SteepAbs", f: func(v float64) float64 { return 1e4 * math.Abs(v) }, df: func(v float64) float64 { return 1e4 * piece(v, 0, -1, 1) }},
	{name: "Tiny", f: func(v float64) float64 { return 1e-12 * v }, df: func(float64) float64 { return 1e-12 }},
	{name: "SaturatedSigmoid", unclear: true, Case: domain(20, 30), f: sigmoid, df: dsigmoid},
	{name: "LogCosh", f: func(v float64) float64 { return math.Abs(v) + math.Log1p(math.Exp(-2*math.Abs(v))) - math.Ln2 }, df: math.Tanh},
	{name: "Bump", f: func(v float64) float64 { return math.Exp(-v * v) }, df: func(v float64) float64 { return -2 * v * math.Exp(-v*v) }},
	{name: "Power", Case: domain(0.2, 3), f: func(v float64) float64 { return math.Pow(v, 1.5) }, df: func(v float64) float64 { return 1.5 * math.Sqrt(v) }},
}

func geluTanh(v float64) float64 {
	return v / 2 * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(v+0.044715*v*v*v)))
}

func dgeluTanh(v float64) float64 {
	c := math.Sqrt(2 / math.Pi)
	u := c * (v + 0.044715*v*v*v)
	return (1+math.Tanh(u))/2 + v/2*sech2(u)*c*(1+3*0.044715*v*v)
}

func mish(v float64) float64 { return v * math.Tanh(softplus(v)) }

func dmish(v float64) float64 {
	return math.Tanh(softplus(v)) + v*sech2(softplus(v))*sigmoid(v)
}
