package hostile

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/chainrule-go/chainrule/model"
	"github.com/chainrule-go/chainrule/nn"
)

// Every flipped bit of a saved model is seen, wherever it is.
func TestFlips(t *testing.T) {
	rng := random()
	nets := []*nn.Sequential[float32]{
		nn.NewSequential[float32](nn.NewAffine[float32](2, 3, rng), nn.NewReLU[float32](), nn.NewDropout[float32](0.5, rng)),
		nn.NewSequential[float32](nn.NewAffine[float32](784, 50, rng), nn.NewReLU[float32](), nn.NewAffine[float32](50, 10, rng)),
		nn.NewSequential[float32](nn.NewSequential[float32](nn.NewAffine[float32](64, 64, rng), nn.NewSigmoid[float32]()), nn.NewAffine[float32](64, 5, rng), nn.NewSoftmax[float32]()),
	}
	inputs := []int{2, 784, 64}
	flips := 0
	for i, net := range nets {
		var file bytes.Buffer
		if err := model.Write(&file, net, inputs[i]); err != nil {
			t.Fatal(err)
		}
		b := file.Bytes()
		if _, err := model.Read[float32](bytes.NewReader(b), "f"); err != nil {
			t.Fatal("the file itself: ", err)
		}
		for range times(200, 4000) {
			at, bit := rng.IntN(len(b)), byte(1)<<rng.IntN(8)
			b[at] ^= bit
			flips++
			if _, err := model.Read[float32](bytes.NewReader(b), "f"); err == nil {
				t.Errorf("network %d: bit %08b of byte %d of %d flipped is not seen", i, bit, at, len(b))
			}
			b[at] ^= bit
		}
	}
	t.Logf("%d flips, each seen unless an error says otherwise", flips)
}

func random() *rand.Rand { return rand.New(rand.NewPCG(1, 3)) }
