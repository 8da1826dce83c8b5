package tensorboard

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/chainrule-go/chainrule/tensor"
)

// A Value is a scalar or a histogram, with the name of its curve. Names with the same
// beginning, up to a slash, are shown together.
type Value struct{ message []byte } // a Summary.Value of tensorboard/compat/proto/summary.proto

// Scalar returns a number, which is stored as a float32.
func Scalar(name string, v float64) Value {
	m := appendString(nil, 1, name)
	m = protowire.AppendTag(m, 2, protowire.Fixed32Type)
	return Value{protowire.AppendFixed32(m, math.Float32bits(float32(v)))}
}

// buckets is the number of intervals of a histogram; TensorBoard shows 30.
const buckets = 64

// Histogram returns the distribution of numbers: their counts in 64 intervals of equal
// width from the smallest to the largest. Numbers that are not finite are left out.
func Histogram[T tensor.Float](name string, values []T) Value {
	h := count(values)
	m := appendString(nil, 1, name)
	m = protowire.AppendTag(m, 5, protowire.BytesType)
	return Value{protowire.AppendBytes(m, h.encode())}
}

// histogram is the message HistogramProto of tensorboard/compat/proto/histogram.proto.
type histogram struct {
	min, max, n, sum, squares float64
	limits, counts            []float64 // a limit is the upper end of an interval
}

func count[T tensor.Float](values []T) histogram {
	h := histogram{min: math.Inf(1), max: math.Inf(-1)}
	finite := func(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
	for _, value := range values {
		if v := float64(value); finite(v) {
			h.min, h.max = min(h.min, v), max(h.max, v)
			h.n++
			h.sum += v
			h.squares = math.FMA(v, v, h.squares)
		}
	}
	if h.n == 0 {
		h.min, h.max = 0, 0
	}
	width := h.max/buckets - h.min/buckets // max - min may overflow
	if width == 0 {
		h.limits, h.counts = []float64{h.max}, []float64{h.n}
		return h
	}
	h.counts = make([]float64, buckets)
	for i := range buckets - 1 {
		h.limits = append(h.limits, math.FMA(width, float64(i+1), h.min))
	}
	h.limits = append(h.limits, h.max)
	for _, value := range values {
		if v := float64(value); finite(v) {
			h.counts[max(0, min(int(v/width-h.min/width), buckets-1))]++
		}
	}
	return h
}

func (h histogram) encode() (m []byte) {
	for i, v := range []float64{h.min, h.max, h.n, h.sum, h.squares} {
		m = appendDouble(m, protowire.Number(i+1), v)
	}
	for i, list := range [][]float64{h.limits, h.counts} {
		var packed []byte
		for _, v := range list {
			packed = protowire.AppendFixed64(packed, math.Float64bits(v))
		}
		m = protowire.AppendTag(m, protowire.Number(6+i), protowire.BytesType)
		m = protowire.AppendBytes(m, packed)
	}
	return m
}

// appendDouble leaves 0 out, as protobuf does.
func appendDouble(m []byte, field protowire.Number, v float64) []byte {
	if math.Float64bits(v) == 0 {
		return m
	}
	m = protowire.AppendTag(m, field, protowire.Fixed64Type)
	return protowire.AppendFixed64(m, math.Float64bits(v))
}

func appendString(m []byte, field protowire.Number, s string) []byte {
	m = protowire.AppendTag(m, field, protowire.BytesType)
	return protowire.AppendString(m, s)
}
