package gradcheck

import (
	"fmt"
	"hash/maphash"
	"math"
	"reflect"
	"slices"
	"strings"

	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

// state is what a layer holds: a hash of each field that it reaches, by its path. What a
// mutex or an atomic guards is not in it, nor what a Pass holds.
type state map[string]uint64

// stateOf returns the state of a layer.
func stateOf(layer any) state {
	w := &walker{state: state{}, seen: map[visit]bool{}}
	w.walk("", reflect.ValueOf(layer))
	return w.state
}

// changed returns the first field that differs, or "".
func (s state) changed(now state) string {
	var all []string
	for path, h := range now {
		if old, known := s[path]; !known || old != h {
			all = append(all, path)
		}
	}
	for path := range s {
		if _, known := now[path]; !known {
			all = append(all, path)
		}
	}
	if len(all) == 0 {
		return ""
	}
	slices.SortFunc(all, func(a, b string) int {
		if n := strings.Count(a, ".") - strings.Count(b, "."); n != 0 {
			return n
		}
		return strings.Compare(a, b)
	})
	return strings.TrimPrefix(all[0], ".")
}

type visit struct {
	at uintptr
	of reflect.Type
}

type walker struct {
	state state
	seen  map[visit]bool
}

// hashSeed is the same for all states of a process.
var hashSeed = maphash.MakeSeed()

func hash(v any) uint64 { return maphash.Comparable(hashSeed, v) }

// mostFields limits the fields of a state.
const mostFields = 10_000

func (w *walker) walk(path string, v reflect.Value) {
	if !v.IsValid() || len(w.state) > mostFields {
		return
	}
	t := v.Type()
	switch p := t.PkgPath(); {
	case p == "sync" || p == "sync/atomic":
		return
	case strings.HasPrefix(t.Name(), "Pass[") && strings.HasSuffix(p, "/nn"):
		return
	}
	switch t.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			w.state[path] = 0
			return
		}
		if at := (visit{v.Pointer(), t}); !w.seen[at] {
			w.seen[at] = true
			w.walk(path, v.Elem())
		}
	case reflect.Interface:
		if v.IsNil() {
			w.state[path] = 0
			return
		}
		w.walk(path, v.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			if f := t.Field(i).Type; f.PkgPath() == "sync" && strings.HasSuffix(f.Name(), "Mutex") {
				return // which guards the other fields
			}
		}
		for i := range t.NumField() {
			w.walk(path+"."+t.Field(i).Name, v.Field(i))
		}
	case reflect.Slice:
		if v.IsNil() {
			w.state[path] = 0
			return
		}
		// The memory up to its capacity may be written, too.
		full := v
		if v.Cap() > v.Len() {
			full = v.Slice(0, v.Cap())
		}
		w.elements(path, full, v.Len())
	case reflect.Array:
		w.elements(path, v, v.Len())
	case reflect.Map:
		sum := uint64(v.Len())
		for entry := v.MapRange(); entry.Next(); {
			inner := &walker{state: state{}, seen: w.seen}
			inner.walk("", entry.Key())
			inner.walk("=", entry.Value())
			var h uint64
			for path, value := range inner.state {
				h += hash(path) ^ 3*value
			}
			sum += hash(h)
		}
		w.state[path] = sum
	default:
		w.state[path] = scalar(v)
	}
}

// elements hashes numbers together, and walks others.
func (w *walker) elements(path string, v reflect.Value, length int) {
	var h maphash.Hash
	h.SetSeed(hashSeed)
	switch v.Type().Elem().Kind() {
	case reflect.Pointer, reflect.Interface, reflect.Struct, reflect.Slice, reflect.Array, reflect.Map:
		w.state[path+".len"] = uint64(length)
		for i := range length {
			w.walk(fmt.Sprintf("%s[%d]", path, i), v.Index(i))
		}
		return
	}
	maphash.WriteComparable(&h, length)
	for i := range v.Len() {
		maphash.WriteComparable(&h, scalar(v.Index(i)))
	}
	w.state[path] = h.Sum64()
}

// scalar is the value of a number, string or bool, and 0 of anything else.
func scalar(v reflect.Value) uint64 {
	switch {
	case v.CanInt():
		return uint64(v.Int())
	case v.CanUint():
		return v.Uint()
	case v.CanFloat():
		return math.Float64bits(v.Float())
	case v.CanComplex():
		return hash(v.Complex())
	case v.Kind() == reflect.Bool:
		return hash(v.Bool())
	case v.Kind() == reflect.String:
		return hash(v.String())
	}
	return 0
}

// inside calls visitPointer with every pointer in the fields of a layer, and its path. If
// visitPointer returns true, it also visits the fields to which the pointer points.
func inside(layer any, visitPointer func(path string, v reflect.Value) bool) {
	seen := map[visit]bool{}
	var walk func(path string, v reflect.Value)
	walk = func(path string, v reflect.Value) {
		if !v.IsValid() || len(seen) > mostFields {
			return
		}
		switch v.Kind() {
		case reflect.Pointer:
			at := visit{v.Pointer(), v.Type()}
			if v.IsNil() || seen[at] {
				return
			}
			seen[at] = true
			if visitPointer(path, v) {
				walk(path, v.Elem())
			}
		case reflect.Interface:
			walk(path, v.Elem())
		case reflect.Struct:
			for i := range v.NumField() {
				walk(path+"."+v.Type().Field(i).Name, v.Field(i))
			}
		case reflect.Slice, reflect.Array:
			switch v.Type().Elem().Kind() {
			case reflect.Pointer, reflect.Interface, reflect.Struct, reflect.Slice, reflect.Array:
				for i := range v.Len() {
					walk(path, v.Index(i))
				}
			}
		case reflect.Map:
			for entry := v.MapRange(); entry.Next(); {
				walk(path, entry.Value())
			}
		}
	}
	walk("", reflect.ValueOf(layer))
}

// held returns the layers in the fields of a layer, those inside them too.
func held(layer nn.Layer[float64]) (all []nn.Layer[float64]) {
	inside(layer, func(_ string, v reflect.Value) bool {
		// A pointer anew, because that of an unexported field may not be used.
		if l, ok := reflect.NewAt(v.Type().Elem(), v.UnsafePointer()).Interface().(nn.Layer[float64]); ok {
			all = append(all, l)
		}
		return true
	})
	return all
}

// reachable returns the parameters in the fields of a layer and of the layers inside it, each
// with its path.
func reachable[T tensor.Float](layer nn.Layer[T]) map[*nn.Param[T]]string {
	found := map[*nn.Param[T]]string{}
	inside(layer, func(path string, v reflect.Value) bool {
		if v.Type() != reflect.TypeFor[*nn.Param[T]]() {
			return true
		}
		found[(*nn.Param[T])(v.UnsafePointer())] = strings.TrimPrefix(path, ".")
		return false
	})
	return found
}
