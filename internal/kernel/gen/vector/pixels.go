package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// pixels divides bytes by 255. A division takes several times as long as this,
// which rounds the same for all 256 bytes (a test tries them): q = x·(1/255) is
// off by less than an ulp, x - 255q is exact, and adding its 1/255 rounds the
// quotient once.
func pixels() {
	TEXT("pixels256", NOSPLIT, "func(y *float32, x *byte, n int)")
	Doc(
		"pixels256 makes numbers of bytes, n being a multiple of 16 and 16 or more:",
		"",
		"\tfor i := range n {",
		"\t\ty[i] = float32(x[i]) / 255",
		"\t}",
	)
	Pragma("noescape")
	y, x, n := load("y"), load("x"), load("n")
	all, part := YMM(), YMM()
	bits := GP32()
	for _, c := range []struct {
		bits uint32
		to   reg.VecVirtual
	}{{0x437f0000, all}, {0x3b808081, part}} { // 255, and 1/255 rounded
		MOVL(U32(c.bits), bits)
		VMOVD(bits, c.to.AsX())
		VBROADCASTSS(c.to.AsX(), c.to)
	}
	Label("loop")
	for i := range 2 {
		v, q := YMM(), YMM()
		VPMOVZXBD(Mem{Base: x, Disp: 8 * i}, v)
		VCVTDQ2PS(v, v)
		VMULPS(part, v, q)
		VFNMADD231PS(all, q, v)
		VFMADD231PS(part, v, q)
		VMOVUPS(q, Mem{Base: y, Disp: 32 * i})
	}
	ADDQ(Imm(64), y)
	ADDQ(Imm(16), x)
	SUBQ(Imm(16), n)
	JNZ(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

func prefetch() {
	TEXT("prefetch", NOSPLIT, "func(x *byte, n int)")
	Doc("prefetch asks for the cache lines of n bytes from x on; n is 1 or more.")
	Pragma("noescape")
	x, n := load("x"), load("n")
	ADDQ(x, n)
	ANDQ(I32(-64), x)
	Label("line")
	PREFETCHT0(Mem{Base: x})
	ADDQ(Imm(64), x)
	CMPQ(x, n)
	JCS(LabelRef("line"))
	RET()
}
