package nn

import (
	"errors"
	"fmt"

	"github.com/chainrule-go/chainrule/tensor"
)

// Convert returns a copy of l with elements of type To. A float32 becomes exactly the same
// float64; a float64 is rounded to float32. The copy shares no memory with l. Layers that
// share a parameter in l also share it in the copy. Every Grad is zero.
//
// The error names the layer if [KindOf] refuses a layer in l, for example because its kind is
// not known; see [Register].
func Convert[To, From tensor.Float](l Layer[From]) (Layer[To], error) {
	c := converter[To, From]{map[*Param[From]]*Param[To]{}}
	return c.layer(nil, l)
}

// Clone returns a copy of l in the same precision, as [Convert] does.
func Clone[T tensor.Float](l Layer[T]) (Layer[T], error) { return Convert[T](l) }

type converter[To, From tensor.Float] struct {
	params map[*Param[From]]*Param[To] // copied so far
}

func (c converter[To, From]) layer(path Path, l Layer[From]) (Layer[To], error) {
	kind, err := KindOf(l)
	if err != nil && len(path) > 0 {
		err = fmt.Errorf("layer %q: %w", path, err)
	}
	if err != nil {
		return nil, err
	}
	var from []Field[From]
	VisitFields(l, func(f Field[From]) error { // KindOf has found no error
		from = append(from, f)
		return nil
	})
	to, _ := NewOfKind[To](kind)
	err = BuildFields(to, func(f Field[To]) error {
		if len(from) == 0 || from[0].Name != f.Name {
			return errFieldsDiffer
		}
		source := from[0].Value
		from = from[1:]
		switch v := f.Value.(type) {
		case *int:
			*v = *source.(*int)
		case *float64:
			*v = *source.(*float64)
		case *bool:
			*v = *source.(*bool)
		case *[]int:
			*v = append([]int(nil), *source.(*[]int)...)
		case *uint64:
			*v = *source.(*uint64)
		case **Param[To]:
			*v = c.param(*source.(**Param[From]))
		case **tensor.Tensor[To]:
			*v = convertTensor[To](*source.(**tensor.Tensor[From]))
		case *Layer[To]:
			*v, err = c.layer(append(path, f.Name), *source.(*Layer[From]))
			return err
		case *[]Named[To]:
			for _, n := range *source.(*[]Named[From]) {
				inner, err := c.layer(append(path, n.Name), n.Layer)
				if err != nil {
					return err
				}
				*v = append(*v, Named[To]{n.Name, inner})
			}
		}
		return nil
	})
	if err == nil && len(from) > 0 {
		err = &FieldError{Kind: kind, Field: from[0].Name, Err: errFieldsDiffer}
	}
	if err != nil {
		return nil, err
	}
	return to, nil
}

var errFieldsDiffer = errors.New("want the method Fields to name the same fields in the same order every time")

func (c converter[To, From]) param(p *Param[From]) *Param[To] {
	if c.params[p] == nil {
		c.params[p] = &Param[To]{
			Name:  p.Name,
			Value: convertTensor[To](p.Value),
			Grad:  tensor.New[To](p.Value.Shape...),
		}
	}
	return c.params[p]
}

func convertTensor[To, From tensor.Float](from *tensor.Tensor[From]) *tensor.Tensor[To] {
	to := tensor.New[To](from.Shape...)
	for i, v := range from.Data {
		to.Data[i] = To(v)
	}
	return to
}
