package graph

// A Rule is the differentiation rule of an operation y of a, or of a and b, in
// words. dy is the gradient of y, and DX is by the chain rule dy times the
// derivative of y.
//
// "repeated" repeats an array along axes up to the shape of the other side, and Σ sums
// along axes. Index is the index of [Graph.Gather], whose a is the elements of all its
// inputs.
type Rule struct {
	Op string
	Y  string   // forward
	DX []string // backward: what is added to the gradient of a, and of b
}

// Rules returns the rules of all operations.
func Rules() []Rule {
	var all []Rule
	for _, r := range table[float64]() {
		all = append(all, r.Rule)
	}
	return all
}

// A rule is a Rule that can be applied.
type rule[T Number] struct {
	Rule
	calculus[T]
}

// calculus holds the functions of a rule. forward sets y.Value, backward adds to
// the Grad of y.In.
type calculus[T Number] struct {
	forward, backward func(y *Node[T])
}

// table has a row for each operation, which defines it completely.
func table[T Number]() []rule[T] {
	return []rule[T]{
		{Rule{"+", "a + b", []string{"dy", "dy"}}, binary(
			func(a, b T) T { return a + b },
			func(a, b, y, dy T) (da, db T) { return dy, dy })},
		{Rule{"-", "a − b", []string{"dy", "-dy"}}, binary(
			func(a, b T) T { return a - b },
			func(a, b, y, dy T) (da, db T) { return dy, -dy })},
		{Rule{"*", "a × b", []string{"dy × b", "dy × a"}}, binary(
			func(a, b T) T { return a * b },
			func(a, b, y, dy T) (da, db T) { return dy * b, dy * a })},
		{Rule{"/", "a / b", []string{"dy / b", "-dy × y / b"}}, binary(
			func(a, b T) T { return a / b },
			func(a, b, y, dy T) (da, db T) { return dy / b, -dy * y / b })},
		{Rule{"exp", "exp(a)", []string{"dy × y"}}, unary(
			exp[T],
			func(a, y, dy T) T { return dy * y })},
		{Rule{"log", "log(a)", []string{"dy / a"}}, unary(
			log[T],
			func(a, y, dy T) T { return dy / a })},
		{Rule{"sqrt", "sqrt(a)", []string{"dy / (2 × y)"}}, unary(
			sqrt[T],
			func(a, y, dy T) T { return dy / (2 * y) })},
		// Not dy × (1 − y × y), which has few digits left where y is near 1 or -1.
		{Rule{"tanh", "tanh(a)", []string{"dy / cosh(a) / cosh(a)"}}, unary(
			tanh[T],
			func(a, y, dy T) T { return dy / cosh(a) / cosh(a) })},
		{Rule{"erf", "erf(a)", []string{"dy × 2 / sqrt(π) × exp(-a × a)"}}, unary(
			erf[T],
			func(a, y, dy T) T { return dy * bell(a) })},
		{Rule{"maximum", "max(a, b)", []string{"dy where a > b, else 0", "dy where a ≤ b, else 0"}}, binary(
			func(a, b T) T {
				if exceeds(a, b) {
					return a
				}
				return b
			},
			func(a, b, y, dy T) (da, db T) {
				if exceeds(a, b) {
					return dy, 0
				}
				return 0, dy
			})},
		{Rule{"dot", "a · b", []string{"dy · bᵀ", "aᵀ · dy"}}, calculus[T]{dotForward[T], dotBackward[T]}},
		{Rule{"sum", "Σ a", []string{"dy, repeated"}}, calculus[T]{sumForward[T], sumBackward[T]}},
		{Rule{"max", "max a", []string{"dy at the first largest a, else 0"}}, calculus[T]{maxForward[T], maxBackward[T]}},
		{Rule{"broadcast", "a, repeated", []string{"Σ dy"}}, calculus[T]{broadcastForward[T], broadcastBackward[T]}},
		{Rule{"hold", "a, held constant", []string{"0"}}, unary(
			hold[T],
			func(a, y, dy T) T { return 0 })},
		{Rule{"gather", "a at index, else fill", []string{"dy, added at index"}}, calculus[T]{gatherForward[T], gatherBackward[T]}},
	}
}

// unary is the calculus of a function of one number, for each element.
func unary[T Number](f func(a T) T, d func(a, y, dy T) T) calculus[T] {
	return calculus[T]{
		func(y *Node[T]) {
			a := y.In[0]
			for i := range y.Value {
				y.Value[i] = f(a.Value[i])
			}
		},
		func(y *Node[T]) {
			a := y.In[0]
			for i, dy := range y.Grad {
				a.Grad[i] += d(a.Value[i], y.Value[i], dy)
			}
		},
	}
}

// binary is the calculus of a function of two numbers, for each pair of elements.
func binary[T Number](f func(a, b T) T, d func(a, b, y, dy T) (da, db T)) calculus[T] {
	return calculus[T]{
		func(y *Node[T]) {
			a, b := y.In[0], y.In[1]
			for i := range y.Value {
				y.Value[i] = f(a.Value[i], b.Value[i])
			}
		},
		func(y *Node[T]) {
			a, b := y.In[0], y.In[1]
			for i, dy := range y.Grad {
				da, db := d(a.Value[i], b.Value[i], y.Value[i], dy)
				a.Grad[i] += da
				b.Grad[i] += db
			}
		},
	}
}

func sumForward[T Number](y *Node[T]) {
	a := y.In[0]
	clear(y.Value)
	for i, j := range strided(a.Shape, repeated(y.Shape, a.Shape), 0) {
		y.Value[j] += a.Value[i]
	}
}

func sumBackward[T Number](y *Node[T]) {
	a := y.In[0]
	for i, j := range strided(a.Shape, repeated(y.Shape, a.Shape), 0) {
		a.Grad[i] += y.Grad[j]
	}
}

func broadcastForward[T Number](y *Node[T]) {
	a := y.In[0]
	for i, j := range strided(y.Shape, repeated(a.Shape, y.Shape), 0) {
		y.Value[i] = a.Value[j]
	}
}

func broadcastBackward[T Number](y *Node[T]) {
	a := y.In[0]
	for i, j := range strided(y.Shape, repeated(a.Shape, y.Shape), 0) {
		a.Grad[j] += y.Grad[i]
	}
}

func maxForward[T Number](y *Node[T]) {
	a := y.In[0]
	for j, i := range firstLargest(y) {
		y.Value[j] = a.Value[i]
	}
}

func maxBackward[T Number](y *Node[T]) {
	a := y.In[0]
	for j, i := range firstLargest(y) {
		a.Grad[i] += y.Grad[j]
	}
}

// firstLargest returns, for each element of y = max a, its place in a = y.In[0].
func firstLargest[T Number](y *Node[T]) []int {
	a := y.In[0]
	at := make([]int, len(y.Value))
	for j := range at {
		at[j] = -1
	}
	for i, j := range strided(a.Shape, repeated(y.Shape, a.Shape), 0) {
		if at[j] < 0 || exceeds(a.Value[i], a.Value[at[j]]) {
			at[j] = i
		}
	}
	return at
}
