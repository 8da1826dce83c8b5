package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/tensor"
	"github.com/chainrule-go/chainrule/train"
)

// labelledSamples reads samples with their targets for the model, from a file, a folder,
// or standard input if path is "-". If the model does not say how they are prepared they
// are a text of numbers: each line a sample and, as the last number, the index of its
// class. labels is the file with the labels of an IDX or npy file, or "".
func labelledSamples[T tensor.Float](ctx context.Context, c *classifier, path, labels string) (data.Set[T], error) {
	return untilDone(ctx, func() (set data.Set[T], err error) { // a pipe
		if c.Preparation == nil && labels != "" {
			return set, usagef("--labels is for an IDX or npy file, and this model takes a text of numbers")
		}
		if c.Preparation == nil {
			f, err := openInput(ctx, path)
			if err != nil {
				return set, err
			}
			defer f.Close()
			x, t, err := readNumbers[T](f, fileName(path), c.pixels, c.classes)
			return data.Set[T]{X: tensor.Of(x, append([]int{len(t)}, c.Input...)...), T: t}, err
		}
		r, err := preparedSamples[T](ctx, c, path, labels)
		if err != nil {
			return set, err
		}
		if !r.Labelled {
			return set, fmt.Errorf("%s lacks what the model predicts; to have it predicted, use chainrule predict", fileName(path))
		}
		set = r.Set()
		set.X = tensor.Of(set.X.Data, append([]int{set.Len()}, c.Input...)...)
		return set, nil
	})
}

// preparedSamples reads samples as the model says that they are prepared.
func preparedSamples[T tensor.Float](ctx context.Context, c *classifier, path, labels string) (*data.Reading[T], error) {
	if path == standardInput && labels == "" {
		f, err := openInput(ctx, path)
		if err != nil {
			return nil, err
		}
		return data.ReadTable[T](f, fileName(path), c.Preparation)
	}
	r, err := data.ReadLabelled[T](ctx, path, labels, c.Preparation)
	return r, ofOptions(err)
}

// ofOptions returns err as a mistake in the usage if other options mend it.
func ofOptions(err error) error {
	if wrong := (*data.OptionError)(nil); errors.As(err, &wrong) {
		return usageError{err}
	}
	return err
}

// randomSamples returns n samples of uniform numbers from 0 to 1, and classes,
// that depend on seed alone: for a model whose own samples are not at hand.
func randomSamples[T tensor.Float](c *classifier, n int, seed uint64) data.Set[T] {
	rng := train.Random(seed, "samples")
	set := data.Set[T]{X: tensor.New[T](append([]int{n}, c.Input...)...), T: make([]int, n)}
	for i := range set.X.Data {
		set.X.Data[i] = T(rng.Float64())
	}
	for i := range set.T {
		set.T[i] = rng.IntN(c.classes)
	}
	return set
}

// readNumbers reads a text of numbers with commas, tabs or spaces between them, for a model
// that does not say how its samples are prepared; for one that does, package data reads
// tables by the names of their columns. A line is a sample: its features, and then, if
// classes is above 0, the index of its class. A first line without any number names the
// columns; empty lines and lines that begin with # are skipped. Errors begin with name:line.
func readNumbers[T tensor.Float](r io.Reader, name string, features, classes int) (x []T, t []int, err error) {
	want, what := features, fmt.Sprintf("%d numbers", features)
	if classes > 0 {
		want, what = features+1, what+" and a class"
	}
	lines := bufio.NewScanner(r)
	longest := max(64*want, 1<<16)
	lines.Buffer(nil, longest)
	number := 0
	fail := func(column int, format string, args ...any) ([]T, []int, error) {
		at := fmt.Sprintf("%s:%d", name, number)
		if column > 0 {
			at += fmt.Sprintf(": column %d", column)
		}
		return nil, nil, fmt.Errorf("%s: %s", at, fmt.Sprintf(format, args...))
	}
	header := true
	for lines.Scan() {
		number++
		line := strings.TrimSpace(strings.TrimPrefix(lines.Text(), "\uFEFF")) // some programs mark UTF-8 so
		if line == "" || line[0] == '#' {
			continue
		}
		got := fields(line)
		if header && namesColumns(got) {
			header = false
			continue
		}
		header = false
		if len(got) != want {
			return fail(0, "want %s a line, got %d", what, len(got))
		}
		for i, s := range got {
			if i == features {
				class, err := strconv.Atoi(s)
				if err != nil || class < 0 || class >= classes {
					return fail(i+1, "want a class from 0 to %d, got %s", classes-1, quotedShort(s))
				}
				t = append(t, class)
				continue
			}
			v, err := parseNumber(s)
			if err != nil {
				return fail(i+1, "%v", err)
			}
			x = append(x, T(v))
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		number++
		return fail(0, "the line is longer than %d bytes; want %s a line", longest, what)
	} else if lines.Err() != nil {
		return nil, nil, fmt.Errorf("reading %s: %w", name, lines.Err())
	}
	if len(x) == 0 {
		return nil, nil, fmt.Errorf("%s holds no samples; want %s a line", name, what)
	}
	return x, t, nil
}

// fields are the parts of a line between commas, or else between tabs and spaces.
func fields(line string) []string {
	if !strings.Contains(line, ",") {
		return strings.Fields(line)
	}
	all := strings.Split(line, ",")
	for i := range all {
		all[i] = strings.TrimSpace(all[i])
	}
	return all
}

// namesColumns reports whether none of the fields is a number.
func namesColumns(fields []string) bool {
	for _, s := range fields {
		if _, err := strconv.ParseFloat(s, 64); err == nil || errors.Is(err, strconv.ErrRange) {
			return false
		}
	}
	return true
}

// parseNumber reads a number that is finite as a float32, which models take.
func parseNumber(s string) (float64, error) {
	v, err := strconv.ParseFloat(s, 64)
	switch {
	case errors.Is(err, strconv.ErrRange) || err == nil && !math.IsInf(v, 0) && math.Abs(v) > math.MaxFloat32:
		return 0, fmt.Errorf("%s is too large; a model takes numbers up to 3.4e38", shortened(s))
	case err != nil || math.IsNaN(v) || math.IsInf(v, 0):
		return 0, fmt.Errorf("want a number, got %s", quotedShort(s))
	}
	return v, nil
}
