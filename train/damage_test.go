package train

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/optim"
	"github.com/chainrule-go/chainrule/tensor"
)

// smallState is a state whose checkpoint has some thousand bytes.
func smallState() *State[float32] {
	rng := Random(1, "weights")
	net := nn.NewSequential[float32](nn.NewAffine[float32](3, 4, rng), nn.NewReLU[float32](), nn.NewAffine[float32](4, 2, rng))
	return &State[float32]{Net: net, Optimizer: optim.NewMomentum(net.Params(), 0.1, 0.9), Pass: &nn.Pass[float32]{Step: 7}, More: &progress{}}
}

// checkpointBytes is the checkpoint of a state.
func checkpointBytes(t testing.TB, s *State[float32]) []byte {
	path := filepath.Join(t.TempDir(), "checkpoint")
	if err := s.Save(path); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestEveryFlippedBitOfACheckpointIsSeen, and every missing end.
func TestEveryFlippedBitOfACheckpointIsSeen(t *testing.T) {
	file := checkpointBytes(t, smallState())
	s := smallState()
	if err := s.read(bytes.NewReader(file)); err != nil {
		t.Fatal(err)
	}
	for i := range file {
		for bit := range 8 {
			file[i] ^= 1 << bit
			if s.read(bytes.NewReader(file)) == nil {
				t.Errorf("bit %d of byte %d of %d flipped is not seen", bit, i, len(file))
			}
			file[i] ^= 1 << bit
		}
		if s.read(bytes.NewReader(file[:i])) == nil {
			t.Errorf("a file cut off after %d of %d bytes is not seen", i, len(file))
		}
	}
	t.Logf("%d flipped bits", 8*len(file))
}

// FuzzCheckpoint: what is read is a whole checkpoint or an error, and an error changes
// nothing.
func FuzzCheckpoint(f *testing.F) {
	file := checkpointBytes(f, smallState())
	f.Add(file)
	f.Add(file[:len(file)/2])
	f.Add([]byte(`{}`))
	f.Add(append([]byte{60, 0, 0, 0, 0, 0, 0, 0}, []byte(`{"__metadata__":{"chainrule.checkpoint":"{\"version\":1}"}}    `)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		s := smallState()
		s.Net.Params()[0].Value.Data[0] = 42
		before := checkpointBytes(t, s)
		if s.read(bytes.NewReader(b)) != nil && !bytes.Equal(checkpointBytes(t, s), before) {
			t.Error("an error changes the state")
		}
	})
}

// FuzzDir: whatever is in a folder, it is opened or it is an error.
func FuzzDir(f *testing.F) {
	f.Add([]byte(`{"lr":0.1}`), []byte(`{"epoch":1,"step":4,"layers":[{"name":"a"}],"metrics":{"f1":null}}`+"\n{\"epoch\""), "step-000000004.safetensors", []byte{})
	f.Add([]byte(`[]`), []byte("\n\n"), "step-000000000000000000.safetensors", []byte("x"))
	f.Fuzz(func(t *testing.T, config, log []byte, name string, checkpoint []byte) {
		path := t.TempDir()
		os.Mkdir(filepath.Join(path, checkpointFolder), 0o777)
		os.WriteFile(filepath.Join(path, ConfigFile), config, 0o666)
		os.WriteFile(filepath.Join(path, LogFile), log, 0o666)
		if filepath.Base(name) == name {
			os.WriteFile(filepath.Join(path, checkpointFolder, name), checkpoint, 0o666)
		}
		d, err := OpenDir(path, map[string]any{"lr": 0.1})
		if err != nil {
			return
		}
		defer d.Close()
		if _, err := load(d, smallState(), func(string, ...any) {}); err != nil {
			return
		}
		if l, err := d.openLog(4); err == nil {
			l.close()
		}
	})
}

// TestEpochAsJSON comes back as it was.
func TestEpochAsJSON(t *testing.T) {
	e := unmeasured(6, 4)
	e.Loss, e.Best = 0.1, true
	e.Layers = []LayerHealth{{"Affine1", 0.5, orNaN(nil)}}
	e.Metrics = map[string]float64{"f1": 0.25}
	text, err := e.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"epoch":1.5,"step":6,"loss":0.1,"best":true,"layers":[{"name":"Affine1","gradient_norm":0.5}],"metrics":{"f1":0.25}}`
	if string(text) != want {
		t.Errorf("%s\nwant %s", text, want)
	}
	var back Epoch
	if err := back.UnmarshalJSON(text); err != nil {
		t.Fatal(err)
	}
	if again, _ := back.MarshalJSON(); string(again) != want {
		t.Errorf("%s\nwant %s", again, want)
	}
}

// TestHealth on a batch of known gradients and dead units.
func TestHealth(t *testing.T) {
	net := nn.NewSequential[float32](nn.NewAffine[float32](1, 2, Random(1, "weights")), nn.NewReLU[float32]())
	w := net.Params()[0]
	w.Value.Data[0], w.Value.Data[1] = 1, -1 // the second unit is 0 for positive inputs
	net.Params()[1].Value.Data[0], net.Params()[1].Value.Data[1] = 0, 0
	step := NewStep[float32](net, nn.NewMeanSquaredError[float32](), optim.NewSGD(net.Params(), 0.1))
	step.health = newHealth[float32](net)
	x := tensor.Of([]float32{1, 2}, 2, 1)
	y := tensor.Of([]float32{0, 0, 1, 0}, 2, 2)
	if _, err := step.Do(x, nn.Values(y)); err != nil {
		t.Fatal(err)
	}
	affine, relu := step.health.layers[0], step.health.layers[1]
	// y - t is (1, 0) and (1, 0); the loss is the mean over all 4 elements of (y - t)², so
	// dy is (0.5, 0) twice: dW = (0.5 + 1, 0) and db = (1, 0), whose norm is the root of 3.25.
	if d := affine.GradientNorm*affine.GradientNorm - 3.25; d > 1e-6 || d < -1e-6 || relu.Dead != 0.5 {
		t.Errorf("norm² %v, dead %v, want 3.25 and 0.5", affine.GradientNorm*affine.GradientNorm, relu.Dead)
	}
}
