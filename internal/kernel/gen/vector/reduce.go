package main

// lanes is how many partial sums a reduction keeps, as in package kernel.
const lanes = 16

// A reduction takes slices to one element: the lanes begin with start, take the next
// elements, and are joined by larger or by plus. start also stands for the elements
// beyond the end.
type reduction struct {
	slices  []string
	start   constant
	take    func(lane vec, elements []vec) // into the register of lane
	largest bool
	wide    bool // the lanes are float64, and so is the result; the elements are float32
}

func sum(m *machine) {
	m.begin("sum", "x", "n int) T",
		"\tvar s [16]T",
		"\tfor i := range n {",
		"\t\ts[i%16] += x[i]",
		"\t}",
		"\treturn join(&s)")
	m.reduce(reduction{[]string{"x"}, nought, func(lane vec, e []vec) { m.add(lane, e[0]) }, false, false})
}

// dot may add 0·0 to the lanes beyond the end: only the sign of a zero depends
// on it, and that is + in the end.
func dot(m *machine) {
	m.begin("dot", "x, y", "n int) T",
		"\tvar s [16]T",
		"\tfor i := range n {",
		"\t\ts[i%16] = fma(x[i], y[i], s[i%16])",
		"\t}",
		"\treturn join(&s)")
	m.reduce(reduction{[]string{"x", "y"}, nought, func(lane vec, e []vec) { m.fused(e[0], e[1], lane) }, false, false})
}

// squares is dot of x and x in float64. The squares of float32 are exact there, so that
// it makes no difference whether a multiplication and an addition are fused.
func squares(m *machine) {
	if m.size == 8 {
		return // dot does it
	}
	m.begin("squares", "x", "n int) float64",
		"\tvar s [16]float64",
		"\tfor i := range n {",
		"\t\ts[i%16] += float64(x[i]) * float64(x[i])",
		"\t}",
		"\treturn join(&s)")
	m.reduce(reduction{[]string{"x"}, nought, func(lane vec, e []vec) { m.fused(e[0], e[0], lane) }, false, true})
}

func maximum(m *machine) {
	m.begin("max", "x", "n int) T",
		"\tm := -Inf",
		"\tfor i := range n {",
		"\t\tm = max(m, x[i])",
		"\t}",
		"\treturn m + 0")
	m.reduce(reduction{[]string{"x"}, lowest, func(lane vec, e []vec) { m.raise(lane, e[0]) }, true, false})
}

func addColumnSums(m *machine) {
	m.begin("addColumnSums", "sum, x", "rows, cols int)",
		"\tfor i := range rows {",
		"\t\tfor j := range cols {",
		"\t\t\tsum[j] += x[i*cols+j]",
		"\t\t}",
		"\t}")
	m.columns()
}
