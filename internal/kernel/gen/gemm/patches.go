package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// patches is what a gradient that is not 0 takes part in: three by three pixels of an image,
// each a vector of channels.
type patches struct{ bits int }

// write writes the functions that add to sums of patches and to patches themselves.
func (s patches) write() {
	lists := []string{
		"\tlists := values and places cut into pieces, as long as counts says",
		"\tfor p := range planes {",
		"\t\tfor v, place := range lists[p] {",
		"\t\t\tfor a := range 3 {",
		fmt.Sprintf("\t\t\t\tfor b := range %d {", 3*s.bits/32),
	}
	end := []string{"\t\t\t\t}", "\t\t\t}", "\t\t}", "\t}", "", "row leads from one row of pixels to the next and places to a patch, in bytes."}
	doc := func(name, what, line string) {
		TEXT(name, NOSPLIT, "func(sums, x *float32, row uintptr, values *float32, places, counts *int32, planes int)")
		Doc(append(append([]string{name + what, ""}, append(lists, "\t\t\t\t\t"+line)...), end...)...)
		Pragma("noescape")
	}
	doc(fmt.Sprintf("patchSums%df32", s.bits), " adds patches of x to those of sums, one for each plane, 1 or more:", "sums[p][a][b] = fma(v, x[place+a*row+b], sums[p][a][b])")
	sums := s.planes(func(sum []reg.VecVirtual, v reg.VecVirtual, at func(i int) Mem) {
		for i := range sum {
			VFMADD231PS(at(i), v, sum[i])
		}
	})
	sums(true)
	doc(fmt.Sprintf("addPatches%df32", s.bits), " adds patches of sums, one for each plane, 1 or more, to x:", "x[place+a*row+b] = fma(v, sums[p][a][b], x[place+a*row+b])")
	s.planes(func(sum []reg.VecVirtual, v reg.VecVirtual, at func(i int) Mem) {
		for i := range sum {
			x := s.vector()
			VMOVUPS(at(i), x)
			VFMADD231PS(sum[i], v, x)
			VMOVUPS(x, at(i))
		}
	})(false)
}

func (s patches) vector() reg.VecVirtual { return vectorOf(s.bits)() }

// planes returns how the loops are written around what is done with a value.
func (s patches) planes(do func(sum []reg.VecVirtual, v reg.VecVirtual, at func(i int) Mem)) func(store bool) {
	return func(store bool) {
		at, x, row, values, places, counts, planes := load("sums"), load("x"), load("row"), load("values"), load("places"), load("counts"), load("planes")
		sum := make([]reg.VecVirtual, 9)
		Label("plane")
		for i := range sum {
			sum[i] = s.vector()
			VMOVUPS(Mem{Base: at, Disp: s.bits / 8 * i}, sum[i])
		}
		count := GP64()
		MOVLQSX(Mem{Base: counts}, count)
		TESTQ(count, count)
		JZ(LabelRef("next"))
		Label("value")
		var rows [3]reg.GPVirtual
		for i := range rows {
			rows[i] = GP64()
		}
		MOVLQSX(Mem{Base: places}, rows[0])
		ADDQ(x, rows[0])
		LEAQ(Mem{Base: rows[0], Index: row, Scale: 1}, rows[1])
		LEAQ(Mem{Base: rows[0], Index: row, Scale: 2}, rows[2])
		v := s.vector()
		VBROADCASTSS(Mem{Base: values}, v)
		do(sum, v, func(i int) Mem {
			return Mem{Base: rows[i/3], Disp: s.bits / 8 * (i % 3)}
		})
		ADDQ(Imm(4), places)
		ADDQ(Imm(4), values)
		DECQ(count)
		JNZ(LabelRef("value"))
		Label("next")
		if store {
			for i := range sum {
				VMOVUPS(sum[i], Mem{Base: at, Disp: s.bits / 8 * i})
			}
		}
		ADDQ(I32(int32(s.bits/8*len(sum))), at)
		ADDQ(Imm(4), counts)
		DECQ(planes)
		JNZ(LabelRef("plane"))
		VZEROUPPER()
		RET()
	}
}

// nonzeros writes the function that lists where patches begin.
func nonzeros(bits int) {
	lanes := bits / 32
	name := fmt.Sprintf("nonzeros%df32", bits)
	TEXT(name, NOSPLIT, "func(values *float32, places, counts *int32, x *float32, planes, rows, columns, step, row int)")
	Doc(
		name+" lists the elements of each plane of x that are not 0, and where; planes, rows",
		fmt.Sprintf("and columns are 1 or more. There must be room for %d more in values and in places.", lanes),
		"",
		"\tfor p := range planes {",
		"\t\tfor i := range rows {",
		"\t\t\tfor j := range columns {",
		"\t\t\t\tif x[p][i][j] != 0 {",
		"\t\t\t\t\tvalues = append(values, x[p][i][j])",
		"\t\t\t\t\tplaces = append(places, int32(i*row+j*step))",
		"\t\t\t\t\tcounts[p]++",
		"\t\t\t\t}",
		"\t\t\t}",
		"\t\t}",
		"\t}",
	)
	Pragma("noescape")
	vector := vectorOf(bits)
	values, at, counts, x, planes := load("values"), load("places"), load("counts"), load("x"), load("planes")
	zero, first, begin, next := vector(), vector(), vector(), vector() // places: of a plane, a row and a vector
	ahead, row := vector(), vector()                                   // from a vector to the next, and from a row
	VPXOR(zero.AsX(), zero.AsX(), zero.AsX())
	step := load("step")
	repeat(step, first)
	VPMULLD(evens(), first, first)
	VPSRLD(Imm(1), first, first)
	SHLQ(Imm(uint64(lanes/8+2)), step) // times lanes
	repeat(step, ahead)
	repeat(load("row"), row)
	table, last, bits64, start := GP64(), load("columns"), GP64(), GP64()
	ANDQ(Imm(uint64(lanes-1)), last)
	read, _ := masks(bits, last)
	if bits == 256 {
		LEAQ(places(), table)
	}
	v := vector()
	list := func() {
		notEqual := Imm(4) // or NaN
		if bits == 512 {
			k := K()
			VCMPPS(notEqual, zero, v, k)
			KMOVW(k, bits64.As32())
			VCOMPRESSPS_Z(v, k, v)
			VMOVUPS(v, Mem{Base: values})
			VPCOMPRESSD_Z(next, k, v)
		} else {
			which := vector()
			VCMPPS(notEqual, zero, v, which)
			VMOVMSKPS(which, bits64.As32())
			VPMOVZXBD(Mem{Base: table, Index: bits64, Scale: 8}, which)
			VPERMPS(v, which, v)
			VMOVUPS(v, Mem{Base: values})
			VPERMD(next, which, v)
		}
		VMOVUPS(v, Mem{Base: at})
		POPCNTQ(bits64, bits64)
		LEAQ(Mem{Base: values, Index: bits64, Scale: 4}, values)
		LEAQ(Mem{Base: at, Index: bits64, Scale: 4}, at)
		VPADDD(ahead, next, next)
	}
	MOVQ(at, start)
	Label("plane")
	rows := load("rows")
	VMOVAPS(first, begin)
	Label("row")
	columns := load("columns")
	VMOVAPS(begin, next)
	VPADDD(row, begin, begin)
	SUBQ(Imm(uint64(lanes)), columns)
	JL(LabelRef("rest"))
	Label("vector")
	VMOVUPS(Mem{Base: x}, v)
	list()
	ADDQ(Imm(uint64(bits/8)), x)
	SUBQ(Imm(uint64(lanes)), columns)
	JGE(LabelRef("vector"))
	Label("rest")
	TESTQ(last, last)
	JZ(LabelRef("next"))
	read(Mem{Base: x}, v)
	list()
	LEAQ(Mem{Base: x, Index: last, Scale: 4}, x)
	Label("next")
	DECQ(rows)
	JNZ(LabelRef("row"))
	count(at, counts, start)
	DECQ(planes)
	JNZ(LabelRef("plane"))
	VZEROUPPER()
	RET()
}
