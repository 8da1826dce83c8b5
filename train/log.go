package train

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"os"
	"slices"
	"strconv"
	"sync/atomic"

	"github.com/chainrule-go/chainrule/internal/atomicfile"
)

// A runLog is the log of a run: the same epochs as lines of JSON and of CSV.
type runLog struct {
	json, csv *os.File
	columns   []string    // of the CSV, from the first epoch on; nil before
	added     atomic.Bool // since the last sync, which is beside the training
}

// openLog opens the log of a run that goes on at a step: later epochs are cut off.
func (d *Dir) openLog(step int) (*runLog, error) {
	lines, epochs, err := d.readLog(step)
	if err != nil {
		return nil, err
	}
	l := &runLog{}
	var table bytes.Buffer
	for _, e := range epochs {
		table.Write(l.row(e))
	}
	for _, log := range []struct {
		name string
		text []byte
		file **os.File
	}{{LogFile, lines, &l.json}, {CSVFile, table.Bytes(), &l.csv}} {
		err := atomicfile.Replace(d.File(log.name), func(w io.Writer) error { _, err := w.Write(log.text); return err })
		if err == nil {
			*log.file, err = os.OpenFile(d.File(log.name), os.O_WRONLY|os.O_APPEND, 0)
		}
		if err != nil {
			l.close()
			return nil, err
		}
	}
	return l, nil
}

// readLog returns the lines of the log up to a step, as they are, and what they say.
func (d *Dir) readLog(step int) (lines []byte, epochs []Epoch, err error) {
	f, err := os.Open(d.File(LogFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	} else if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	const longest = 1 << 20 // a line
	r := bufio.NewScanner(f)
	r.Buffer(nil, longest)
	for r.Scan() {
		var e Epoch
		if json.Unmarshal(r.Bytes(), &e) != nil || e.Step > step {
			break // a crash cut it off, or it is of steps that are done again
		}
		lines = append(append(lines, r.Bytes()...), '\n')
		epochs = append(epochs, e)
	}
	if err := r.Err(); err != nil && err != bufio.ErrTooLong {
		return nil, nil, err
	}
	return lines, epochs, nil
}

// add appends an epoch.
func (l *runLog) add(e Epoch) error {
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	l.added.Store(true)
	for _, w := range []struct {
		f    *os.File
		line []byte
	}{{l.json, append(text, '\n')}, {l.csv, l.row(e)}} {
		if _, err := atomicfile.Writer(w.f).Write(w.line); err != nil {
			return fmt.Errorf("writing the log of the run: %w", err)
		}
	}
	return nil
}

// sync flushes the log to disk, unless nothing was added to it.
func (l *runLog) sync() error {
	if !l.added.Swap(false) {
		return nil
	}
	return errors.Join(atomicfile.Sync(l.json), atomicfile.Sync(l.csv))
}

// close closes the files that are open.
func (l *runLog) close() {
	l.json.Close() // nothing if it is nil
	l.csv.Close()
}

// row is an epoch as a line of CSV, after the names of the columns if it is the first.
func (l *runLog) row(e Epoch) []byte {
	cells := map[string]string{"epoch": number(e.Epoch), "step": strconv.Itoa(e.Step), "best": strconv.FormatBool(e.Best)}
	names := []string{"epoch", "step"}
	add := func(name string, x float64) {
		names = append(names, name)
		cells[name] = number(x)
	}
	add("loss", e.Loss)
	add("train_accuracy", e.TrainAccuracy)
	add("test_accuracy", e.TestAccuracy)
	add("validation_loss", e.ValidationLoss)
	add("validation_accuracy", e.ValidationAccuracy)
	names = append(names, "best")
	add("learning_rate", e.LearningRate)
	add("seconds", e.Seconds)
	for _, layer := range e.Layers {
		if !math.IsNaN(layer.GradientNorm) {
			add("gradient_norm "+layer.Name, layer.GradientNorm)
		}
		if !math.IsNaN(layer.Dead) {
			add("dead "+layer.Name, layer.Dead)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(e.Metrics)) {
		add(name, e.Metrics[name])
	}
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	if l.columns == nil {
		l.columns = names
		w.Write(names)
	}
	row := make([]string, len(l.columns))
	for i, name := range l.columns {
		row[i] = cells[name]
	}
	w.Write(row)
	w.Flush()
	return b.Bytes()
}

// number is the text of a number: "" for NaN.
func number(x float64) string {
	if !finite(x) {
		return ""
	}
	return strconv.FormatFloat(x, 'g', -1, 64)
}
