package graph

import (
	"encoding/json"
	"math"
	"strconv"
)

// MarshalJSON writes all nodes with their exact values:
//
//	{"nodes": [{"id": 0, "op": "input", "label": "x", "group": 0, "inputs": [],
//	            "shape": [2], "value": [1, 2], "grad": [3, 4]},
//	           {"id": 1, "op": "gather", ..., "attributes":
//	            {"kind": "pad", "index": [0, 1, -1], "fill": 0}}, ...],
//	 "groups": [{"name": "Affine1", "outer": null}, ...],
//	 "output": 7}
//
// Arrays are nested lists, and a scalar is a number. Complex numbers, and numbers that JSON
// cannot express, are strings: "NaN", "Infinity", "-Infinity". The output is the y of the
// last Backward, or null. A group is given by its index in groups, or null. Only a gather
// has attributes.
func (g *Graph[T]) MarshalJSON() ([]byte, error) {
	type jsonAttributes struct {
		Kind  string          `json:"kind"`
		Index []int           `json:"index"`
		Fill  json.RawMessage `json:"fill"`
	}
	type jsonNode struct {
		ID     int             `json:"id"`
		Op     string          `json:"op"`
		Label  string          `json:"label"`
		Group  *int            `json:"group"`
		Inputs []int           `json:"inputs"`
		Shape  []int           `json:"shape"`
		Value  json.RawMessage `json:"value"`
		Grad   json.RawMessage `json:"grad"`

		Attributes *jsonAttributes `json:"attributes,omitempty"`
	}
	type jsonGroup struct {
		Name  string `json:"name"`
		Outer *int   `json:"outer"`
	}
	var out struct {
		Nodes  []jsonNode  `json:"nodes"`
		Groups []jsonGroup `json:"groups"`
		Output *int        `json:"output"`
	}
	out.Nodes, out.Groups = []jsonNode{}, []jsonGroup{}
	places := map[*Group]*int{nil: nil}
	var place func(group *Group) *int
	place = func(group *Group) *int {
		if _, known := places[group]; !known {
			outer := place(group.Outer)
			at := len(out.Groups)
			out.Groups, places[group] = append(out.Groups, jsonGroup{group.Name, outer}), &at
		}
		return places[group]
	}
	for _, n := range g.nodes {
		inputs := []int{}
		for _, a := range n.In {
			inputs = append(inputs, a.ID)
		}
		var attributes *jsonAttributes
		if a := n.Attr; a != nil {
			attributes = &jsonAttributes{a.Kind, append([]int{}, a.Index...), appendNumber(nil, a.Fill)}
		}
		out.Nodes = append(out.Nodes, jsonNode{n.ID, n.Op, n.Label, place(n.Group), inputs, append([]int{}, n.Shape...),
			appendArray(nil, n.Shape, n.Value), appendArray(nil, n.Shape, n.Grad), attributes})
	}
	if g.output != nil {
		out.Output = &g.output.ID
	}
	return json.Marshal(out)
}

// appendArray appends the elements as lists nested by shape.
func appendArray[T Number](b []byte, shape []int, data []T) []byte {
	if len(shape) == 0 {
		return appendNumber(b, data[0])
	}
	b = append(b, '[')
	for i := range shape[0] {
		if i > 0 {
			b = append(b, ',')
		}
		k := len(data) / shape[0]
		b = appendArray(b, shape[1:], data[i*k:(i+1)*k])
	}
	return append(b, ']')
}

func appendNumber[T Number](b []byte, x T) []byte {
	switch x := any(x).(type) {
	case complex128:
		return strconv.AppendQuote(b, strconv.FormatComplex(x, 'g', -1, 128))
	case float64:
		switch {
		case math.IsNaN(x):
			return append(b, `"NaN"`...)
		case math.IsInf(x, 1):
			return append(b, `"Infinity"`...)
		case math.IsInf(x, -1):
			return append(b, `"-Infinity"`...)
		}
		return strconv.AppendFloat(b, x, 'g', -1, 64) // "1e+06", which is JSON too
	}
	return b
}
