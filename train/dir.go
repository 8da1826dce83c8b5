package train

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/chainrule-go/chainrule/internal/atomicfile"
	"github.com/chainrule-go/chainrule/tensor"
)

// A Dir is the directory of a run, and the lock on it. It holds
//
//	config.json                                what the run was begun with
//	log.jsonl, log.csv                         an [Epoch] a line
//	checkpoints/step-000001200.safetensors     the last few
//	best.safetensors                           the network with the lowest validation loss
//	model.safetensors                          the network at the end
//	lock                                       locked while the run is under way
//
// Every file but the log is replaced as a whole, and the log is cut back to the checkpoint
// from which the run goes on. Other files are left alone.
type Dir struct {
	path string
	id   string // the SHA-256 of the configuration
	lock *os.File
}

// The names of the files in a [Dir].
const (
	ConfigFile = "config.json"
	LogFile    = "log.jsonl"
	CSVFile    = "log.csv"
	BestFile   = "best.safetensors"
	ModelFile  = "model.safetensors"

	checkpointFolder = "checkpoints"
	lockFile         = "lock"
	maxConfig        = 1 << 20
)

// CreateDir makes a directory for a new run, which is described by config, a value that
// becomes a JSON object. It is an error if it holds a run.
func CreateDir(path string, config any) (*Dir, error) {
	text, err := configText(config)
	if err != nil {
		return nil, err
	}
	if err := CanCreateDir(path); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(path, checkpointFolder), 0o777); err != nil {
		return nil, fmt.Errorf("making the directory of a run: %w", err)
	}
	d, err := lockDir(path)
	if err != nil {
		return nil, err
	}
	if err := CanCreateDir(path); err != nil { // by another process since
		d.Close()
		return nil, err
	}
	if err := atomicfile.Replace(d.File(ConfigFile), func(w io.Writer) error { _, err := w.Write(text); return err }); err != nil {
		d.Close()
		return nil, err
	}
	d.id = idOf(text)
	return d, nil
}

// CanCreateDir returns an error if there is a run at path.
func CanCreateDir(path string) error {
	if _, err := os.Lstat(filepath.Join(path, ConfigFile)); err == nil {
		return fmt.Errorf("the directory %s holds a run: go on with it, or name another", path)
	}
	return nil
}

// OpenDir opens the directory of a run, to go on with it. If config is not nil, it makes
// the directory if there is none, and a run that was begun with another configuration is a
// *[ConfigError]. It is an error if another process has it open, and one that wraps
// [fs.ErrNotExist] if there is no run and config is nil.
func OpenDir(path string, config any) (*Dir, error) {
	if _, err := os.Stat(filepath.Join(path, ConfigFile)); errors.Is(err, fs.ErrNotExist) {
		if config != nil {
			return CreateDir(path, config)
		}
		return nil, fmt.Errorf("the directory %s holds no run: it has no %s (%w)", path, ConfigFile, fs.ErrNotExist)
	}
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		return nil, fmt.Errorf("%s is no directory of a run: it is a file", path)
	}
	d, err := lockDir(path)
	if err != nil {
		return nil, err
	}
	then, err := ConfigText(path)
	if err == nil && config != nil {
		err = sameConfig(then, config)
	}
	if err != nil {
		d.Close()
		return nil, err
	}
	d.id = idOf(then)
	return d, nil
}

// Close gives up the lock.
func (d *Dir) Close() error { return d.lock.Close() }

// Path returns the path of the directory.
func (d *Dir) Path() string { return d.path }

// File returns the path of a file in the directory.
func (d *Dir) File(name string) string { return filepath.Join(d.path, name) }

// Files returns the paths of the files that the run at path has or will have, and of its
// checkpoints, which nothing else should replace.
func Files(path string) (files []string) {
	for _, name := range []string{ConfigFile, LogFile, CSVFile, BestFile, ModelFile, lockFile} {
		files = append(files, filepath.Join(path, name))
	}
	checkpoints, _ := os.ReadDir(filepath.Join(path, checkpointFolder)) // none, if there is no folder of them
	for _, c := range checkpoints {
		files = append(files, filepath.Join(path, checkpointFolder, c.Name()))
	}
	return files
}

// ReadConfig reads the configuration of the run at path into the value that config points to,
// whether or not it is under way.
func ReadConfig(path string, config any) error {
	text, err := ConfigText(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, config); err != nil {
		return fmt.Errorf("reading %s: %w", filepath.Join(path, ConfigFile), err)
	}
	return nil
}

// ConfigText returns the configuration of the run at path as its file has it.
func ConfigText(path string) ([]byte, error) {
	name := filepath.Join(path, ConfigFile)
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxConfig+1))
	if err == nil && len(text) > maxConfig {
		err = fmt.Errorf("%s is no configuration of a run: it is longer than %d bytes", name, maxConfig)
	}
	return text, err
}

func configText(config any) ([]byte, error) {
	text, err := json.MarshalIndent(config, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("train: the configuration of a run: %w", err)
	}
	return append(text, '\n'), nil
}

func idOf(config []byte) string {
	sum := sha256.Sum256(config)
	return hex.EncodeToString(sum[:])
}

func lockDir(path string) (*Dir, error) {
	lock, err := atomicfile.Lock(filepath.Join(path, lockFile))
	if errors.Is(err, atomicfile.ErrLocked) {
		return nil, fmt.Errorf("the run in %s is under way: %w", path, err)
	} else if err != nil {
		return nil, err
	}
	return &Dir{path: path, lock: lock}, nil
}

// A ConfigError says what a run was begun with that is different now.
type ConfigError struct {
	Key       string // "lr", or "optimizer.decay" of an object in it
	Then, Now string // JSON; "" if there is none
}

func (e *ConfigError) Error() string {
	show := func(v string) string {
		if v == "" {
			return "none"
		}
		return v
	}
	return fmt.Sprintf("the run was begun with another %s: %s then, %s now; go on with what it began with, or begin a new run", e.Key, show(e.Then), show(e.Now))
}

// sameConfig compares the configuration that a run was begun with and one of now.
func sameConfig(then []byte, config any) error {
	text, err := configText(config)
	if err != nil {
		return err
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(text, &object); err != nil {
		return fmt.Errorf("train: the configuration of a run is no JSON object: %w", err)
	}
	if err := json.Unmarshal(then, &object); err != nil {
		return fmt.Errorf("reading the configuration of the run: %w", err)
	}
	if e := difference("", then, text); e != nil {
		return e
	}
	return nil
}

// difference returns the first difference of two values, or nil: in objects that of a plain
// value, and then those of the objects inside. key is what the values have, "" for an
// outermost object.
func difference(key string, then, now json.RawMessage) *ConfigError {
	a, isObject := members(then)
	b, objectToo := members(now)
	if !isObject || !objectToo || len(then)+len(now) == 0 {
		if was, is := compact(then), compact(now); was != is {
			return &ConfigError{key, was, is}
		}
		return nil
	}
	keys := slices.AppendSeq(slices.Collect(maps.Keys(a)), maps.Keys(b))
	slices.Sort(keys)
	var inside *ConfigError
	for _, name := range keys {
		e := difference(strings.TrimPrefix(key+"."+name, "."), a[name], b[name])
		if e != nil && e.Key == strings.TrimPrefix(key+"."+name, ".") {
			return e
		} else if inside == nil {
			inside = e
		}
	}
	return inside
}

// members are those of an object; nothing is taken as one without any.
func members(v json.RawMessage) (m map[string]json.RawMessage, ok bool) {
	ok = len(v) == 0 || json.Unmarshal(v, &m) == nil && m != nil
	return m, ok
}

func compact(v json.RawMessage) string {
	var b bytes.Buffer
	if json.Compact(&b, v) != nil {
		return string(v)
	}
	return b.String()
}

var checkpointName = regexp.MustCompile(`^step-(\d{9,18})\.safetensors$`)

// A checkpointAt is a checkpoint in a directory.
type checkpointAt struct {
	step int
	path string
}

// checkpoint returns the checkpoint after a number of steps.
func (d *Dir) checkpoint(step int) checkpointAt {
	return checkpointAt{step, filepath.Join(d.path, checkpointFolder, fmt.Sprintf("step-%09d.safetensors", step))}
}

// checkpoints returns those that are there, the last one first.
func (d *Dir) checkpoints() (all []checkpointAt, err error) {
	entries, err := os.ReadDir(d.File(checkpointFolder))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, os.Mkdir(d.File(checkpointFolder), 0o777)
	}
	for _, e := range entries {
		if m := checkpointName.FindStringSubmatch(e.Name()); m != nil && e.Type().IsRegular() {
			step, err := strconv.Atoi(m[1])
			if err == nil {
				all = append(all, checkpointAt{step, filepath.Join(d.path, checkpointFolder, e.Name())})
			}
		}
	}
	slices.SortFunc(all, func(a, b checkpointAt) int { return b.step - a.step })
	return all, err
}

// load sets s to the last checkpoint that is whole, and returns it; its path is "" if
// there is none. A damaged one is renamed, so that it neither counts nor is lost.
func load[T tensor.Float](d *Dir, s *State[T], log func(string, ...any)) (checkpointAt, error) {
	all, err := d.checkpoints()
	if err != nil {
		return checkpointAt{}, err
	}
	for _, c := range all {
		err := s.Load(c.path)
		if err == nil {
			return c, nil
		}
		if _, ok := errors.AsType[*CheckpointError](err); !ok {
			return checkpointAt{}, err
		}
		log("%v; it is now named %s.damaged, and the one before is tried", err, filepath.Base(c.path))
		if err := os.Rename(c.path, c.path+".damaged"); err != nil {
			return checkpointAt{}, err
		}
	}
	return checkpointAt{}, nil
}

// prune removes the checkpoints before the last few up to a step that is saved.
func (d *Dir) prune(step, keep int) error {
	all, err := d.checkpoints()
	if err != nil {
		return err
	}
	for _, c := range all {
		if c.step > step {
			continue
		}
		if keep--; keep < 0 {
			if err := os.Remove(c.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}
