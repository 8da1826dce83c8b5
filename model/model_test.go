package model

import (
	"bytes"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

func random() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

// everyKind returns a network with each row of the table, a block in a block
// and one shared parameter of two, for samples [3].
func everyKind[T tensor.Float]() *nn.Sequential[T] {
	rng := random()
	first := nn.NewAffine[T](3, 4, rng)
	tied := nn.AffineOf(first.W, nn.NewParam[T]("b", 4))
	fill(first.B.Value, rng)
	fill(tied.B.Value, rng)
	return nn.NewSequential[T](
		first, nn.NewReLU[T](),
		nn.NewSequential[T](nn.NewAffine[T](4, 3, rng), nn.NewSequential[T](nn.NewSigmoid[T]()), tied),
		nn.NewSequential[T](),
		nn.NewSoftmax[T](),
	)
}

func fill[T tensor.Float](x *tensor.Tensor[T], rng *rand.Rand) {
	for i := range x.Data {
		x.Data[i] = T(rng.NormFloat64())
	}
}

func mustWrite[T tensor.Float](t testing.TB, net *nn.Sequential[T], input ...int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, net, input...); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func mustRead[T tensor.Float](t testing.TB, file []byte) *Model[T] {
	t.Helper()
	m, err := Read[T](bytes.NewReader(file), "test")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// sameBits fails unless the tensors are equal to the bit, NaN included.
func sameBits[T tensor.Float](t testing.TB, what string, got, want *tensor.Tensor[T]) {
	t.Helper()
	if !slices.Equal(got.Shape, want.Shape) {
		t.Fatalf("%s: shape %v, want %v", what, got.Shape, want.Shape)
	}
	bits := func(v T) uint64 {
		if v, ok := any(v).(float32); ok {
			return uint64(math.Float32bits(v))
		}
		return math.Float64bits(float64(v))
	}
	for i := range want.Data {
		if bits(got.Data[i]) != bits(want.Data[i]) {
			t.Fatalf("%s: element %d is %v (%x), want %v (%x)", what, i, got.Data[i], bits(got.Data[i]), want.Data[i], bits(want.Data[i]))
		}
	}
}

// sameLayers fails unless the networks have the same layers under the same
// names, the same weights, and share the same of them.
func sameLayers[T tensor.Float](t testing.TB, got, want *nn.Sequential[T]) {
	t.Helper()
	var places func(net *nn.Sequential[T], path string) (kinds []string, params []*nn.Param[T])
	places = func(net *nn.Sequential[T], path string) (kinds []string, params []*nn.Param[T]) {
		for _, l := range net.Layers() {
			name := join(path, l.Name)
			kinds = append(kinds, name+" "+nn.Kind(l.Layer))
			if inner, ok := l.Layer.(*nn.Sequential[T]); ok {
				k, p := places(inner, name)
				kinds, params = append(kinds, k...), append(params, p...)
				continue
			}
			params = append(params, l.Layer.Params()...)
		}
		return kinds, params
	}
	gotKinds, gotParams := places(got, "")
	wantKinds, wantParams := places(want, "")
	if !slices.Equal(gotKinds, wantKinds) {
		t.Fatalf("got the layers %q, want %q", gotKinds, wantKinds)
	}
	for i, want := range wantParams {
		sameBits(t, "weights", gotParams[i].Value, want.Value)
		if g, w := slices.Index(gotParams, gotParams[i]), slices.Index(wantParams, want); g != w {
			t.Fatalf("parameter %d is that of place %d, want %d", i, g, w)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	t.Run("float32", roundTrip[float32])
	t.Run("float64", roundTrip[float64])
}

func roundTrip[T tensor.Float](t *testing.T) {
	net := everyKind[T]()
	path := filepath.Join(t.TempDir(), "net.safetensors")
	if err := Save(path, net, 3); err != nil {
		t.Fatal(err)
	}
	m, err := Load[T](path)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(m.Input, []int{3}) {
		t.Errorf("input is %v, want [3]", m.Input)
	}
	sameLayers(t, m.Net, net)
	for _, p := range m.Net.Params() {
		if p.Name != "W" && p.Name != "b" {
			t.Errorf("a parameter is named %q", p.Name)
		}
		sameBits(t, "Grad", p.Grad, tensor.New[T](p.Value.Shape...))
	}

	for _, n := range []int{0, 1, 7} {
		x := tensor.New[T](n, 3)
		fill(x, random())
		sameBits(t, "prediction", m.Net.Forward(nil, x), net.Forward(nil, x))
	}
	x := tensor.New[T](7, 3)
	fill(x, random())
	step := func(net *nn.Sequential[T]) { // what is loaded can be trained on
		pass := &nn.Pass[T]{Train: true, Keep: true}
		net.BackwardParams(pass, net.Forward(pass, x))
	}
	step(net)
	step(m.Net)
	for i, p := range net.Params() {
		sameBits(t, "Grad", m.Net.Params()[i].Grad, p.Grad)
	}

	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if again := mustWrite(t, m.Net, m.Input...); !bytes.Equal(again, file) {
		t.Error("what was loaded is saved as other bytes")
	}
	if !bytes.Equal(mustWrite(t, everyKind[T](), 3), file) {
		t.Error("the same network is saved as other bytes")
	}
}

// The bytes of version 1, with and without a digest. Programs that read them exist: do
// not change them. The digest was computed in Python:
//
//	h = hashlib.sha256(architecture.encode()) # with 64 zeros in place of the digest
//	for name in sorted(tensors):
//	    h.update(("\n" + name + " " + hashlib.sha256(tensors[name]).hexdigest()).encode())
func TestBytes(t *testing.T) {
	w, b := nn.NewParam[float32]("W", 2, 1), nn.NewParam[float32]("b", 1)
	copy(w.Value.Data, []float32{1, -2})
	b.Value.Data[0] = 0.5
	net := nn.NewSequential[float32](nn.AffineOf(w, b), nn.NewReLU[float32]())
	const (
		begin  = `{"__metadata__":{"chainrule":"{\"version\":1,`
		digest = `\"sha256\":\"e3db1fa5ca16258682ae2dac6e2e06fe677e1c145ebcf15b225487f9b1b05065\",`
		end    = `\"input\":[2],\"layers\":[` +
			`{\"name\":\"Affine1\",\"kind\":\"Affine\",\"in\":2,\"out\":1},{\"name\":\"ReLU1\",\"kind\":\"ReLU\"}]}"},` +
			`"Affine1.W":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},"Affine1.b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}   `
		data = "\x00\x00\x80\x3f\x00\x00\x00\xc0\x00\x00\x00\x3f"
	)
	if got, want := mustWrite(t, net, 2), fileOf(begin+digest+end, data); !bytes.Equal(got, want) {
		t.Errorf("got\n%q, want\n%q", got, want)
	}
	old := mustRead[float32](t, fileOf(begin+end, data))
	sameLayers(t, old.Net, net)
	if !old.Unverified {
		t.Error("a file without a digest counts as verified")
	}
	if mustRead[float32](t, fileOf(begin+digest+end, data)).Unverified {
		t.Error("a file with a digest counts as unverified")
	}
}

// Whichever bit of a saved file flips, it is not loaded.
func TestEveryFlippedBitIsSeen(t *testing.T) {
	file := mustWrite(t, everyKind[float32](), 3)
	for i := range file {
		for bit := range 8 {
			file[i] ^= 1 << bit
			if _, err := Read[float32](bytes.NewReader(file), "flipped"); err == nil {
				t.Errorf("byte %d, bit %d flipped: %q is loaded", i, bit, file[max(0, i-20):min(len(file), i+20)])
			}
			file[i] ^= 1 << bit
		}
	}
}

// Every bit of a weight is kept: signs of zero, subnormals, the payload of NaN.
func TestAnyWeight(t *testing.T) {
	p := nn.NewParam[float64]("W", 1, 8)
	for i, bits := range []uint64{0, 1 << 63, 1, 0x7ff0_0000_0000_0000, 0xfff0_0000_0000_0000, 0x7ff8_0000_0000_0001, 0xfff7_1234_5678_9abc, 0x3ff0_0000_0000_0000} {
		p.Value.Data[i] = math.Float64frombits(bits)
	}
	net := nn.NewSequential[float64](nn.AffineOf(p, nn.NewParam[float64]("b", 8)))
	sameLayers(t, mustRead[float64](t, mustWrite(t, net, 1)).Net, net)
}

// A tensor larger than the pieces it is written in.
func TestLarge(t *testing.T) {
	net := nn.NewSequential[float32](nn.NewAffine[float32](301, 211, random()))
	sameLayers(t, mustRead[float32](t, mustWrite(t, net, 301)).Net, net)
}

func TestConcurrent(t *testing.T) {
	net := everyKind[float32]()
	path := filepath.Join(t.TempDir(), "net.safetensors")
	if err := Save(path, net, 3); err != nil {
		t.Fatal(err)
	}
	shared, err := Load[float32](path)
	if err != nil {
		t.Fatal(err)
	}
	x := tensor.New[float32](5, 3)
	fill(x, random())
	want := net.Forward(nil, x)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			m, err := Load[float32](path)
			if err != nil {
				t.Error(err)
				return
			}
			for _, net := range []*nn.Sequential[float32]{m.Net, shared.Net} {
				if y := net.Forward(nil, x); !slices.Equal(y.Data, want.Data) {
					t.Error("another prediction")
				}
			}
			if err := Write(io.Discard, shared.Net, 3); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}
