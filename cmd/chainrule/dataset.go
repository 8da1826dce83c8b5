package main

import (
	"context"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/chainrule-go/chainrule/data"
)

// dataOptions are the flags of train that name the data.
type dataOptions struct {
	dir folder
}

// flags adds the flags to cmd.
func (o *dataOptions) flags(cmd *cobra.Command) { dataFlag(cmd, &o.dir) }

// dataset is what a network is trained on.
type dataset struct {
	train, validation, test data.Samples[float32] // validation is nil if there is none

	shapes      [][]int // that a sample may have: an image with its channels, or a row
	input       []int   // the shape of a sample
	outputs     int     // of the network: the classes
	guess       float64 // the accuracy on the test set of naming the same class each time
	preparation *data.Preparation
	sha256      string // of the data; "" is that of the samples
}

// load reads the data.
func (o *dataOptions) load(ctx context.Context, a *app) (*dataset, error) {
	trainSet, testSet, err := data.LoadMNISTPixels[float32](ctx, a.mnist(string(o.dir)))
	if err != nil {
		return nil, err
	}
	return &dataset{
		train: trainSet, test: testSet,
		shapes: [][]int{{1, 28, 28}, {mnistPixels}}, input: []int{mnistPixels},
		outputs: mnistClasses, guess: mostFrequent(testSet.T),
	}, nil
}

// reshape gives the samples one of the shapes that they may have.
func (s *dataset) reshape(input []int) {
	s.input = input
	for _, samples := range []*data.Samples[float32]{&s.train, &s.validation, &s.test} {
		if images, ok := (*samples).(data.Pixels[float32]); ok {
			images.Shape = input
			*samples = images
		}
	}
}

// notOverwritten refuses an output file that would replace the data, or could.
func (o *dataOptions) notOverwritten(out string) error {
	if o.dir == "" {
		return nil
	}
	in, err := os.Stat(string(o.dir))
	if folder, errOut := os.Stat(filepath.Dir(out)); err == nil && errOut == nil && os.SameFile(in, folder) {
		return usagef("--out %s is in the folder of --data, whose files it could replace", quoted(out))
	}
	// A link from elsewhere leads there too.
	files, _ := os.ReadDir(string(o.dir))
	for _, f := range files {
		if err := notInput("--out", out, filepath.Join(string(o.dir), f.Name())); err != nil {
			return err
		}
	}
	return nil
}

// mostFrequent is the share of the most frequent of the labels.
func mostFrequent(labels []int) float64 {
	count := map[int]int{}
	most := 0
	for _, t := range labels {
		count[t]++
		most = max(most, count[t])
	}
	return float64(most) / float64(len(labels))
}

// mnist says where to look for MNIST, and reports where it was found only if
// that is worth a line.
func (a *app) mnist(dir string) data.MNISTSource {
	return data.MNISTSource{Dir: dir, Log: a.logf}
}
