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

// A Model is the content of a model file.
type Model[T tensor.Float] struct {
	Net   *nn.Sequential[T]
	Input []int // the shape of one sample, such as [784], without the batch axis

	// Preparation says how samples become inputs, and what the outputs mean. It is nil if the
	// file does not say. [Model.Samples] applies it.
	Preparation *data.Preparation

	// Training is what the training recorded about itself: a JSON object of at most 65,536
	// bytes, which this package does not interpret. Nil is none.
	Training json.RawMessage

	// Unverified is set when a file without a SHA-256 was read, such as a file of another
	// program. Damage to its weights may go unnoticed.
	Unverified bool
}

// Save writes net to the file at path. input is the shape of one sample, without the batch
// axis. It is [Model.Save] for a model without Preparation and Training.
func Save[T tensor.Float](path string, net *nn.Sequential[T], input ...int) error {
	return (&Model[T]{Net: net, Input: input}).Save(path)
}

// Write is [Save] to w.
func Write[T tensor.Float](w io.Writer, net *nn.Sequential[T], input ...int) error {
	return (&Model[T]{Net: net, Input: input}).Write(w)
}

// Save writes the model to the file at path. The file is replaced as a whole: if anything
// fails, the old file remains.
//
// If [Load] could not return the same network, it is an error that names the layer: because
// the kind of a layer is not known ([nn.Register]), or because the layers do not take such
// samples. It is also an error if the Preparation or the Training could not be loaded.
// Gradients are not saved.
func (m *Model[T]) Save(path string) error { return atomicfile.Write(path, m.Write) }

// Write is [Model.Save] to w. The same model gives the same bytes, everywhere.
func (m *Model[T]) Write(w io.Writer) error {
	architecture, tensors, err := describe(m)
	if err != nil {
		return err
	}
	return safetensors.Write(w, architectureKey, architecture, tensors)
}

// Load reads the file at path. Its elements must have type T: F32 in the file is float32,
// and F64 is float64. The network predicts the same bits as the saved one. Shared
// parameters are shared again. All Grad are zero.
//
// A file that does not follow the format gives a [*FormatError]. Weights may be any
// numbers, also NaN, so that a training that diverged can be saved and examined.
func Load[T tensor.Float](path string) (*Model[T], error) {
	f, err := inputfile.Open(context.Background(), path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return Read[T](f, path)
}

// Read is [Load] from r, to its end. name is its name in errors. It allocates memory for
// the bytes that arrive, not for the sizes that the file states.
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

// A FormatError says where and how a file does not follow the format of docs/FORMAT.md.
type FormatError struct {
	Name    string // the file
	Field   string // a part of the file, such as `tensor "Affine1.W": data_offsets`
	Problem string // what is wrong there, and what to do if that is known
	Err     error  // the reason, such as a *[tensor.ShapeError]; or nil
}

func (e *FormatError) Error() string { return e.Name + ": " + e.Field + ": " + e.Problem }

// Unwrap returns e.Err.
func (e *FormatError) Unwrap() error { return e.Err }
