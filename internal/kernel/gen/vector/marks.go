package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func marks() {
	TEXT("marks256", NOSPLIT, "func(found *uint64, text *byte, n int, a, b, c byte)")
	Doc(
		"marks256 finds three bytes in n blocks of 64, n being 1 or more:",
		"",
		"\tfor i := range 64 * n {",
		"\t\tif text[i] == a || text[i] == b || text[i] == c {",
		"\t\t\tfound[i/64] |= 1 << (i % 64)",
		"\t\t}",
		"\t}",
	)
	Pragma("noescape")
	found, text, n := load("found"), load("text"), load("n")
	var wanted [3]reg.VecVirtual
	for i, name := range []string{"a", "b", "c"} {
		one := GP32()
		Load(Param(name), one.As8())
		wanted[i] = YMM()
		VMOVD(one, wanted[i].AsX())
		VPBROADCASTB(wanted[i].AsX(), wanted[i])
	}
	Label("block")
	var halves [2]reg.GPVirtual
	for i := range halves {
		bytes, is := YMM(), YMM()
		VMOVDQU(Mem{Base: text, Disp: 32 * i}, bytes)
		VPCMPEQB(wanted[0], bytes, is)
		for _, w := range wanted[1:] {
			also := YMM()
			VPCMPEQB(w, bytes, also)
			VPOR(also, is, is)
		}
		halves[i] = GP64()
		VPMOVMSKB(is, halves[i].As32())
	}
	SHLQ(Imm(32), halves[1])
	ORQ(halves[1], halves[0])
	MOVQ(halves[0], Mem{Base: found})
	ADDQ(Imm(64), text)
	ADDQ(Imm(8), found)
	DECQ(n)
	JNZ(LabelRef("block"))
	VZEROUPPER()
	RET()
}
