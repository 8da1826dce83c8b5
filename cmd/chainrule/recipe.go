package main

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/train"
)

// A recipe is what a training is made from: with the same recipe come the same bits. It
// is the configuration of the folder of a run, and stands in the model file.
type recipe struct {
	Flags    map[string]flagValue `json:"flags"`
	Data     string               `json:"data_sha256"`
	Versions versions             `json:"versions"`
}

// versions are those of the program that trains. They change no bit, as far as is known.
type versions struct {
	Chainrule string `json:"chainrule"`
	Commit    string `json:"commit,omitempty"`
	Go        string `json:"go"`
	Platform  string `json:"platform"`
}

func currentVersions() versions {
	return versions{programVersion(), commit(), runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH}
}

func (v versions) String() string {
	return fmt.Sprintf("chainrule %s (%s, %s)", strings.TrimSuffix(v.Chainrule+" "+v.Commit, " "), v.Go, v.Platform)
}

// A record is what a model file says of its training.
type record struct {
	recipe
	Step int `json:"step"` // steps of the training done
}

// readRecord reads what a model file says of its training.
func readRecord(training json.RawMessage) (*record, error) {
	if training == nil {
		return nil, fmt.Errorf("it does not say how it was trained: an older program, or another one, wrote it")
	}
	r := &record{}
	if err := json.Unmarshal(training, r); err != nil {
		return nil, fmt.Errorf("what it says of its training cannot be read: %w", err)
	}
	if r.Step < 1 {
		return nil, fmt.Errorf("it says that it was saved after %d steps; want 1 or more", r.Step)
	}
	return r, r.check()
}

// readRecipe reads what the run in a folder was begun with.
func readRecipe(dir string) (*recipe, error) {
	r := &recipe{}
	if err := train.ReadConfig(dir, r); err != nil {
		return nil, err
	}
	if err := r.check(); err != nil {
		return nil, fmt.Errorf("the run in %s cannot go on here: %w", quoted(dir), err)
	}
	return r, nil
}

// check refuses a recipe that chainrule train does not write.
func (r *recipe) check() error {
	if r.Flags == nil {
		return fmt.Errorf("it does not say with which flags of chainrule train it was trained: another program wrote it")
	}
	if file := r.Flags["layers-file"].String(); file != "" { // train records the layers in it
		return fmt.Errorf("it names a file with layers, %s, which another program wrote down; train again with --layers", quoted(file))
	}
	return nil
}

// A flagValue is the value of a flag as text, or several.
type flagValue struct {
	text string
	list []string
}

func (v flagValue) String() string {
	if v.list != nil {
		return strings.Join(v.list, ",")
	}
	return v.text
}

// MarshalJSON implements [json.Marshaler]: a string, or a list of them.
func (v flagValue) MarshalJSON() ([]byte, error) {
	if v.list != nil {
		return json.Marshal(v.list)
	}
	return json.Marshal(v.text)
}

// UnmarshalJSON implements [json.Unmarshaler].
func (v *flagValue) UnmarshalJSON(text []byte) error {
	if text[0] == '[' {
		v.list = []string{}
		return json.Unmarshal(text, &v.list)
	}
	return json.Unmarshal(text, &v.text)
}

// without are the flags of train that change no bit of its result.
var without = []string{"out", "force", "run", "resume", "save-every", "keep", "threads", "json", "help"}

func valueOf(f *pflag.Flag) flagValue {
	if several, ok := f.Value.(pflag.SliceValue); ok {
		return flagValue{list: append([]string{}, several.GetSlice()...)}
	}
	return flagValue{text: f.Value.String()}
}

// flagValues returns the flags of train that change its result.
func flagValues(cmd *cobra.Command) map[string]flagValue {
	values := map[string]flagValue{}
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !slices.Contains(without, f.Name) {
			values[f.Name] = valueOf(f)
		}
	})
	return values
}

// setFlags gives the flags of train the values of a recipe. One that the user gave another
// value is an error: where names the training that would be changed.
func setFlags(cmd *cobra.Command, values map[string]flagValue, where string) error {
	now := flagValues(cmd)
	fresh := &cobra.Command{}
	newTrainOptions(fresh)
	usual := flagValues(fresh)
	for _, name := range slices.Sorted(maps.Keys(now)) {
		then, ok := values[name]
		f := cmd.Flags().Lookup(name)
		switch same := now[name].String() == then.String(); {
		case f.Changed && !(ok && same):
			begun := "with --" + name + " " + shortened(then.String())
			if then.String() == usual[name].String() {
				begun = "without it"
			}
			return usagef("--%s %s would change %s, which was begun %s; leave it out, or begin a new run with --run", name, shortened(now[name].String()), where, begun)
		case ok && !same:
			if err := set(f, then); err != nil {
				return fmt.Errorf("%s was begun with --%s %s, which this version refuses: %w", where, name, shortened(then.String()), err)
			}
			f.Changed = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if _, ok := now[name]; !ok {
			return fmt.Errorf("%s was begun with --%s %s, which this version does not know", where, name, shortened(values[name].String()))
		}
	}
	return nil
}

func set(f *pflag.Flag, v flagValue) error {
	if several, ok := f.Value.(pflag.SliceValue); ok {
		return several.Replace(v.list)
	}
	return f.Value.Set(v.text)
}

// fingerprint is the SHA-256 of sets of samples: of the numbers that are trained on.
func fingerprint(sets ...data.Samples[float32]) string {
	sum := sha256.New()
	for _, s := range sets {
		if s == nil || s.Len() == 0 {
			fmt.Fprintln(sum, 0)
			continue
		}
		shape := s.SampleShape()
		targets, values := s.TargetShape()
		fmt.Fprintln(sum, s.Len(), shape, targets)
		x := make([]float32, product(shape))
		var t []float32
		label := make([]int, 1)
		if values {
			t, label = make([]float32, product(targets)), nil
		}
		buf := make([]byte, 0, 4*(len(x)+len(t))+8)
		for i := range s.Len() {
			s.Gather(x, label, t, []int{i})
			buf, _ = binary.Append(buf[:0], binary.LittleEndian, x)
			buf, _ = binary.Append(buf, binary.LittleEndian, t)
			for _, l := range label {
				buf = binary.LittleEndian.AppendUint64(buf, uint64(l))
			}
			sum.Write(buf)
		}
	}
	return hex.EncodeToString(sum.Sum(nil))
}

func product(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}
