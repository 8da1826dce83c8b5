// Command gen writes the assembly of package kernel:
//
//	cd internal/kernel/gen && go run . -out ../gemm_amd64.s -stubs ../gemm_stubs_amd64.go -pkg kernel
package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/attr"
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func main() {
	ConstraintExpr("!purego")
	for _, e := range []element{float32s, float64s} {
		for _, rows := range []int{12, 8, 4, 2, 1} {
			tile512(e, rows)
		}
		for _, rows := range []int{6, 4, 2, 1} {
			tile256(e, rows)
		}
	}
	Generate()
}

// An element is a type of the elements of a matrix, with the instructions for it.
type element struct {
	name                string
	size                int // bytes
	broadcast, add, fma func(...Op)
	moveMasked          func(x, y, z Op) // AVX-512, zeros where the mask has none
	maskedMove          func(x, y, z Op) // AVX2
	xor                 func(...Op)
}

var (
	float32s = element{"float32", 4, VBROADCASTSS, VADDPS, VFMADD231PS, VMOVUPS_Z, VMASKMOVPS, VXORPS}
	float64s = element{"float64", 8, VBROADCASTSD, VADDPD, VFMADD231PD, VMOVUPD_Z, VMASKMOVPD, VXORPD}
)

// text begins the function of a tile, two vectors of so many bytes wide.
func text(e element, bits, rows int) {
	name := fmt.Sprintf("tile%dx%d%s", bits, rows, map[string]string{"float32": "f32", "float64": "f64"}[e.name])
	columns := 2 * bits / 8 / e.size
	TEXT(name, NOSPLIT, fmt.Sprintf("func(a *%[1]s, aRow, aStep uintptr, b *%[1]s, bStep uintptr, c *%[1]s, cRow uintptr, k, columns int)", e.name))
	Doc(
		fmt.Sprintf("%s adds to a tile of C, %d rows and 1 to %d columns, the product of as", name, rows, columns),
		"many rows of A and columns of B, k being 1 or more:",
		"",
		"\tfor p := range k {",
		"\t\tfor i := range rows {",
		"\t\t\tfor j := range columns {",
		"\t\t\t\tc[i][j] = fma(a[i][p], b[p][j], c[i][j])",
		"\t\t\t}",
		"\t\t}",
		"\t}",
		"",
		"and makes +0 of a -0 in the end. aRow and cRow lead from one row to the next,",
		"aStep and bStep from one k to the next, in bytes.",
	)
	Pragma("noescape")
}

// operands are the arguments of a tile: pointers, and steps in bytes.
type operands struct {
	a           []reg.GPVirtual // every third row of A
	aRow, aStep reg.GPVirtual
	b, bStep    reg.GPVirtual
	c, cRow, k  reg.GPVirtual
}

func loadOperands(rows int) operands {
	load := func(name string) reg.GPVirtual {
		r := GP64()
		Load(Param(name), r)
		return r
	}
	o := operands{aRow: load("aRow"), aStep: load("aStep"), b: load("b"), bStep: load("bStep"), c: load("c"), cRow: load("cRow"), k: load("k")}
	o.a = append(o.a, load("a"))
	for r := 3; r < rows; r += 3 {
		next := GP64()
		Comment(fmt.Sprintf("row %d of A", r))
		LEAQ(Mem{Base: o.a[len(o.a)-1], Index: o.aRow, Scale: 2}, next)
		ADDQ(o.aRow, next)
		o.a = append(o.a, next)
	}
	return o
}

// at is the element of A in a row, for the k at hand.
func (o operands) at(row int) Mem {
	m := Mem{Base: o.a[row/3]}
	if row%3 > 0 {
		m.Index, m.Scale = o.aRow, uint8(row%3)
	}
	return m
}

// next goes one k further and jumps to the label unless that was the last.
func (o operands) next(label string) {
	for _, a := range o.a {
		ADDQ(o.aStep, a)
	}
	ADDQ(o.bStep, o.b)
	DECQ(o.k)
	JNZ(LabelRef(label))
}

func tile512(e element, rows int) {
	text(e, 512, rows)
	o := loadOperands(rows)
	Comment("the masks of the columns")
	columns, bits := GP32(), GP32()
	Load(Param("columns"), columns.As64())
	MOVL(I32(-1), bits)
	BZHIL(columns, bits, bits)
	masks := [2]reg.OpmaskVirtual{K(), K()}
	KMOVW(bits, masks[0])
	SHRL(Imm(uint64(64/e.size)), bits)
	KMOVW(bits, masks[1])

	acc := make([][2]reg.VecVirtual, rows)
	Comment("the tile of C")
	at := GP64()
	MOVQ(o.c, at)
	for r := range acc {
		for v := range acc[r] {
			acc[r][v] = ZMM()
			e.moveMasked(Mem{Base: at, Disp: 64 * v}, masks[v], acc[r][v])
		}
		ADDQ(o.cRow, at)
	}
	b := [2]reg.VecVirtual{ZMM(), ZMM()}
	Label("loop")
	for v := range b {
		e.moveMasked(Mem{Base: o.b, Disp: 64 * v}, masks[v], b[v])
	}
	for r := range acc {
		a := ZMM()
		e.broadcast(o.at(r), a)
		for v := range b {
			e.fma(b[v], a, acc[r][v])
		}
	}
	o.next("loop")

	zero := ZMM()
	VPXORD(zero, zero, zero)
	for r := range acc {
		for v := range acc[r] {
			e.add(zero, acc[r][v], acc[r][v])
			if e.size == 4 {
				VMOVUPS(acc[r][v], masks[v], Mem{Base: o.c, Disp: 64 * v})
			} else {
				VMOVUPD(acc[r][v], masks[v], Mem{Base: o.c, Disp: 64 * v})
			}
		}
		ADDQ(o.cRow, o.c)
	}
	VZEROUPPER()
	RET()
}

// masks are 64 bytes of ones and 64 of zeros: n columns of two AVX2 registers
// are masked by what begins n columns before the zeros.
var masks *Mem

func tile256(e element, rows int) {
	if masks == nil {
		m := GLOBL("masks256", attr.RODATA|attr.NOPTR)
		for i := range 16 {
			DATA(8*i, U64(map[bool]uint64{true: ^uint64(0)}[i < 8]))
		}
		masks = &m
	}
	text(e, 256, rows)
	o := loadOperands(rows)
	Comment("the masks of the columns")
	columns, mask := GP64(), GP64()
	Load(Param("columns"), columns)
	LEAQ(masks.Offset(64), mask)
	SHLQ(Imm(map[int]uint64{4: 2, 8: 3}[e.size]), columns)
	SUBQ(columns, mask)

	acc := make([][2]reg.VecVirtual, rows)
	for r := range acc {
		acc[r] = [2]reg.VecVirtual{YMM(), YMM()}
	}
	Comment("the tile of C")
	m, at := YMM(), GP64()
	for v := range 2 {
		VMOVUPS(Mem{Base: mask, Disp: 32 * v}, m)
		MOVQ(o.c, at)
		for r := range acc {
			e.maskedMove(Mem{Base: at, Disp: 32 * v}, m, acc[r][v])
			ADDQ(o.cRow, at)
		}
	}
	b := [2]reg.VecVirtual{YMM(), YMM()}
	Label("loop")
	for v := range b {
		// The mask is read again each time: there is no register left for it.
		VMOVUPS(Mem{Base: mask, Disp: 32 * v}, m)
		e.maskedMove(Mem{Base: o.b, Disp: 32 * v}, m, b[v])
	}
	for r := range acc {
		e.broadcast(o.at(r), m)
		for v := range b {
			e.fma(b[v], m, acc[r][v])
		}
	}
	o.next("loop")

	e.xor(b[0], b[0], b[0])
	for v := range 2 {
		VMOVUPS(Mem{Base: mask, Disp: 32 * v}, m)
		MOVQ(o.c, at)
		for r := range acc {
			e.add(b[0], acc[r][v], acc[r][v])
			e.maskedMove(acc[r][v], m, Mem{Base: at, Disp: 32 * v})
			ADDQ(o.cRow, at)
		}
	}
	VZEROUPPER()
	RET()
}
