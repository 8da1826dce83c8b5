package report

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/chainrule-go/chainrule/internal/plot"
	"github.com/chainrule-go/chainrule/internal/strictjson"
	"github.com/chainrule-go/chainrule/train"
)

// A Run is what the folder of a run says of it.
type Run struct {
	Dir    string
	Config []Setting
	Log    *Log
}

// A Setting is one of a configuration. Within an object its name has a point, as in
// "optimizer.lr".
type Setting struct{ Name, Value string }

const longestName = 500 // of a setting, in bytes

// ReadRun reads config.json and log.jsonl of the folder of a run. Either may be missing,
// but not both.
func ReadRun(dir string) (*Run, error) {
	run := &Run{Dir: dir, Log: &Log{}}
	config, err := train.ConfigText(dir)
	none := errors.Is(err, fs.ErrNotExist)
	if err == nil {
		if run.Config, err = Settings(config); err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Join(dir, train.ConfigFile), err)
		}
	} else if !none {
		return nil, err
	}
	log, err := os.Open(filepath.Join(dir, train.LogFile))
	if err == nil {
		run.Log, err = ReadLog(log, log.Name())
		log.Close()
	}
	if errors.Is(err, fs.ErrNotExist) {
		if none {
			return nil, fmt.Errorf("%q is not the folder of a run: it has neither %s nor %s; train --run makes one", dir, train.ConfigFile, train.LogFile)
		}
		err = nil
	}
	return run, err
}

// Settings returns the settings of a JSON object, in their order.
func Settings(object []byte) ([]Setting, error) {
	d := jsontext.NewDecoder(bytes.NewReader(object))
	if d.PeekKind() != '{' {
		return nil, problem(notAnObject(d))
	}
	all, err := settings(d, "", 0, nil)
	if err == nil {
		err = strictjson.End(d)
	}
	if err != nil {
		return nil, problem(err)
	}
	return all, nil
}

// settings adds those of the next value, which is at a depth. What is deeper than
// deepest is one text.
func settings(d *jsontext.Decoder, name string, depth int, all []Setting) ([]Setting, error) {
	const deepest = 8
	if d.PeekKind() != '{' || depth == deepest {
		value, err := d.ReadValue()
		if err != nil {
			return nil, err
		}
		var text []byte
		if value.Kind() == '"' {
			text, err = jsontext.AppendUnquote(nil, value)
		} else {
			err = value.Compact()
			text = value
		}
		return append(all, Setting{name, string(text)}), err
	}
	err := strictjson.Members(d, func(key string) (err error) {
		if name != "" {
			key = name + "." + key
		}
		if len(key) > longestName {
			return fmt.Errorf("the name of a setting is longer than %d bytes", longestName)
		}
		all, err = settings(d, key, depth+1, all)
		return err
	})
	return all, err
}

// Setting is the value of a setting, "" if there is none.
func (r *Run) Setting(name string) string {
	for _, s := range r.Config {
		if s.Name == name {
			return s.Value
		}
	}
	return ""
}

// Differences are the names of the settings that are not the same in all runs.
func Differences(runs []*Run) (names []string) {
	seen := map[string]bool{}
	for _, r := range runs {
		for _, s := range r.Config {
			if seen[s.Name] {
				continue
			}
			seen[s.Name] = true
			for _, other := range runs {
				if other.Setting(s.Name) != s.Value {
					names = append(names, s.Name)
					break
				}
			}
		}
	}
	return names
}

// Names are those of all curves of whole networks, in order.
func Names(runs []*Run) (names []string) {
	for _, r := range runs {
		for _, c := range r.Log.Curves {
			if c.Layer == "" && !slices.Contains(names, c.Name) {
				names = append(names, c.Name)
			}
		}
	}
	slices.Sort(names)
	return names
}

// A Comparison is the curves of one name of several runs.
type Comparison struct {
	Name string
	Runs []*Run
}

// Compared is the name of the curve by which runs are compared if none is given: the first
// of these that all of them have.
func Compared(runs []*Run) (string, error) {
	for _, name := range []string{"validation_loss", "test_loss", "validation_accuracy", "test_accuracy", "loss"} {
		all := true
		for _, r := range runs {
			all = all && r.Log.Find(name) != nil
		}
		if all {
			return name, nil
		}
	}
	return "", errors.New("the runs have no curve in common; wait until each has trained an epoch")
}

// Figure draws the curves, each called by the folder of its run.
func (c Comparison) Figure() (plot.Figure, error) {
	name := words(c.Name)
	f := plot.Lines{Title: name + " of " + strconv.Itoa(len(c.Runs)) + " runs", X: plot.Axis{Label: "epoch"}, Y: plot.Axis{Label: name, Log: strings.Contains(c.Name, "loss")}}
	for _, r := range c.Runs {
		curve := r.Log.Find(c.Name)
		if curve == nil {
			return nil, fmt.Errorf("the log of %q has no %q", r.Dir, c.Name)
		}
		f.Series = append(f.Series, plot.Series{Name: filepath.Base(r.Dir), X: curve.Epochs, Y: curve.Values})
	}
	return f, nil
}

// Model is the file of the model at the end of the run, or of the best one so far, or "".
func (r *Run) Model() string {
	for _, name := range []string{train.ModelFile, train.BestFile} {
		if path := filepath.Join(r.Dir, name); isFile(path) {
			return path
		}
	}
	return ""
}

// Finished reports whether the run has come to its end.
func (r *Run) Finished() bool { return isFile(filepath.Join(r.Dir, train.ModelFile)) }

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// FindRuns returns the folders that are runs among dirs and the folders in them.
func FindRuns(dirs ...string) (all []string, err error) {
	isRun := func(dir string) bool {
		return isFile(filepath.Join(dir, train.ConfigFile)) || isFile(filepath.Join(dir, train.LogFile))
	}
	for _, dir := range dirs {
		if isRun(dir) {
			all = append(all, dir)
			continue
		}
		entries, err := os.ReadDir(dir)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("there is no folder %q", dir)
		} else if err != nil {
			return nil, err
		}
		before := len(all)
		for _, e := range entries {
			if inner := filepath.Join(dir, e.Name()); isRun(inner) {
				all = append(all, inner)
			}
		}
		if len(all) == before {
			return nil, fmt.Errorf("%q is not the folder of a run, and holds none; train --run makes one", dir)
		}
	}
	return all, nil
}
