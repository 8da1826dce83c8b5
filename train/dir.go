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

// A Dir is the folder of a run, and the lock on it. The folder holds
//
//	config.json                                the configuration of the run
//	log.jsonl, log.csv                         one [Epoch] per line
//	checkpoints/step-000001200.safetensors     the newest checkpoints
//	best.safetensors                           the network with the lowest validation loss
//	model.safetensors                          the network at the end
//	lock                                       locked while the run is under way
//
// Every file but the logs is replaced as a whole. When a run is resumed, the logs are cut
// back to the checkpoint from which it continues. Other files are left alone.
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

// CreateDir makes a folder for a new run. config, a value that becomes a JSON object, describes
// the run. It is an error if the folder holds a run already.
func CreateDir(path string, config any) (*Dir, error) {
	text, err := configText(config)
	if err != nil {
		return nil, err
	}
	if err := CanCreateDir(path); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(path, checkpointFolder), 0o777); err != nil {
		return nil, fmt.Errorf("making the folder of a run: %w", err)
	}
	d, err := lockDir(path)
	if err != nil {
		return nil, err
	}
	if err := CanCreateDir(path); err != nil { // another process may have created one since
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

// CanCreateDir returns an error if there is a run at path, or what is left of one.
func CanCreateDir(path string) error {
	left, err := (&Dir{path: path}).checkpoints()
	if err == nil && len(left) > 0 {
		if _, err := os.Lstat(filepath.Join(path, ConfigFile)); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("the folder %s holds checkpoints of a run whose %s is gone: put that back, or name another", path, ConfigFile)
		}
	}
	if _, err := os.Lstat(filepath.Join(path, ConfigFile)); err == nil {
		return fmt.Errorf("the folder %s holds a run: go on with it, or name another", path)
	}
	return nil
}

// OpenDir opens the folder of a run to continue it. If config is not nil, it makes the
// folder if there is none, and returns a *[ConfigError] if the run was begun with another
// configuration. If config is nil and there is no run, the error wraps [fs.ErrNotExist]. It
// is also an error if another process has the run open.
func OpenDir(path string, config any) (*Dir, error) {
	if _, err := os.Stat(filepath.Join(path, ConfigFile)); errors.Is(err, fs.ErrNotExist) {
		if config != nil {
			return CreateDir(path, config)
		}
		return nil, fmt.Errorf("the folder %s holds no run: it has no %s (%w)", path, ConfigFile, fs.ErrNotExist)
	}
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		return nil, fmt.Errorf("%s is not the folder of a run: it is a file", path)
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

// Close releases the lock.
func (d *Dir) Close() error { return d.lock.Close() }

// Path returns the path of the folder.
func (d *Dir) Path() string { return d.path }

// File returns the path of a file in the folder.
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

// ReadConfig reads the configuration of the run at path into the value that config points
// to. The run may be under way.
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

// A ConfigError says which setting of a run is now different from the one it was begun with.
type ConfigError struct {
	Key       string // such as "lr", or "optimizer.decay" inside an object
	Then, Now string // JSON; "" if the key is missing
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

// sameConfig compares the configuration that a run was begun with and the one given now.
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

// difference returns the first difference between two JSON values, or nil. In objects, it
// compares members that are not objects first, and then the objects inside. key is the key
// of the values, "" for the outermost object.
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

// members returns the members of an object. A missing value counts as an empty object.
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

// A checkpointAt is a checkpoint in a folder.
type checkpointAt struct {
	step int
	path string
}

// checkpoint returns the checkpoint after the given number of steps.
func (d *Dir) checkpoint(step int) checkpointAt {
	return checkpointAt{step, filepath.Join(d.path, checkpointFolder, fmt.Sprintf("step-%09d.safetensors", step))}
}

// checkpoints returns the checkpoints in the folder, the newest first.
func (d *Dir) checkpoints() (all []checkpointAt, err error) {
	entries, err := os.ReadDir(d.File(checkpointFolder))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
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

// load sets s to the newest checkpoint that is not damaged, and returns it. If there is
// none, its path is "". A damaged checkpoint is renamed, so that it is not counted and not
// lost.
func load[T tensor.Float](d *Dir, s *State[T], log func(string, ...any)) (checkpointAt, error) {
	all, err := d.checkpoints()
	if err != nil {
		return checkpointAt{}, err
	}
	if err := os.MkdirAll(d.File(checkpointFolder), 0o777); err != nil {
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
		log("%v; it is now named %s.damaged", err, filepath.Base(c.path))
		if err := os.Rename(c.path, c.path+".damaged"); err != nil {
			return checkpointAt{}, err
		}
	}
	return checkpointAt{}, nil
}

// prune removes checkpoints up to a step that is saved, except the newest ones, keep of them.
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
			if err := atomicfile.Remove(c.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}
