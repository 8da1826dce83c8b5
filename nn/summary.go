package nn

import (
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"unsafe"
)

// A LayerSummary describes one layer of a network.
type LayerSummary struct {
	Name   string `json:"name"`
	Layer  string `json:"layer"`
	Out    []int  `json:"output"` // the shape of one sample's result
	Params int    `json:"parameters"`
	Bytes  int    `json:"bytes"` // of the parameters
}

// Summary is the layers of a network for samples of a shape.
type Summary struct {
	Input  []int          `json:"input"`
	Layers []LayerSummary `json:"layers"`
	// The totals count a shared parameter once.
	Params int `json:"parameters"`
	Bytes  int `json:"bytes"`
}

// Summary describes the network for one sample of the given shape, without the
// batch axis. A shape that does not fit is an error, as in [Check].
func (s *Sequential[T]) Summary(sample ...int) (Summary, error) {
	count := func(params []*Param[T]) (n int) {
		for _, p := range params {
			n += len(p.Value.Data)
		}
		return n
	}
	size := int(unsafe.Sizeof(T(0)))
	sum := Summary{Input: sample, Params: count(s.params), Bytes: size * count(s.params)}
	shape := append([]int{0}, sample...) // no samples, no work and no memory
	for _, l := range s.layers {
		out, err := Check(l.Layer, shape...)
		if err != nil {
			return Summary{}, inLayer(l.Name, err)
		}
		n := count(l.Layer.Params())
		sum.Layers = append(sum.Layers, LayerSummary{l.Name, describe(l.Layer), out[1:], n, size * n})
		shape = out
	}
	return sum, nil
}

// String prints the summary as a table.
func (s Summary) String() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "name\tlayer\toutput\tparameters\tbytes")
	fmt.Fprintf(w, "\tinput\t%s\t\t\n", batchShape(s.Input))
	for _, r := range s.Layers {
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\n", r.Name, r.Layer, batchShape(r.Out), r.Params, r.Bytes)
	}
	fmt.Fprintf(w, "total\t\t\t%d\t%d\n", s.Params, s.Bytes)
	w.Flush()
	return b.String()
}

// batchShape writes the shape of a batch of samples: (N, 784).
func batchShape(sample []int) string {
	b := "(N"
	for _, d := range sample {
		b += ", " + strconv.Itoa(d)
	}
	return b + ")"
}
