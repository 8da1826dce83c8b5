package model

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/internal/atomicfile"
	"github.com/chainrule-go/chainrule/internal/inputfile"
	"github.com/chainrule-go/chainrule/internal/safetensors"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// A Model is what a file holds.
type Model[T tensor.Float] struct {
	Net   *nn.Sequential[T]
	Input []int // the shape of one sample, such as [784], without the batch axis

	// Preparation is how samples become inputs, and what the outputs are called; nil if
	// the file does not say. [Model.Samples] applies it.
	Preparation *data.Preparation

	// Training is what the training recorded of itself, a JSON object of at most
	// 65,536 bytes, which this package does not look into; nil is none.
	Training json.RawMessage

	// Unverified says of a model that was read that its file holds no SHA-256, as those
	// of other programs do, so that damage to its weights may go unnoticed.
	Unverified bool
}

// Save writes net to the file at path, input being the shape of one sample,
// without the batch axis; it is [Model.Save] of a model of these two alone.
func Save[T tensor.Float](path string, net *nn.Sequential[T], input ...int) error {
	return (&Model[T]{Net: net, Input: input}).Save(path)
}

// Write is [Save] to w.
func Write[T tensor.Float](w io.Writer, net *nn.Sequential[T], input ...int) error {
	return (&Model[T]{Net: net, Input: input}).Write(w)
}

// Save writes the model to the file at path. The file is replaced as a whole: if anything
// fails, it is as before.
//
// It is an error that names the layer if [Load] could not return the same network: if a
// layer is of no known kind ([nn.Register]), or the layers do not take such samples. So it
// is if the Preparation or the Training could not be loaded. The gradients are not saved.
func (m *Model[T]) Save(path string) error { return atomicfile.Write(path, m.Write) }

// Write is [Model.Save] to w. The same model gives the same bytes, everywhere.
func (m *Model[T]) Write(w io.Writer) error {
	architecture, tensors, err := describe(m)
	if err != nil {
		return err
	}
	return safetensors.Write(w, architectureKey, architecture, tensors)
}

// Load reads the file at path. Its elements must be of type T: float32 is F32 in the
// file, float64 is F64. The network predicts the same bits as the one that was saved,
// shared parameters are shared again, and all Grad are zero.
//
// A file that departs from the format is a [*FormatError]. Weights may be any numbers,
// NaN included: a training that diverged can be saved and examined.
func Load[T tensor.Float](path string) (*Model[T], error) {
	f, err := inputfile.Open(context.Background(), path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return Read[T](f, path)
}

// Read is [Load] from r, to its end; errors call it by name. It takes memory for the
// bytes that arrive, not for the sizes that the file states.
func Read[T tensor.Float](r io.Reader, name string) (*Model[T], error) {
	m, err := read[T](r)
	if e, ok := errors.AsType[*safetensors.Error](err); ok {
		return nil, &FormatError{name, e.Field, e.Problem, e.Err}
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return m, nil
}

func read[T tensor.Float](r io.Reader) (*Model[T], error) {
	h, err := safetensors.ReadHeader[T](r, architectureKey)
	if err != nil {
		return nil, err
	}
	if !h.Found {
		return nil, safetensors.Fail(safetensors.MetadataKey, "want the architecture of the network under %q, got nothing: "+
			"this is a plain weights file; docs/FORMAT.md says what to add", architectureKey)
	}
	return build[T](h, r)
}

// A FormatError says where a file departs from the format of docs/FORMAT.md.
type FormatError struct {
	Name    string // the file
	Field   string // the part of it, such as `tensor "Affine1.W": data_offsets`
	Problem string // what is wrong there, and what to do if that is known
	Err     error  // the reason, such as a *[tensor.ShapeError]; or nil
}

func (e *FormatError) Error() string { return e.Name + ": " + e.Field + ": " + e.Problem }

// Unwrap returns e.Err.
func (e *FormatError) Unwrap() error { return e.Err }
