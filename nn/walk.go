package nn

import (
	"iter"
	"strings"

	"github.com/chainrule-go/chainrule/tensor"
)

// A Path is the list of names from a network to a layer in it: [Block1 Affine1]. The path of
// the network itself is empty.
type Path []string

// String joins the names by dots: Block1.Affine1.
func (p Path) String() string { return strings.Join(p, ".") }

// Walk ranges over root and all layers in it, in order, each before the layers inside it. The
// Path is valid until the next iteration.
func Walk[T tensor.Float](root Layer[T]) iter.Seq2[Path, Layer[T]] {
	return func(yield func(Path, Layer[T]) bool) {
		more := true
		var visit func(path Path, l Layer[T])
		visit = func(path Path, l Layer[T]) {
			if more = yield(path, l); !more {
				return
			}
			VisitFields(l, func(f Field[T]) error {
				switch v := f.Value.(type) {
				case *Layer[T]:
					if more && *v != nil {
						visit(append(path, f.Name), *v)
					}
				case *[]Named[T]:
					for _, n := range *v {
						if more && n.Layer != nil {
							visit(append(path, n.Name), n.Layer)
						}
					}
				}
				return nil
			})
		}
		visit(nil, root)
	}
}

// ParamNames returns a name for each of the Params of net: the name of the parameter if no two
// are the same, as W1 and W2; otherwise with the path of the first layer that has the
// parameter, as Affine1.W.
func ParamNames[T tensor.Float](net Layer[T]) []string {
	params := net.Params()
	own := make(map[string]bool, len(params))
	names := make([]string, len(params))
	for i, p := range params {
		own[p.Name] = true
		names[i] = p.Name
	}
	if len(own) == len(params) {
		return names
	}
	full := ParamPaths(net)
	for i, p := range params {
		names[i] = full[p]
	}
	return names
}

// States ranges over the arrays of state, such as running statistics, of net and of all
// layers in it, each with its path. The Path is valid until the next iteration.
func States[T tensor.Float](net Layer[T]) iter.Seq2[Path, *tensor.Tensor[T]] {
	return func(yield func(Path, *tensor.Tensor[T]) bool) {
		for path, l := range Walk(net) {
			more := true
			VisitFields(l, func(f Field[T]) error {
				if state, ok := f.Value.(**tensor.Tensor[T]); ok && more && *state != nil {
					more = yield(append(path, f.Name), *state)
				}
				return nil
			})
			if !more {
				return
			}
		}
	}
}

// ParamPaths returns the path of each parameter of net: the path of the first layer that has it
// and the name of the field, joined by a dot. A model file uses it as the name of the tensor.
func ParamPaths[T tensor.Float](net Layer[T]) map[*Param[T]]string {
	paths := map[*Param[T]]string{}
	add := func(p *Param[T], path Path, name string) {
		if _, shared := paths[p]; !shared {
			paths[p] = append(path, name).String()
		}
	}
	for path, l := range Walk(net) {
		VisitFields(l, func(f Field[T]) error {
			if p, ok := f.Value.(**Param[T]); ok {
				add(*p, path, f.Name)
			}
			return nil
		})
		if _, ok := l.(Fielder[T]); !ok {
			for _, p := range l.Params() {
				add(p, path, p.Name)
			}
		}
	}
	return paths
}
