package certify

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"

	"github.com/chainrule-go/chainrule/gradcheck"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// A Checksum is the checksum of the bits that a layer of real size computes, forward and
// backward, from fixed numbers.
type Checksum struct {
	Name      string
	Got, Want uint64 // Want is 0 if none is recorded
}

// recorded are the checksums of the layers of [RealSize] in float32 and float64, by the
// loops in Go (-tags purego) and one thread.
var recorded = map[string][2]uint64{
	"Affine(784->50)":                       {0x12920f06423c7889, 0xa33ebbd60b7b96dd},
	"Affine(50->10)":                        {0xac2c2a40c26d6d99, 0x1f43a59660b5fed4},
	"ReLU":                                  {0x323325e21813786a, 0x323325e21813786a},
	"Sigmoid":                               {0x777904f287976fba, 0x34b7c7cbcf616968},
	"Tanh":                                  {0x970b5914d733dbce, 0xfb769d332581522c},
	"Softmax":                               {0xaafaa53e2181cd03, 0xbdda49dabc076034},
	"Dropout":                               {0x7f70e46b6de013ae, 0x7f70e46b6de013ae},
	"SoftmaxWithLoss":                       {0xc11b223afd294020, 0x66f3a536b313ddde},
	"MeanSquaredError":                      {0x36f744d1b56cc77f, 0xd0227abc32b5e782},
	"TwoLayerNet":                           {0x1f3898c934655c26, 0x5b99b884c09531bf},
	"Identity":                              {0x3f90a62962783b1f, 0x3f90a62962783b1f},
	"Flatten":                               {0xf5d089ae142b2db5, 0xf5d089ae142b2db5},
	"Reshape":                               {0x47d66a907bb855cc, 0x47d66a907bb855cc},
	"Residual":                              {0x05eea020ad97fdcc, 0x03331f23617f74de},
	"Concat":                                {0x4c10fe2ea885ad69, 0x40182cf7fd6b9f9f},
	"LayerNorm":                             {0x78ab1a39a384f4a7, 0x56db492bfe299976},
	"RMSNorm":                               {0xe6726fd0fc08823a, 0xc278efe587c9857b},
	"GroupNorm(4, 12)":                      {0xa964d7316f328cc3, 0x6811d3c8d6932bc7},
	"BatchNorm":                             {0xa25b9bc9088a8067, 0x1208ca7044a47bcc},
	"BatchNorm(6)":                          {0x45eb6453ebb2ae5d, 0xf4324611ea94cc7d},
	"BatchNorm(3)":                          {0xb060e393d6bf829e, 0x3cc1d3e0f7982662},
	"GroupNorm(3, 6)":                       {0xb40f1fa79c8a24ae, 0x3acc9a4c567260b2},
	"LeakyReLU":                             {0x4deac9006083a744, 0x4deac9006083a744},
	"PReLU":                                 {0xb9795b557707e44b, 0xd9dcc69860f5eba9},
	"ELU":                                   {0xf3b3ecc8add62072, 0x25be8e68356baa3a},
	"GELU":                                  {0x20a7ced3cd969e45, 0x3a1285125b316af4},
	"GELU(tanh)":                            {0xc5a3243677d1efde, 0xa79fd3ffd273e608},
	"SiLU":                                  {0x2eef6c8f80858233, 0x5f72fbb692241bf0},
	"Softplus":                              {0xa0db6f157d5c764e, 0xa9386cdb250ff135},
	"SoftmaxWithLoss, smoothed":             {0xc34e80507974d3e8, 0x2aada0709d27bfe2},
	"SoftmaxWithLoss, weighted":             {0xbdd13372ef05a01f, 0x82f49120ec66495d},
	"SoftmaxWithLoss, both":                 {0x37c89265678f5e83, 0x44356ec22d479dbd},
	"SigmoidWithLoss":                       {0xb840ae1d895aa2d1, 0xa09f5185ea205edf},
	"MeanAbsoluteError":                     {0xae0c24a15385c077, 0xd812fd9653569f70},
	"HuberLoss":                             {0x65a24eb54b015572, 0xa09958c3f30e2c2e},
	"Convolution(1->16, 3x3, padding 1x1)":  {0x46bda6849e9526ca, 0xe46f010b53de9605},
	"Convolution(16->32, 3x3, padding 1x1)": {0x199721d7c9b86f35, 0x15e6ead0c441d047},
	"Convolution in groups":                 {0xe3bff8597e160ba0, 0x258843054a77705c},
	"Convolution of signals":                {0x69f476694773863c, 0x4022f93f5ebceb3e},
	"AveragePool":                           {0x4120cd7373140d44, 0x74b514b1514a264c},
	"GlobalAveragePool":                     {0x2d3ff57d73633a18, 0x0c86c36346134a12},
	"MaxPool(2x2)":                          {0x0a6814c5b1757ddc, 0x0a6814c5b1757ddc},
	"MaxPool(3x3, stride 2x2, padding 1x1)": {0xc9f7e011c1659f8b, 0x3040468c0a06413d},
}

// Bits computes the layers of [RealSize] in both precisions. Every processor, with its
// vector instructions or without, on any number of threads, must give the recorded bits.
func Bits() (all []Checksum) {
	for _, c := range RealSize() {
		want := recorded[c.Name]
		all = append(all,
			Checksum{c.Name + ", float32", bitsOf(inFloat32(c), c.Sample), want[0]},
			Checksum{c.Name + ", float64", bitsOf(c.New, c.Sample), want[1]})
	}
	return all
}

// Err returns nil if the bits are the recorded ones.
func (c Checksum) Err() error {
	if c.Got != c.Want {
		return fmt.Errorf("%s: the bits of y, dx and the gradients have the checksum %016x, want %016x, that of the loops in Go", c.Name, c.Got, c.Want)
	}
	return nil
}

// inFloat32 is New of the case in float32, for a layer of package nn.
func inFloat32(c gradcheck.Case) func(rng *rand.Rand) nn.Layer[float32] {
	return func(rng *rand.Rand) nn.Layer[float32] {
		l, _ := c.NewFloat32(rng)
		return l
	}
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
	nn.VisitFields(l, func(f nn.Field[T]) error {
		if state, ok := f.Value.(**tensor.Tensor[T]); ok {
			write(*state)
		}
		return nil
	})
	return sum.Sum64()
}
