package bench

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/tensor"
)

type set = data.Set[float32]

// inputs are what workloads work on, made when first asked for.
type inputs struct {
	Config
	ctx context.Context

	train, test    data.MNISTSplit
	images, random set
	dir            string // of the compressed files
}

// load loads MNIST.
func (in *inputs) load() (err error) {
	if in.train.Images == nil {
		in.train, in.test, err = in.MNIST.Load(in.ctx)
	}
	return err
}

// mnist returns the training images of MNIST.
func (in *inputs) mnist() (set, error) {
	if err := in.load(); err != nil {
		return set{}, err
	}
	if in.images.Len() == 0 {
		in.images = data.NewPixels[float32](in.train).Set()
	}
	return in.images, nil
}

// dense returns as many samples without a zero, in no order that could be learnt.
func (in *inputs) dense() (set, error) {
	if in.random.Len() == 0 {
		const n = 60_000
		in.random = set{X: tensor.New[float32](n, 784), T: make([]int, n)}
		fill(in.random.X.Data, 3)
		rng := rand.New(rand.NewPCG(4, 0))
		for i := range in.random.T {
			in.random.T[i] = rng.IntN(10)
		}
	}
	return in.random, nil
}

// fill draws from -1 to 1, without 0.
func fill(x []float32, seed uint64) {
	rng := rand.NewPCG(seed, 0)
	for i := range x {
		x[i] = float32(int32(rng.Uint64()>>32)|1) / (1 << 31)
	}
}

// batches are n rows each of a set, where they are; what is left over is not
// used.
func batches(s set, n int) (all []set) {
	for lo := 0; lo+n <= s.Len(); lo += n {
		all = append(all, s.Rows(lo, lo+n))
	}
	return all
}

// compressed returns a folder with MNIST in compressed files, as it is
// distributed, wherever it came from.
func (in *inputs) compressed() (dir string, err error) {
	if in.dir != "" {
		return in.dir, nil
	}
	if err := in.load(); err != nil {
		return "", err
	}
	if in.dir, err = os.MkdirTemp("", "chainrule-bench-"); err != nil {
		return "", err
	}
	var group sync.WaitGroup
	var errs [4]error
	for i, file := range []struct {
		name    string
		content *data.IDX
	}{
		{"train-images-idx3-ubyte.gz", in.train.Images}, {"train-labels-idx1-ubyte.gz", in.train.Labels},
		{"t10k-images-idx3-ubyte.gz", in.test.Images}, {"t10k-labels-idx1-ubyte.gz", in.test.Labels},
	} {
		group.Go(func() { errs[i] = compress(filepath.Join(in.dir, file.name), file.content) })
	}
	group.Wait()
	return in.dir, errors.Join(errs[:]...)
}

func compress(path string, content io.WriterTo) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	z := gzip.NewWriter(f)
	if _, err := content.WriteTo(z); err != nil {
		return err
	}
	return errors.Join(z.Close(), f.Close())
}

// remove removes what was written.
func (in *inputs) remove() {
	if in.dir != "" {
		os.RemoveAll(in.dir)
	}
}
