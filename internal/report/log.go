package report

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/chainrule-go/chainrule/internal/strictjson"
)

// A Log is what a run said after each epoch: a curve for each number in it.
type Log struct {
	Entries       int
	epochs, steps float64 // at its end
	Curves        []Curve // in the order in which their names came
}

// A Curve is one number of a log, epoch by epoch; epochs without it are left out.
type Curve struct {
	Name          string // the key in the log, such as "train_accuracy"
	Layer         string // of which layer it is; "" for the whole network
	Epochs, Steps []float64
	Values        []float64
}

// What a log may hold.
const (
	longestLog  = 64 << 20 // bytes
	longestLine = 1 << 20
	mostCurves  = 10_000
)

// ReadLog reads a log of JSON lines as package train writes it, an object an epoch. Each
// number in it is a point of a curve, and so are those of the objects "metrics" and of the
// list "layers", whose objects have the name of a layer. Of a line that is cut off at the
// end, as a killed run may leave one, nothing is read. Errors begin with name:line. It
// needs memory for a few times the size of the log.
func ReadLog(r io.Reader, name string) (*Log, error) {
	text, err := io.ReadAll(io.LimitReader(r, longestLog+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	if len(text) > longestLog {
		return nil, fmt.Errorf("%s is larger than a log may be, %d bytes", name, longestLog)
	}
	l := &logReader{at: map[[2]string]int{}}
	for number := 1; ; number++ {
		line, rest, whole := bytes.Cut(text, []byte("\n"))
		if !whole {
			return &l.log, nil
		}
		text = rest
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		if err := l.line(line); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, number, err)
		}
	}
}

// A logReader adds lines to a log.
type logReader struct {
	log         Log
	at          map[[2]string]int // where the curve of a name and a layer is
	epoch, step float64
	points      []point // of the line
}

type point struct {
	name, layer string
	value       float64
}

func (l *logReader) line(line []byte) error {
	if len(line) > longestLine {
		return fmt.Errorf("the line is longer than %d bytes", longestLine)
	}
	l.points, l.epoch, l.step = l.points[:0], float64(l.log.Entries+1), 0
	if err := l.object(jsontext.NewDecoder(bytes.NewReader(line))); err != nil {
		return problem(err)
	}
	l.log.Entries++
	l.log.epochs, l.log.steps = l.epoch, l.step
	for _, p := range l.points {
		key := [2]string{p.name, p.layer}
		i, ok := l.at[key]
		if !ok {
			if i = len(l.log.Curves); i == mostCurves {
				return fmt.Errorf("more than %d numbers with names of their own", mostCurves)
			}
			l.at[key] = i
			l.log.Curves = append(l.log.Curves, Curve{Name: p.name, Layer: p.layer})
		}
		c := &l.log.Curves[i]
		c.Epochs, c.Steps, c.Values = append(c.Epochs, l.epoch), append(c.Steps, l.step), append(c.Values, p.value)
	}
	return nil
}

// object reads an entry.
func (l *logReader) object(d *jsontext.Decoder) error {
	if d.PeekKind() != '{' {
		return notAnObject(d)
	}
	err := strictjson.Members(d, func(key string) error {
		switch kind := d.PeekKind(); {
		case key == "metrics" && kind == '{':
			return strictjson.Members(d, func(key string) error { return l.number(d, key) })
		case key == "layers" && kind == '[':
			return l.layers(d)
		}
		return l.number(d, key)
	})
	if err != nil {
		return err
	}
	return strictjson.End(d)
}

// layers reads the list of layers.
func (l *logReader) layers(d *jsontext.Decoder) error {
	if _, err := d.ReadToken(); err != nil { // the [
		return err
	}
	for d.PeekKind() == '{' {
		layer, first := "", len(l.points)
		err := strictjson.Members(d, func(key string) error {
			if key != "name" || d.PeekKind() != '"' {
				return l.number(d, key)
			}
			token, err := d.ReadToken()
			layer = token.String()
			return err
		})
		if err != nil {
			return err
		}
		for i := range l.points[first:] {
			l.points[first+i].layer = layer
		}
	}
	if d.PeekKind() != ']' {
		return notAnObject(d)
	}
	_, err := d.ReadToken()
	return err
}

// number reads the next value, and notes it if it is a number.
func (l *logReader) number(d *jsontext.Decoder, key string) error {
	if d.PeekKind() != '0' {
		return d.SkipValue()
	}
	token, err := d.ReadToken()
	switch {
	case err != nil:
		return err
	case key == "epoch":
		l.epoch = token.Float()
	case key == "step":
		l.step = token.Float()
	default:
		l.points = append(l.points, point{name: key, value: token.Float()})
	}
	return nil
}

// notAnObject is the error for what follows.
func notAnObject(d *jsontext.Decoder) error {
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	return errors.New("want a JSON object")
}

// problem is an error of what is read as JSON.
func problem(err error) error {
	if _, ok := errors.AsType[*jsontext.SyntacticError](err); ok || errors.Is(err, io.EOF) {
		return strictjson.Problem(err)
	}
	return err
}

// End is the epochs and the steps of the last entry.
func (l *Log) End() (epochs, steps float64) { return l.epochs, l.steps }

// Find returns the curve of the whole network that has the name, or nil.
func (l *Log) Find(name string) *Curve {
	for i := range l.Curves {
		if c := &l.Curves[i]; c.Name == name && c.Layer == "" {
			return c
		}
	}
	return nil
}

// Last is the last value of a curve.
func (c *Curve) Last() float64 { return c.Values[len(c.Values)-1] }

// Best is the largest value of an accuracy and the like, and the least of a loss or an
// error, and the epoch it is of, the first one of several.
func (c *Curve) Best() (value, epoch float64) {
	value, epoch = c.Values[0], c.Epochs[0]
	for i, v := range c.Values {
		if c.Larger() && v > value || !c.Larger() && v < value {
			value, epoch = v, c.Epochs[i]
		}
	}
	return value, epoch
}

// Larger reports whether larger values are better.
func (c *Curve) Larger() bool {
	for _, good := range []string{"accuracy", "r2", "auc", "f1", "precision", "recall"} {
		if strings.HasSuffix(c.Name, good) {
			return true
		}
	}
	return false
}
