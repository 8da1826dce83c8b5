package nn

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"unsafe"

	"github.com/chainrule-go/chainrule/tensor"
)

// A LayerSummary describes one layer of a network, without the layers inside it, which have
// summaries of their own.
type LayerSummary struct {
	Name   string `json:"name"` // the path: Residual1.body.Affine1
	Layer  string `json:"layer"`
	Out    []int  `json:"output"` // the shape of one sample's result
	Params int    `json:"parameters"`
	Bytes  int    `json:"bytes"`         // of the parameters
	Adds   int64  `json:"multiply_adds"` // for one sample
}

// A Summary lists the layers of a network, for samples of a given shape.
type Summary struct {
	Input  []int          `json:"input"`
	Layers []LayerSummary `json:"layers"` // each before the layers inside it
	// The totals count a shared parameter once.
	Params int   `json:"parameters"`
	Bytes  int   `json:"bytes"`
	Adds   int64 `json:"multiply_adds"`
}

// ProductSum is a Layer in which an element of y is a sum of products, such as [Affine]. A
// Summary counts the products.
type ProductSum interface {
	// Terms returns the number of products that are summed in an element of y.
	Terms() int
}

// Summary describes the network for samples of the given shape (without the batch axis). A
// shape that does not fit is an error, as in [Check].
func (s *Sequential[T]) Summary(sample ...int) (Summary, error) {
	none := append([]int{0}, sample...) // no samples, no work and no memory
	if _, err := Check(s, none...); err != nil {
		return Summary{}, err
	}
	outs := map[Layer[T]][][]int{} // a list, since layers of size 0 may be equal
	s.Forward(&Pass[T]{Unfused: true, Observe: func(l Layer[T], _ bool, y *tensor.Tensor[T]) {
		if reflect.TypeOf(l).Comparable() {
			outs[l] = append(outs[l], slices.Clone(y.Shape[1:]))
		}
	}}, tensor.New[T](none...))
	size := int(unsafe.Sizeof(T(0)))
	sum := Summary{Input: sample, Params: count(s.params), Bytes: size * count(s.params)}
	for path, l := range Walk[T](s) {
		if len(path) == 0 {
			continue
		}
		own, inside := ownParams(l)
		n := count(own)
		row := LayerSummary{Name: path.String(), Layer: describe(l), Params: n, Bytes: size * n}
		if reflect.TypeOf(l).Comparable() && len(outs[l]) > 0 {
			row.Out, outs[l] = outs[l][0], outs[l][1:]
		}
		if inside {
			row.Layer = Kind(l)
		}
		if p, ok := l.(ProductSum); ok && row.Out != nil {
			elements, _ := tensor.Size(row.Out...)
			row.Adds = int64(elements) * int64(p.Terms())
		}
		sum.Adds += row.Adds
		sum.Layers = append(sum.Layers, row)
	}
	return sum, nil
}

// ownParams returns the parameters of a layer without those of the layers inside it, and
// reports whether there are layers inside.
func ownParams[T tensor.Float](l Layer[T]) (own []*Param[T], inside bool) {
	if _, ok := l.(Fielder[T]); !ok {
		return l.Params(), false
	}
	VisitFields(l, func(f Field[T]) error {
		switch v := f.Value.(type) {
		case **Param[T]:
			own = append(own, *v)
		case *Layer[T], *[]Named[T]:
			inside = true
		}
		return nil
	})
	return own, inside
}

func count[T tensor.Float](params []*Param[T]) (n int) {
	for _, p := range params {
		n += len(p.Value.Data)
	}
	return n
}

// String prints the summary as a table.
func (s Summary) String() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "name\tlayer\toutput\tparameters\tbytes\tmultiply-adds")
	fmt.Fprintf(w, "\tinput\t%s\t\t\t\n", batchShape(s.Input))
	for _, r := range s.Layers {
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\t%d\n", r.Name, r.Layer, batchShape(r.Out), r.Params, r.Bytes, r.Adds)
	}
	fmt.Fprintf(w, "total\t\t\t%d\t%d\t%d\n", s.Params, s.Bytes, s.Adds)
	w.Flush()
	return b.String()
}

// batchShape writes the shape of a batch of samples, such as (N, 784).
func batchShape(sample []int) string {
	b := "(N"
	for _, d := range sample {
		b += ", " + strconv.Itoa(d)
	}
	return b + ")"
}
