package main

import (
	"fmt"
	"slices"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// channels is a convolution whose vectors are of channels: pixel by pixel, three at a time.
type channels struct {
	strip
	width int // such terms of neighbors in a row share pixels, as the triples are neighbors too; or 1
}

func (s channels) write() {
	columns := s.vectors * s.lanes()
	name, tap := "channels", "x[xs[t]+i*xStep+tap[0]+p], w[p*wStep+tap[1]+j]"
	if s.width > 1 {
		name, tap = "channelRows", "x[xs[t]+(i+b)*xStep+tap[0]+p], w[p*wStep+b*wColumn+tap[1]+j]"
	}
	name = fmt.Sprintf("%s%d_%d%s", name, s.bits, columns, s.short)
	TEXT(name, NOSPLIT, fmt.Sprintf("func(x *%[1]s, xs *int, xStep uintptr, w *%[1]s, wStep, wColumn uintptr, taps *[2]int, count, k int, y *%[1]s, ys *int, yStep uintptr, from *%[1]s, triples int, floor %[1]s)", s.name))
	doc := []string{
		fmt.Sprintf("%s computes %d channels of triples of pixels; triples, k and count are 1 or more:", name, columns),
		"",
		"\tfor t := range triples {",
		"\t\tfor i := range 3 {",
		fmt.Sprintf("\t\t\tfor j := range %d {", columns),
		"\t\t\t\ts := from[j]",
		"\t\t\t\tfor p := range k {",
		"\t\t\t\t\tfor _, tap := range taps[:count] {",
		"\t\t\t\t\t\ts = fma(" + tap + ", s)",
		"\t\t\t\t\t}",
		"\t\t\t\t}",
		"\t\t\t\ts += 0 // -0 becomes +0",
		"\t\t\t\tif s < floor {",
		"\t\t\t\t\ts = floor",
		"\t\t\t\t}",
		"\t\t\t\ty[ys[t]+i*yStep+j] = s",
		"\t\t\t}",
		"\t\t}",
		"\t}",
		"",
		"xs, ys, taps, steps and wColumn are in bytes.",
	}
	if s.width > 1 {
		doc = slices.Insert(doc, 8, fmt.Sprintf("\t\t\t\t\t\tfor b := range %d {", s.width))
		doc[9] = "\t" + doc[9]
		doc = slices.Insert(doc, 10, "\t\t\t\t\t\t}")
	}
	Doc(doc...)
	Pragma("noescape")
	s.vector = vectorOf(s.bits)
	triples := param("triples")
	for i, height := range s.heights {
		end := "done"
		if i < len(s.heights)-1 {
			end = fmt.Sprintf("triples%d", s.heights[i+1])
		}
		Label(fmt.Sprintf("triples%d", height))
		CMPQ(triples, Imm(uint64(height)))
		JL(LabelRef(end))
		s.tile(height)
		ADDQ(Imm(uint64(8*height)), param("xs"))
		ADDQ(Imm(uint64(8*height)), param("ys"))
		SUBQ(Imm(uint64(height)), triples)
		JMP(LabelRef(fmt.Sprintf("triples%d", height)))
	}
	Label("done")
	VZEROUPPER()
	RET()
}

func (s channels) tile(triples int) {
	Comment(fmt.Sprintf("%d triples: what they start from", triples))
	from, acc := load("from"), make([][]reg.VecVirtual, 3*triples)
	for i := range acc {
		for v := range s.vectors {
			acc[i] = append(acc[i], s.vector())
			VMOVUPS(Mem{Base: from, Disp: s.bits / 8 * v}, acc[i][v])
		}
	}
	x, xs := make([]reg.GPVirtual, triples), load("xs")
	for t := range x {
		x[t] = GP64()
		MOVQ(Mem{Base: xs, Disp: 8 * t}, x[t])
		ADDQ(param("x"), x[t])
	}
	step, w, k := load("xStep"), load("w"), load("k")
	channel, term := fmt.Sprintf("channel%d", triples), fmt.Sprintf("term%d", triples)
	Label(channel)
	taps, count := load("taps"), load("count")
	Label(term)
	inX, inW := GP64(), GP64()
	MOVQ(Mem{Base: taps}, inX)
	MOVQ(Mem{Base: taps, Disp: 8}, inW)
	ADDQ(w, inW)
	ws := make([][]reg.VecVirtual, s.width)
	for b := range ws {
		if b > 0 {
			ADDQ(param("wColumn"), inW)
		}
		for v := range s.vectors {
			ws[b] = append(ws[b], s.vector())
			VMOVUPS(Mem{Base: inW, Disp: s.bits / 8 * v}, ws[b][v])
		}
	}
	at := GP64()
	for t := range x {
		LEAQ(Mem{Base: x[t], Index: inX, Scale: 1}, at)
		for q := range 2 + s.width {
			m := Mem{Base: at}
			if q == 3 {
				ADDQ(step, at)
			}
			if q > 0 {
				m.Index, m.Scale = step, []uint8{0, 1, 2, 2, 4}[q]
			}
			if q == 4 {
				SUBQ(step, at)
			}
			pixel := s.vector()
			s.broadcast(m, pixel)
			for i := range 3 {
				if b := q - i; b >= 0 && b < s.width {
					for v := range s.vectors {
						s.fma(ws[b][v], pixel, acc[3*t+i][v])
					}
				}
			}
		}
	}
	ADDQ(Imm(16), taps)
	DECQ(count)
	JNZ(LabelRef(term))
	for _, x := range x {
		ADDQ(Imm(uint64(s.size)), x)
	}
	ADDQ(param("wStep"), w)
	DECQ(k)
	JNZ(LabelRef(channel))
	s.finish(acc, fmt.Sprintf("stores%d", triples))
	ys := load("ys")
	step = load("yStep")
	for i := range acc {
		m := Mem{Base: at}
		if i%3 == 0 {
			MOVQ(Mem{Base: ys, Disp: 8 * (i / 3)}, at)
			ADDQ(param("y"), at)
		} else {
			m.Index, m.Scale = step, uint8(i%3)
		}
		for v, sum := range acc[i] {
			VMOVUPS(sum, m.Offset(s.bits/8*v))
		}
	}
}

// maxOfPixels writes a function that computes a max-pool whose vectors are of channels.
func maxOfPixels(bits int) {
	name := fmt.Sprintf("maxOfPixels%df32", bits)
	TEXT(name, NOSPLIT, "func(y, x *float32, xStep uintptr, taps *[2]int, count, n, vectors int)")
	Doc(
		name+" sets y to the largest of the elements of x at taps, NaN being the largest;",
		"the three numbers are 1 or more:",
		"",
		"\tfor i := range n {",
		fmt.Sprintf("\t\tfor j := range vectors*%d {", bits/32),
		"\t\t\ty[i][j] = x[i*xStep+taps[0][0]+j]",
		"\t\t\tfor _, tap := range taps[1:count] {",
		"\t\t\t\ttake x[i*xStep+tap[0]+j] if larger",
		"\t\t\t}",
		"\t\t}",
		"\t}",
		"",
		"taps and xStep are in bytes.",
	)
	Pragma("noescape")
	vector := vectorOf(bits)
	y, x, step, n := load("y"), load("x"), load("xStep"), load("n")
	Label("pixel")
	pixel, vectors := GP64(), load("vectors")
	MOVQ(x, pixel)
	Label("vector")
	taps, count, at := load("taps"), load("count"), GP64()
	best, v := vector(), vector()
	MOVQ(Mem{Base: taps}, at)
	VMOVUPS(Mem{Base: pixel, Index: at, Scale: 1}, best)
	JMP(LabelRef("next"))
	Label("tap")
	ADDQ(Imm(16), taps)
	MOVQ(Mem{Base: taps}, at)
	VMOVUPS(Mem{Base: pixel, Index: at, Scale: 1}, v)
	const unordered, ordered = 3, 7
	if bits == 512 {
		number := K()
		VCMPPS(Imm(ordered), best, best, number)
		VMAXPS(v, best, number, best) // of a number and a NaN, the second: the NaN
	} else {
		nan := vector()
		VCMPPS(Imm(unordered), best, best, nan)
		VMAXPS(v, best, v)
		VBLENDVPS(nan, best, v, best)
	}
	Label("next")
	DECQ(count)
	JNZ(LabelRef("tap"))
	VMOVUPS(best, Mem{Base: y})
	ADDQ(Imm(uint64(bits/8)), y)
	ADDQ(Imm(uint64(bits/8)), pixel)
	DECQ(vectors)
	JNZ(LabelRef("vector"))
	ADDQ(step, x)
	DECQ(n)
	JNZ(LabelRef("pixel"))
	VZEROUPPER()
	RET()
}
