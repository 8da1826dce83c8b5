package nn

import (
	"errors"
	"fmt"
	"strings"

	"github.com/chainrule-go/chainrule/tensor"
)

// Format writes a network as a line of layers, for samples of the given shape (without the
// batch axis). [Parse] of that line returns a network with the same layers, settings and names;
// its weights and keys are drawn anew. It is an error if no line can describe the network:
// because the kind of a layer is not known, parameters are shared, a name has a blank or
// punctuation, or the samples do not fit.
func Format[T tensor.Float](net *Sequential[T], sample ...int) (string, error) {
	seen := map[*Param[T]]bool{}
	for path, l := range Walk[T](net) {
		err := VisitFields(l, func(f Field[T]) error {
			if p, ok := f.Value.(**Param[T]); ok && seen[*p] {
				return errors.New("a line of layers cannot say that layers share parameters")
			} else if ok {
				seen[*p] = true
			}
			return nil
		})
		if err != nil {
			return "", fmt.Errorf("layer %s: %w", path, err)
		}
	}
	line, _, err := formatChain(net.layers, sample)
	return line, err
}

func formatChain[T tensor.Float](layers []Named[T], sample []int) (line string, out []int, err error) {
	usual := make([]Layer[T], len(layers))
	for i, l := range layers {
		usual[i] = l.Layer
	}
	parts := make([]string, len(layers))
	for i, u := range numbered(usual) {
		if parts[i], err = formatLayer(u.Layer, sample); err != nil {
			return "", nil, inLayer(layers[i].Name, err)
		}
		if name := layers[i].Name; name != u.Name {
			if strings.ContainsAny(name, notWords) {
				return "", nil, fmt.Errorf("nn: a line of layers cannot have the name %s", clip(name))
			}
			parts[i] = name + ": " + parts[i]
		}
		out, err := Check(u.Layer, append([]int{0}, sample...)...)
		if err != nil {
			return "", nil, inLayer(layers[i].Name, err)
		}
		sample = out[1:]
	}
	return strings.Join(parts, ", "), sample, nil
}

func formatLayer[T tensor.Float](l Layer[T], sample []int) (string, error) {
	kind, err := KindOf(l)
	if err != nil {
		return "", err
	}
	s := &Settings[T]{sample: sample}
	if c, ok := l.(Configurable[T]); ok {
		c.Settings(s)
	} else {
		err = VisitFields(l, s.field)
	}
	if err == nil {
		err = s.err
	}
	if err != nil {
		return "", err
	}
	text := strings.Join(append([]string{wordOf(kind)}, s.words...), " ")
	if len(s.lists) > 0 {
		text += "(" + strings.Join(s.lists, "; ") + ")"
	}
	return text, nil
}
