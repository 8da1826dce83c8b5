package train

import (
	"fmt"

	"github.com/chainrule-go/chainrule/tensor"
)

// A saver writes checkpoints beside the training, one at a time.
type saver[T tensor.Float] struct {
	dir    *Dir
	keep   int
	log    *runLog
	warn   func(format string, args ...any)
	copy   *snapshot[T] // whose memory is used again
	done   chan saved   // the result of the one under way; nil if there is none
	warned bool
}

// saved is what became of a checkpoint, and of those before it that are too old.
type saved struct{ err, pruning error }

// busy reports whether a checkpoint is being written, or the error of the last one.
func (s *saver[T]) busy() (bool, error) {
	if s.done == nil {
		return false, nil
	}
	select {
	case result := <-s.done:
		return false, s.end(result)
	default:
		return true, nil
	}
}

// wait waits for the checkpoint that is being written.
func (s *saver[T]) wait() error {
	if s.done == nil {
		return nil
	}
	return s.end(<-s.done)
}

// end takes the result of the checkpoint under way. That an old one cannot be removed ends
// no run.
func (s *saver[T]) end(result saved) error {
	s.done = nil
	if result.pruning != nil && !s.warned {
		s.warned = true
		s.warn("removing an old checkpoint: %v; it stays, remove it by hand", result.pruning)
	}
	return result.err
}

// begin copies the state after a step, and begins to write it. There is none under way.
func (s *saver[T]) begin(state *State[T], step int) (err error) {
	if s.copy, err = state.snapshot(s.copy); err != nil {
		return err
	}
	s.done = make(chan saved, 1)
	go func() { s.done <- s.write(step) }()
	return nil
}

// write writes the copy, and removes what is too old only then. What is on the disk of the
// log is never less than what the checkpoint has seen.
func (s *saver[T]) write(step int) saved {
	if err := s.log.sync(); err != nil {
		return saved{err: fmt.Errorf("flushing the log of the run: %w", err)}
	}
	if err := s.copy.save(s.dir.checkpoint(step).path); err != nil {
		return saved{err: fmt.Errorf("saving a checkpoint: %w", err)}
	}
	return saved{pruning: s.dir.prune(step, s.keep)}
}
