package gradcheck

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// A Checksum is that of the bits which a layer of real size computes, forward and
// backward, from fixed numbers.
type Checksum struct {
	Name      string
	Got, Want uint64
}

// Bits computes the layers of [RealSize] in both precisions. What is wanted was
// recorded with the loops in Go (-tags purego), one thread: every other processor,
// its vectors, and any number of threads have to give the same bits.
func Bits() (all []Checksum) {
	for i, c := range RealSize() {
		all = append(all,
			Checksum{c.Name + ", float32", bitsOf(c.Float32, c.Sample), recordedBits[i][0]},
			Checksum{c.Name + ", float64", bitsOf(c.New, c.Sample), recordedBits[i][1]})
	}
	return all
}

// Err returns nil if the bits are the recorded ones.
func (c Checksum) Err() error {
	if c.Got != c.Want {
		return fmt.Errorf("%s: the bits of y, dx and the gradients have the checksum %016x, with the loops in Go they had %016x", c.Name, c.Got, c.Want)
	}
	return nil
}

// recordedBits are the checksums of the rows of RealSize, in float32 and float64.
var recordedBits = [][2]uint64{
	{0x12920f06423c7889, 0xa33ebbd60b7b96dd},
	{0xac2c2a40c26d6d99, 0x1f43a59660b5fed4},
	{0x323325e21813786a, 0x323325e21813786a},
	{0x777904f287976fba, 0x34b7c7cbcf616968},
	{0xaafaa53e2181cd03, 0xbdda49dabc076034},
	{0xc11b223afd294020, 0x66f3a536b313ddde},
	{0x1f3898c934655c26, 0x5b99b884c09531bf},
}

func bitsOf[T tensor.Float](make func(rng *rand.Rand) nn.Layer[T], sample []int) uint64 {
	rng := rand.New(rand.NewPCG(9, 0))
	draw := func(x *tensor.Tensor[T]) {
		for i := range x.Data {
			x.Data[i] = T(float32(4 * (rng.Float64() - 0.5)))
		}
	}
	l := make(rng)
	for _, p := range l.Params() {
		draw(p.Value)
	}
	x := tensor.New[T](append([]int{RealBatch}, sample...)...)
	draw(x)
	pass := &nn.Pass[T]{Train: true, Keep: true}
	y := l.Forward(pass, x)
	dy := tensor.New[T](y.Shape...)
	draw(dy)
	sum := fnv.New64a()
	write := func(x *tensor.Tensor[T]) {
		for _, v := range x.Data {
			// The value of a float32 is exact in float64, and so are its bits.
			sum.Write(binary.LittleEndian.AppendUint64(nil, math.Float64bits(float64(v))))
		}
	}
	write(y)
	write(l.Backward(pass, dy))
	for _, p := range l.Params() {
		write(p.Grad)
	}
	return sum.Sum64()
}
