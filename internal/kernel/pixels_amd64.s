//go:build amd64 && !purego

#include "textflag.h"

// 255, and 1/255 rounded to the nearest float32.
DATA pixels<>+0(SB)/4, $0x437f0000
DATA pixels<>+4(SB)/4, $0x3b808081
GLOBL pixels<>(SB), RODATA|NOPTR, $8

// func pixels256(y *float32, x *byte, n int)
//
// A division takes several times as long as this, which rounds the same for all
// 256 bytes (a test tries them): q = x·(1/255) is off by less than an ulp, x - 255q
// is exact, and adding its 1/255 rounds the quotient once.
//
//	DI y    SI x    CX elements left
//	Y14 255    Y15 1/255    Y0 Y1 x, then x - 255q    Y2 Y3 q
TEXT ·pixels256(SB), NOSPLIT, $0-24
	MOVQ y+0(FP), DI
	MOVQ x+8(FP), SI
	MOVQ n+16(FP), CX
	VBROADCASTSS pixels<>+0(SB), Y14
	VBROADCASTSS pixels<>+4(SB), Y15

loop16:
	VPMOVZXBD    (SI), Y0        // x as integers
	VPMOVZXBD    8(SI), Y1
	VCVTDQ2PS    Y0, Y0          // x
	VCVTDQ2PS    Y1, Y1
	VMULPS       Y15, Y0, Y2     // q = x * 1/255
	VMULPS       Y15, Y1, Y3
	VFNMADD231PS Y14, Y2, Y0     // x -= 255*q
	VFNMADD231PS Y14, Y3, Y1
	VFMADD231PS  Y15, Y0, Y2     // q += x * 1/255
	VFMADD231PS  Y15, Y1, Y3
	VMOVUPS      Y2, (DI)
	VMOVUPS      Y3, 32(DI)
	ADDQ         $64, DI
	ADDQ         $16, SI
	SUBQ         $16, CX
	JNE          loop16
	VZEROUPPER
	RET

// func prefetch(x *byte, n int)
//
//	SI line    CX end of x
TEXT ·prefetch(SB), NOSPLIT, $0-16
	MOVQ x+0(FP), SI
	MOVQ n+8(FP), CX
	ADDQ SI, CX
	ANDQ $~63, SI

line:
	PREFETCHT0 (SI)
	ADDQ       $64, SI
	CMPQ       SI, CX
	JCS        line
	RET
