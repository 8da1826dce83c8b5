package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// neon is the target of arm64. It writes text, because avo does not know arm64, and
// words for the instructions that Go's assembler does not know.
//
// NEON has no masks for loads and stores. So the last elements, if they are fewer than
// a vector holds, are computed one by one, in lane 0.
type neon struct {
	element
	width    int
	name     string            // of the function
	pointers map[string]string // the registers of the slices
	offsets  map[string]int    // of the other parameters, in bytes
	single   bool              // whether the elements at hand are one, not a vector
	lines    []line
	last     nreg // the last vector register in use
	labels   int
	frame    int // bytes of local memory
	args     int // bytes of parameters and result
}

// The integer registers, beside R0, R1 ... for the slices.
const (
	neonCount  = "R8"
	neonTemp   = "R9"
	neonAt     = "R10"
	neonStride = "R11"
	neonRows   = "R12"
	neonRow    = "R13"
	neonTo     = "R14"
)

// A line is an instruction, or a label.
type line struct {
	text    string // with # where the number of a vector register goes
	vectors []nreg // whose numbers they are
	all     string // their arrangement
	label   string
	branch  string // the label it jumps to
}

// nreg is a virtual vector register. They are numbered in the order of their first
// lines; [neon.allocate] gives each a real one.
type nreg int

// nmask is a mask: a register with all bits set in the elements that it has, or, with
// not, in the others.
type nmask struct {
	nreg
	not bool
}

// neonText and neonStubs collect the functions and their declarations.
var neonText, neonStubs strings.Builder

func newNEON(e element) *machine {
	n := &neon{element: e, width: 16 / e.size, pointers: map[string]string{}, offsets: map[string]int{}}
	return &machine{element: e, target: n, bits: 128, width: n.width, ahead: map[constant]vec{}}
}

func (n *neon) askAhead()         {}
func (n *neon) askNext(...string) {}

func (n *neon) manyRegisters() bool { return true }

func (n *neon) begin(f function, v variant) {
	n.name = f.title(v)
	fmt.Fprintf(&neonStubs, "\n// %s computes\n//\n", n.name)
	for _, d := range f.doc {
		if d != "" && !strings.HasPrefix(d, "\t") {
			d = " " + d
		}
		fmt.Fprintln(&neonStubs, "//"+d)
	}
	fmt.Fprintf(&neonStubs, "//\n//go:noescape\nfunc %s%s\n", n.name, f.signature(v))
	for i, s := range f.slices {
		n.pointers[s] = fmt.Sprintf("R%d", i)
		n.op(fmt.Sprintf("MOVD %s+%d(FP), R%d", s, n.args, i))
		n.args += 8
	}
	for _, p := range f.params {
		size := 8
		if p.of == "T" {
			size = n.size
		}
		n.offsets[p.name] = n.args
		n.args += size
	}
	if f.returns != "" {
		n.args = (n.args + 7) &^ 7
		n.offsets["ret"] = n.args
		n.args += map[string]int{"float32": 4, "float64": 8}[f.result(v)]
	}
}

// finish ends the function, and writes it.
func (n *neon) finish() {
	n.op("RET")
	registers := n.allocate()
	fmt.Fprintf(&neonText, "\nTEXT ·%s(SB), NOSPLIT, $%d-%d\n", n.name, n.frame, n.args)
	for _, l := range n.lines {
		if l.label != "" {
			fmt.Fprintf(&neonText, "%s:\n", l.label)
			continue
		}
		var numbers []any
		for _, v := range l.vectors {
			numbers = append(numbers, registers[v])
		}
		fmt.Fprintf(&neonText, "\t%s\n", l.instruction(numbers))
	}
}

// allocate returns the real register of each virtual one. A register is live from the
// first line that names it to the last; and if it is live when a loop begins, and used
// in the loop, to the end of the loop. An instruction may write its result to the
// register of an operand that it is the last to use.
func (n *neon) allocate() map[nreg]int {
	first, last := map[nreg]int{}, map[nreg]int{}
	labels := map[string]int{}
	for i, l := range n.lines {
		for _, v := range l.vectors {
			if _, ok := first[v]; !ok {
				first[v] = i
			}
			last[v] = i
		}
		if l.label != "" {
			labels[l.label] = i
		}
	}
	for i, l := range n.lines {
		if begin, ok := labels[l.branch]; ok && begin < i {
			for v := range first {
				if first[v] < begin && last[v] > begin {
					last[v] = max(last[v], i)
				}
			}
		}
	}
	registers := map[nreg]int{}
	var taken [32]nreg // the last vector in each
	for v := nreg(1); v <= n.last; v++ {
		free := slices.IndexFunc(taken[:], func(old nreg) bool { return old == 0 || last[old] <= first[v] })
		if free < 0 {
			panic(n.name + ": not enough registers")
		}
		registers[v], taken[free] = free, v
	}
	return registers
}

// op adds an instruction, with # in its text for the number of each vector register.
func (n *neon) op(text string, vectors ...nreg) {
	n.lines = append(n.lines, line{text: text, vectors: vectors, all: n.all()})
}

// instruction is the line with the numbers of its vectors.
func (l line) instruction(numbers []any) string {
	if code, ok := strings.CutPrefix(l.text, "WORD "); ok {
		var word uint32
		var name string
		fmt.Sscanf(code, "%x %s", &word, &name)
		for i, shift := range []int{0, 5, 16}[:len(numbers)] {
			word |= uint32(numbers[i].(int) << shift)
		}
		var operands []string
		for _, v := range slices.Backward(numbers) {
			operands = append(operands, fmt.Sprintf("V%d.%s", v, l.all))
		}
		return fmt.Sprintf("WORD $%#08x // %s %s", word, name, strings.Join(operands, ", "))
	}
	return fmt.Sprintf(strings.ReplaceAll(l.text, "#", "%d"), numbers...)
}

// label adds a label, which is unique in the function.
func (n *neon) label(name string) { n.lines = append(n.lines, line{label: name}) }

func (n *neon) branch(how, to string) {
	n.lines = append(n.lines, line{text: how + " " + to, branch: to})
}

func (n *neon) newLabel(name string) string {
	n.labels++
	return fmt.Sprint(name, n.labels)
}

func (n *neon) reg() nreg {
	n.last++
	return n.last
}

// all is the arrangement of a whole vector, lane that of an element.
func (n *neon) all() string  { return fmt.Sprint(n.lane(), n.width) }
func (n *neon) lane() string { return map[int]string{4: "S", 8: "D"}[n.size] }

// move is the instruction that moves an element to or from lane 0.
func (n *neon) move() string { return "FMOV" + n.lane() }

// word is an instruction of floating point, by its code for float32: that for
// float64 has one more bit set (Arm Architecture Reference Manual, C7.2).
func (n *neon) word(name string, code uint32, vectors ...vec) {
	if n.size == 8 {
		code |= 1 << 22
	}
	var all []nreg
	for _, v := range vectors {
		all = append(all, v.(nreg))
	}
	n.op(fmt.Sprintf("WORD %x %s", code, name), all...)
}

// do is word with the result in a new register.
func (n *neon) do(name string, code uint32, operands ...vec) vec {
	d := n.reg()
	n.word(name, code, append([]vec{d}, operands...)...)
	return d
}

// bitwise is an instruction on bytes that Go's assembler knows.
func (n *neon) bitwise(name string, x, y vec) vec {
	d := n.reg()
	n.op(name+" V#.B16, V#.B16, V#.B16", y.(nreg), x.(nreg), d) // the order of Go
	return d
}

func (n *neon) number(name string) vec {
	d := n.reg()
	n.op(fmt.Sprintf("%s %s+%d(FP), F#", n.move(), name, n.offsets[name]), d)
	n.op(fmt.Sprintf("VDUP V#.%s[0], V#.%s", n.lane(), n.all()), d, d)
	return d
}

func (n *neon) integer(name, register string) {
	n.op(fmt.Sprintf("MOVD %s+%d(FP), %s", name, n.offsets[name], register))
}

func (n *neon) broadcast(c constant) vec {
	d := n.reg()
	if n.size == 4 {
		n.op(fmt.Sprintf("MOVD $%#x, %s", c.as32, neonTemp))
	} else {
		n.op(fmt.Sprintf("MOVD $%#x, %s", c.as64, neonTemp))
	}
	n.op(fmt.Sprintf("VDUP %s, V#.%s", neonTemp, n.all()), d)
	return d
}

func (n *neon) zero() vec {
	d := n.reg()
	n.op("VEOR V#.B16, V#.B16, V#.B16", d, d, d)
	return d
}

func (n *neon) copy(a vec) vec { return n.bitwise("VORR", a, a) }

func (n *neon) plus(a, b vec) vec    { return n.do("fadd", 0x4e20d400, a, b) }
func (n *neon) minus(a, b vec) vec   { return n.do("fsub", 0x4ea0d400, a, b) }
func (n *neon) times(a, b vec) vec   { return n.do("fmul", 0x6e20dc00, a, b) }
func (n *neon) over(a, b vec) vec    { return n.do("fdiv", 0x6e20fc00, a, b) }
func (n *neon) root(a vec) vec       { return n.do("fsqrt", 0x6ea1f800, a) }
func (n *neon) larger(a, b vec) vec  { return n.do("fmax", 0x4e20f400, a, b) }
func (n *neon) smaller(a, b vec) vec { return n.do("fmin", 0x4ea0f400, a, b) }
func (n *neon) and(a, b vec) vec     { return n.bitwise("VAND", a, b) }
func (n *neon) or(a, b vec) vec      { return n.bitwise("VORR", a, b) }

func (n *neon) fused(a, b, c vec) vec {
	n.word("fmla", 0x4e20cc00, c, a, b)
	return c
}

func (n *neon) fusedMinus(a, b, c vec) vec {
	n.word("fmls", 0x4ea0cc00, c, a, b)
	return c
}

func (n *neon) timesPlus(p, x, c vec) vec { return n.fused(p, x, n.copy(c)) }

func (n *neon) timesMinus(p, x, c vec) vec {
	return n.fused(p, x, n.do("fneg", 0x6ea0f800, c))
}

func (n *neon) mantissa() int { return map[int]int{4: 23, 8: 52}[n.size] }

func (n *neon) raiseExponent(y, rounded vec) vec {
	d := n.reg()
	n.op(fmt.Sprintf("VSHL $%d, V#.%s, V#.%[2]s", n.mantissa(), n.all()), rounded.(nreg), d)
	n.op(fmt.Sprintf("VADD V#.%s, V#.%[1]s, V#.%[1]s", n.all()), y.(nreg), d, d)
	return d
}

func (n *neon) canScale() bool     { return false }
func (n *neon) scale(_, _ vec) vec { panic("NEON has no such instruction") }

func (n *neon) topBits(a vec) vec {
	d := n.reg()
	n.op(fmt.Sprintf("VUSHR $%d, V#.%s, V#.%[2]s", n.mantissa(), n.all()), a.(nreg), d)
	return d
}

func (n *neon) compare(a vec, how comparison, b vec) mask {
	switch how {
	case equal:
		return nmask{n.do("fcmeq", 0x4e20e400, a, b).(nreg), false}
	case less, notLess:
		return nmask{n.do("fcmgt", 0x6ea0e400, b, a).(nreg), how == notLess}
	}
	return nmask{n.do("fcmge", 0x6e20e400, b, a).(nreg), true}
}

func (n *neon) where(m mask, a vec) vec {
	k := m.(nmask)
	if k.not {
		d := n.reg()
		n.op("WORD 4e601c00 bic", d, a.(nreg), k.nreg) // Go's assembler has none
		return d
	}
	return n.and(a, k.nreg)
}

func (n *neon) choose(m mask, yes, no vec) vec {
	k := m.(nmask)
	if k.not {
		yes, no = no, yes
	}
	d := n.copy(k.nreg).(nreg)
	n.op("VBSL V#.B16, V#.B16, V#.B16", no.(nreg), yes.(nreg), d)
	return d
}

func (n *neon) get(slice string) vec {
	d := n.reg()
	if n.single {
		n.op(fmt.Sprintf("%s (%s), F#", n.move(), n.pointers[slice]), d)
	} else {
		n.op(fmt.Sprintf("VLD1 (%s), [V#.%s]", n.pointers[slice], n.all()), d)
	}
	return d
}

func (n *neon) put(r result) {
	if n.single {
		n.op(fmt.Sprintf("%s F#, (%s)", n.move(), n.pointers[r.slice]), r.value.(nreg))
	} else {
		n.op(fmt.Sprintf("VST1 [V#.%s], (%s)", n.all(), n.pointers[r.slice]), r.value.(nreg))
	}
}

func (n *neon) each(body func() []result) {
	n.integer("n", neonCount)
	for _, n.single = range []bool{false, true} {
		step := n.width
		if n.single {
			step = 1
		}
		n.steps(step, func() {
			for _, r := range body() {
				n.put(r)
			}
			for i := range len(n.pointers) {
				n.op(fmt.Sprintf("ADD $%d, R%d", step*n.size, i))
			}
		})
	}
	n.finish()
}

// steps runs the body for so many elements at a time, while there are as many left.
func (n *neon) steps(elements int, body func()) {
	loop, rest := n.newLabel("loop"), n.newLabel("rest")
	n.op(fmt.Sprintf("SUBS $%d, %s", elements, neonCount))
	n.branch("BLT", rest)
	n.label(loop)
	body()
	n.op(fmt.Sprintf("SUBS $%d, %s", elements, neonCount))
	n.branch("BGE", loop)
	n.label(rest)
	n.op(fmt.Sprintf("ADD $%d, %s", elements, neonCount))
}

// as writes what body does with elements of a type, in a function for another.
func (n *neon) as(e element, body func()) {
	saved := n.element
	n.element, n.width = e, 16/e.size
	body()
	n.element, n.width = saved, 16/saved.size
}

// widen makes float64 of float32: of the lower half of a register, and of the upper one.
func (n *neon) widen(v vec) (low, high vec) {
	l, h := n.reg(), n.reg()
	n.op("WORD 0e617800 fcvtl", l, v.(nreg)) // Go's assembler has none
	n.op("WORD 4e617800 fcvtl2", h, v.(nreg))
	return l, h
}

// reduce takes 16 elements at a time. The last ones, if they are fewer, are copied to
// local memory that is filled with the start of the lanes.
func (n *neon) reduce(r reduction) {
	sums := n.element
	if r.wide {
		sums = float64s
	}
	var lane []vec
	n.as(sums, func() {
		for range lanes / n.width {
			lane = append(lane, n.broadcast(r.start))
		}
	})
	take := func() {
		for i := range lanes / n.width {
			var elements []vec
			for _, s := range r.slices {
				elements = append(elements, n.next(n.pointers[s]))
			}
			if r.wide {
				low, high := n.widen(elements[0])
				n.as(sums, func() {
					r.take(lane[2*i], []vec{low})
					r.take(lane[2*i+1], []vec{high})
				})
				continue
			}
			r.take(lane[i], elements)
		}
	}
	n.integer("n", neonCount)
	n.steps(lanes, take)
	n.branch("CBZ "+neonCount+",", "join")
	start := n.broadcast(r.start)
	for _, s := range r.slices {
		n.frame += lanes * n.size
		n.op(fmt.Sprintf("MOVD $%sRest-%d(SP), %s", s, n.frame, neonAt))
		n.op(fmt.Sprintf("MOVD %s, %s", neonAt, neonTo))
		for range lanes / n.width {
			n.op(fmt.Sprintf("VST1.P [V#.%s], 16(%s)", n.all(), neonTo), start.(nreg))
		}
		n.op(fmt.Sprintf("MOVD %s, %s", neonAt, neonTo))
		n.op(fmt.Sprintf("MOVD %s, %s", neonCount, neonRows))
		element := n.reg()
		n.label(s)
		n.op(fmt.Sprintf("%s.P %d(%s), F#", n.move(), n.size, n.pointers[s]), element)
		n.op(fmt.Sprintf("%s.P F#, %d(%s)", n.move(), n.size, neonTo), element)
		n.op(fmt.Sprintf("SUBS $1, %s", neonRows))
		n.branch("BNE", s)
		n.op(fmt.Sprintf("MOVD %s, %s", neonAt, n.pointers[s]))
	}
	take()
	n.label("join")
	n.as(sums, func() { n.join(r, lane) })
}

// join folds the 16 lanes in halves, 16 to 8, 4, 2, 1, and ends the reduction.
func (n *neon) join(r reduction, lane []vec) {
	with := n.plus
	if r.largest {
		with = n.larger // of a NaN and a number, the NaN
	}
	for ; len(lane) > 1; lane = lane[:len(lane)/2] {
		for i := range len(lane) / 2 {
			lane[i] = with(lane[i], lane[i+len(lane)/2])
		}
	}
	all := lane[0]
	for _, upper := range map[int][]string{4: {"D[1], V#.D2", "S[1], V#.S4"}, 8: {"D[1], V#.D2"}}[n.size] {
		v := n.reg()
		n.op("VDUP V#."+upper, all.(nreg), v)
		all = with(all, v)
	}
	all = n.plus(all, n.zero()) // +0 in place of -0
	n.op(fmt.Sprintf("%s F#, ret+%d(FP)", n.move(), n.offsets["ret"]), all.(nreg))
	n.finish()
}

func (n *neon) add(a, x vec)   { n.word("fadd", 0x4e20d400, a, a, x) }
func (n *neon) raise(a, x vec) { n.word("fmax", 0x4e20f400, a, a, x) }

// columns keeps sums in registers while it goes down the rows: those of four vectors at
// a time, then of one, then of one element.
func (n *neon) columns() {
	const x = "R1"
	n.integer("cols", neonCount)
	n.op(fmt.Sprintf("LSL $%d, %s, %s", n.size/4+1, neonCount, neonStride))
	for _, columns := range []int{4 * n.width, n.width, 1} {
		n.single = columns == 1
		n.steps(columns, func() {
			sums := make([]vec, max(1, columns/n.width))
			n.op("MOVD R0, " + neonTo)
			for i := range sums {
				sums[i] = n.next(neonTo)
			}
			n.integer("rows", neonRows)
			n.op(fmt.Sprintf("MOVD %s, %s", x, neonRow))
			down := n.newLabel("down")
			n.label(down)
			n.op(fmt.Sprintf("MOVD %s, %s", neonRow, neonAt))
			for i := range sums {
				n.add(sums[i], n.next(neonAt))
			}
			n.op(fmt.Sprintf("ADD %s, %s", neonStride, neonRow))
			n.op(fmt.Sprintf("SUBS $1, %s", neonRows))
			n.branch("BNE", down)
			for i := range sums {
				n.put(result{sums[i], "sum"})
				n.op(fmt.Sprintf("ADD $%d, R0", n.size*columns/len(sums)))
			}
			n.op(fmt.Sprintf("ADD $%d, %s", n.size*columns, x))
		})
	}
	n.finish()
}

// next loads the elements that an integer register points to, and moves it on.
func (n *neon) next(from string) vec {
	d := n.reg()
	if n.single {
		n.op(fmt.Sprintf("%s.P %d(%s), F#", n.move(), n.size, from), d)
	} else {
		n.op(fmt.Sprintf("VLD1.P 16(%s), [V#.%s]", from, n.all()), d)
	}
	return d
}

// writeNEON writes all functions of NEON and their declarations.
func writeNEON(assembly, stubs string) error {
	head := generated + "\n\n//go:build !purego\n\n"
	if err := os.WriteFile(assembly, []byte(head+"#include \"textflag.h\"\n"+neonText.String()), 0o644); err != nil {
		return err
	}
	return os.WriteFile(stubs, []byte(head+"package kernel\n"+neonStubs.String()), 0o644)
}
