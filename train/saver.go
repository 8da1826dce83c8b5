package train

import (
	"fmt"

	"github.com/chainrule-go/chainrule/tensor"
)

// A saver writes checkpoints beside the training, one at a time.
type saver[T tensor.Float] struct {
	dir  *Dir
	keep int
	log  *runLog
	copy *snapshot[T] // whose memory is used again
	done chan error   // the result of the one under way; nil if there is none
}

// busy reports whether a checkpoint is being written, or the error of the last one.
func (s *saver[T]) busy() (bool, error) {
	if s.done == nil {
		return false, nil
	}
	select {
	case err := <-s.done:
		s.done = nil
		return false, err
	default:
		return true, nil
	}
}

// wait waits for the checkpoint that is being written.
func (s *saver[T]) wait() (err error) {
	if s.done != nil {
		err = <-s.done
		s.done = nil
	}
	return err
}

// begin copies the state after a step, and begins to write it. There is none under way.
func (s *saver[T]) begin(state *State[T], step int) (err error) {
	if s.copy, err = state.snapshot(s.copy); err != nil {
		return err
	}
	s.done = make(chan error, 1)
	go func() { s.done <- s.write(step) }()
	return nil
}

// write writes the copy, and removes what is too old only then. What is on the disk of the
// log is never less than what the checkpoint has seen.
func (s *saver[T]) write(step int) error {
	if err := s.log.sync(); err != nil {
		return fmt.Errorf("flushing the log of the run: %w", err)
	}
	if err := s.copy.save(s.dir.checkpoint(step).path); err != nil {
		return fmt.Errorf("saving a checkpoint: %w", err)
	}
	return s.dir.prune(step, s.keep)
}
