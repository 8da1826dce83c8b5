package train

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/internal/atomicfile"
	"github.com/chainrule-go/chainrule/internal/inputfile"
	"github.com/chainrule-go/chainrule/internal/safetensors"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/optim"
	"github.com/chainrule-go/chainrule/tensor"
)

// A State is everything that changes in a training. It can be saved to a checkpoint. After
// the checkpoint is loaded, also in another process, the training continues and ends with
// the same bits as without the interruption.
//
//	state := train.State[float32]{Net: net, Optimizer: optimizer, Pass: pass, Batches: batches}
//	if err := state.Load(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
//		return err
//	}
//	for optimizer.Steps < 10_000 {
//		... // a step
//		if optimizer.Steps%100 == 0 {
//			err := state.Save(path)
//			...
//		}
//	}
//
// [Run] does this by itself.
type State[T tensor.Float] struct {
	Net       nn.Layer[T]         // saved: its parameters and the state of its layers
	Optimizer *optim.Optimizer[T] // of parameters of Net; saved: its state, Steps and LR; or nil
	Pass      *nn.Pass[T]         // saved: its Step, on which random layers depend; or nil
	Batches   *data.Batcher[T]    // saved: their position; or nil
	More      any                 // a pointer to a value of the caller, saved as JSON; or nil

	run  string // the run to which checkpoints belong
	best *best[T]
}

// Save writes the state to a checkpoint at path. The file is replaced as a whole: if
// anything fails, even the power, the old file remains.
func (s *State[T]) Save(path string) error {
	c, err := s.snapshot(nil)
	if err != nil {
		return err
	}
	return c.save(path)
}

// Load sets the state from the checkpoint at path. It is an error if the checkpoint is
// damaged (a [*CheckpointError]), or if it was saved with another network, optimizer or
// order of batches; then s does not change.
func (s *State[T]) Load(path string) error {
	f, err := inputfile.Open(context.Background(), path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := s.read(f); err != nil {
		return fmt.Errorf("checkpoint %s: %w", path, err)
	}
	return nil
}

// A CheckpointError says that a file is damaged, or not a checkpoint.
type CheckpointError struct{ Err error }

func (e *CheckpointError) Error() string { return "it is damaged, or no checkpoint: " + e.Err.Error() }

// Unwrap returns e.Err.
func (e *CheckpointError) Unwrap() error { return e.Err }

// checkpointKey is the key of the text of a checkpoint in the metadata of the file.
const (
	checkpointKey     = "chainrule.checkpoint"
	checkpointVersion = 1
	maxCheckpointText = 1 << 20
)

// checkpointText is the part of a checkpoint without the arrays.
type checkpointText struct {
	Version   int             `json:"version"`
	SHA256    string          `json:"sha256"`
	Run       string          `json:"run,omitempty"` // the SHA-256 of its configuration
	Pass      uint64          `json:"pass,omitempty"`
	Batches   *batchesText    `json:"batches,omitempty"`
	Optimizer *optimizerText  `json:"optimizer,omitempty"`
	More      json.RawMessage `json:"more,omitempty"`
}

type batchesText struct {
	Samples int    `json:"samples"`
	Size    int    `json:"size"`
	Seed    uint64 `json:"seed"`
	Epoch   int    `json:"epoch"`
	Batch   int    `json:"batch"`
}

type optimizerText struct {
	LR       float64         `json:"lr"`
	Steps    int             `json:"steps"`
	Settings json.RawMessage `json:"settings"` // must be the same when a run continues
}

// optimizerSettings are the settings of an optimizer, except its learning rate.
type optimizerSettings struct {
	Rule      string  `json:"rule"`
	Of        any     `json:"of"`
	Schedule  string  `json:"schedule,omitempty"`
	ClipNorm  float64 `json:"clip_norm,omitempty"`
	ClipValue float64 `json:"clip_value,omitempty"`
	Decay     float64 `json:"decay,omitempty"`
	Decoupled bool    `json:"decoupled,omitempty"`

	Groups map[string]groupSettings `json:"groups,omitempty"` // the parameters in groups
}

// groupSettings are the settings of a parameter in an [optim.Group].
type groupSettings struct {
	Rate   float64 `json:"rate"`
	Decay  float64 `json:"decay"`
	Frozen bool    `json:"frozen"`
}

// optimizerTextOf describes an optimizer. paths are the paths of its parameters.
func optimizerTextOf[T tensor.Float](o *optim.Optimizer[T], paths map[*nn.Param[T]]string) (*optimizerText, error) {
	s := optimizerSettings{ruleName(o.Rule), o.Rule, "", o.ClipNorm, o.ClipValue, o.Decay, o.Decoupled, map[string]groupSettings{}}
	if o.Schedule != nil {
		s.Schedule = o.Schedule.String()
	}
	for _, p := range o.Params() {
		if g := o.GroupOf(p); g != nil && *g != (optim.Group{Rate: 1, Decay: o.Decay}) {
			s.Groups[paths[p]] = groupSettings{g.Rate, g.Decay, g.Frozen}
		}
	}
	text, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("the settings of the optimizer: %w", err)
	}
	return &optimizerText{o.LR, o.Steps, text}, nil
}

// text describes s; the digest is still blank.
func (s *State[T]) text() (c checkpointText, err error) {
	c = checkpointText{Version: checkpointVersion, SHA256: safetensors.Blank, Run: s.run}
	if s.Pass != nil {
		c.Pass = s.Pass.Step
	}
	if s.Batches != nil {
		c.Batches = &batchesText{}
		c.Batches.Samples, c.Batches.Size, c.Batches.Seed = s.Batches.Settings()
		c.Batches.Epoch, c.Batches.Batch = s.Batches.Position()
	}
	if s.Optimizer != nil {
		if c.Optimizer, err = optimizerTextOf(s.Optimizer, nn.ParamPaths(s.Net)); err != nil {
			return c, err
		}
	}
	if s.More != nil {
		if c.More, err = json.Marshal(s.More); err != nil {
			return c, fmt.Errorf("State.More: %w", err)
		}
	}
	return c, nil
}

// ruleName returns the type of a rule without its type parameters, such as optim.Adam.
func ruleName(rule any) string {
	name, _, _ := strings.Cut(fmt.Sprintf("%T", rule), "[")
	return strings.TrimPrefix(name, "*")
}

// tensors returns the arrays of s, not copies, with their names in a checkpoint.
func (s *State[T]) tensors() (all []safetensors.Tensor[T], err error) {
	seen := map[string]bool{}
	add := func(name string, t *tensor.Tensor[T]) {
		if seen[name] && err == nil {
			err = fmt.Errorf("train: two arrays have the name %q: give the layers or their parameters names of their own", name)
		}
		seen[name] = true
		all = append(all, safetensors.Tensor[T]{Name: name, Tensor: t})
	}
	for _, t := range netTensors(s.Net) {
		add("network."+t.Name, t.Tensor)
	}
	if s.Optimizer != nil {
		paths := nn.ParamPaths(s.Net)
		for _, state := range s.Optimizer.State() {
			add("optimizer."+state.Name+"."+paths[state.Param], state.Value)
		}
	}
	if s.best != nil {
		for i, t := range netTensors(s.Net) {
			add("best."+t.Name, s.best.tensors[i])
		}
	}
	return all, err
}

// netTensors returns the parameters of a network and the state of its layers by path.
func netTensors[T tensor.Float](net nn.Layer[T]) (all []safetensors.Tensor[T]) {
	paths := nn.ParamPaths(net)
	for _, p := range net.Params() {
		all = append(all, safetensors.Tensor[T]{Name: paths[p], Tensor: p.Value})
	}
	for path, state := range nn.States(net) {
		all = append(all, safetensors.Tensor[T]{Name: path.String(), Tensor: state})
	}
	return all
}

// A snapshot is a copy of a State that is written while the training continues.
type snapshot[T tensor.Float] struct {
	text    []byte
	tensors []safetensors.Tensor[T]
}

// snapshot copies s. It uses the memory of an older snapshot, unless old is nil.
func (s *State[T]) snapshot(old *snapshot[T]) (*snapshot[T], error) {
	text, err := s.text()
	if err != nil {
		return nil, err
	}
	live, err := s.tensors()
	if err != nil {
		return nil, err
	}
	if old == nil || len(old.tensors) != len(live) {
		old = &snapshot[T]{tensors: slices.Clone(live)}
		for i, t := range live {
			old.tensors[i].Tensor = t.Clone()
		}
	}
	for i, t := range live {
		copy(old.tensors[i].Data, t.Data)
	}
	old.text, err = json.Marshal(text)
	return old, err
}

// save writes the snapshot to the file at path.
func (c *snapshot[T]) save(path string) error {
	text, err := safetensors.WithDigest(string(c.text), c.tensors)
	if err != nil {
		return err
	}
	return atomicfile.Replace(path, func(w io.Writer) error {
		return safetensors.Write(w, checkpointKey, text, c.tensors)
	})
}

// read sets s from the checkpoint in r.
func (s *State[T]) read(r io.Reader) error {
	h, text, err := readCheckpointText[T](r)
	if err != nil {
		return damaged(err)
	}
	if err := s.fits(text); err != nil {
		return err
	}
	live, err := s.tensors()
	if err != nil {
		return err
	}
	read, err := match(live, h.Entries)
	if err != nil {
		return err
	}
	sums, err := safetensors.ReadData(r, h.Entries, read)
	if err != nil {
		return damaged(err)
	}
	if safetensors.Digest(h.Text, text.SHA256, sums) != text.SHA256 {
		return &CheckpointError{errors.New("its SHA-256 is not that of its contents")}
	}
	// After this, nothing can fail. So the caller's own value, which can, comes first.
	if s.More != nil && text.More != nil {
		if err := json.Unmarshal(text.More, s.More); err != nil {
			return fmt.Errorf("State.More: %w", err)
		}
	}
	if s.Batches != nil {
		if err := s.Batches.Seek(text.Batches.Epoch, text.Batches.Batch); err != nil {
			return err
		}
	}
	for _, t := range live {
		copy(t.Data, read[t.Name].Data)
	}
	if s.Pass != nil {
		s.Pass.Step = text.Pass
	}
	if s.Optimizer != nil {
		s.Optimizer.LR, s.Optimizer.Steps = text.Optimizer.LR, text.Optimizer.Steps
	}
	return nil
}

// damaged marks an error in the contents of a file, as opposed to an error in reading it.
func damaged(err error) error {
	if _, ok := errors.AsType[*safetensors.Error](err); ok {
		return &CheckpointError{err}
	}
	return err
}

// readCheckpointText reads the header of a checkpoint.
func readCheckpointText[T tensor.Float](r io.Reader) (h *safetensors.Header, text checkpointText, err error) {
	if h, err = safetensors.ReadHeader[T](r, checkpointKey); err != nil {
		return nil, text, err
	}
	fail := func(problem string, args ...any) (*safetensors.Header, checkpointText, error) {
		return nil, text, safetensors.Fail(safetensors.MetadataKey+": "+checkpointKey, problem, args...)
	}
	if !h.Found || len(h.Text) > maxCheckpointText {
		return fail("want the description of a checkpoint of at most %d bytes, got %d", maxCheckpointText, len(h.Text))
	}
	dec := json.NewDecoder(strings.NewReader(h.Text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&text); err != nil {
		return fail("%v", err)
	}
	if text.Version != checkpointVersion {
		return fail("want version %d, got %d: a newer program may have written it", checkpointVersion, text.Version)
	}
	if len(text.SHA256) != len(safetensors.Blank) {
		return fail("want a SHA-256 of %d digits, got %q", len(safetensors.Blank), text.SHA256)
	}
	return h, text, nil
}

// fits returns an error unless the checkpoint can be loaded into s.
func (s *State[T]) fits(c checkpointText) error {
	now, err := s.text()
	if err != nil {
		return err
	}
	if c.Run != now.Run {
		return errors.New("it belongs to a run with another configuration")
	}
	if (c.Batches == nil) != (now.Batches == nil) || (c.Optimizer == nil) != (now.Optimizer == nil) {
		return errors.New("it was saved with other parts of a State than are set now")
	}
	if a, b := c.Batches, now.Batches; a != nil {
		for _, v := range []struct {
			what      string
			then, now any
		}{
			{"samples in the training set", a.Samples, b.Samples},
			{"samples in a batch", a.Size, b.Size},
			{"as the seed of their order", a.Seed, b.Seed},
		} {
			if v.then != v.now {
				return fmt.Errorf("it was saved with %v %s, and now there are %v: go on with what it began with", v.then, v.what, v.now)
			}
		}
	}
	if a, b := c.Optimizer, now.Optimizer; a != nil {
		if e := difference("optimizer", a.Settings, b.Settings); e != nil {
			return e
		}
	}
	return nil
}

// match returns an array to read into for each entry. The entries must be the arrays of the
// state.
func match[T tensor.Float](live []safetensors.Tensor[T], entries []safetensors.Entry) (map[string]*tensor.Tensor[T], error) {
	read := map[string]*tensor.Tensor[T]{}
	shapes := map[string][]int{}
	for _, t := range live {
		shapes[t.Name] = t.Shape
	}
	for _, e := range entries {
		shape, ok := shapes[e.Name]
		if !ok || read[e.Name] != nil {
			return nil, fmt.Errorf("it has an array %q, and what is trained now does not: it is of another network or optimizer", e.Name)
		}
		if !slices.Equal(shape, e.Shape) {
			return nil, fmt.Errorf("its array %q has the shape %s, and now it is %s: it is of another network", e.Name, tensor.FormatShape(e.Shape), tensor.FormatShape(shape))
		}
		read[e.Name] = &tensor.Tensor[T]{Shape: shape}
	}
	for _, t := range live {
		if read[t.Name] == nil {
			return nil, fmt.Errorf("it has no array %q: it is of another network or optimizer", t.Name)
		}
	}
	return read, nil
}
