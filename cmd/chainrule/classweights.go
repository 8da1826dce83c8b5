package main

import (
	"encoding/csv"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/chainrule-go/chainrule/internal/spelling"
	"github.com/chainrule-go/chainrule/nn"
)

// classWeights is how much the samples of each class count in the loss: alike if it is
// empty; "balanced"; or as in "yes=9,no=1", where a class that is not named has the weight 1.
type classWeights string

const balanced = "balanced"

func (v *classWeights) Set(s string) error {
	if _, err := namedWeights(s); err != nil && s != balanced {
		return err
	}
	*v = classWeights(s)
	return nil
}
func (v *classWeights) String() string { return string(*v) }
func (v *classWeights) Type() string   { return "how" }

// namedWeights reads a text such as "yes=9,no=1". As in CSV, a name with a comma is quoted.
func namedWeights(text string) (map[string]float64, error) {
	r := csv.NewReader(strings.NewReader(text))
	terms, err := r.Read()
	if err != nil || len(text) > int(r.InputOffset()) {
		return nil, fmt.Errorf("want %s, or weights such as yes=9,no=1", balanced)
	}
	weights := map[string]float64{}
	for _, term := range terms {
		equals := max(0, strings.LastIndex(term, "="))
		name, number := term[:equals], strings.TrimPrefix(term[equals:], "=")
		w, err := strconv.ParseFloat(number, 64)
		if equals == 0 || err != nil || !(w >= 0 && w <= math.MaxFloat32) {
			return nil, fmt.Errorf("want %s, or the names of classes with numbers of 0 or more, such as yes=9,no=1; got %s", balanced, quotedShort(term))
		}
		if _, twice := weights[name]; twice {
			return nil, fmt.Errorf("the class %s has two weights", quotedShort(name))
		}
		weights[name] = w
	}
	return weights, nil
}

// of returns the weights of the classes, from the number of training samples of each class.
// Balanced, each class counts as much as every other, whatever its number of samples, as
// scikit-learn's compute_class_weight has it:
//
//	w = samples / (classes · samples of the class)
func (v classWeights) of(classes []string, counts []int) ([]float64, error) {
	weights := make([]float64, len(classes))
	if v == balanced {
		samples := 0
		for _, n := range counts {
			samples += n
		}
		for i, n := range counts {
			if n == 0 {
				return nil, fmt.Errorf("no sample to train on has the class %s; leave its few samples out, try another --split-seed, or name the weights", quotedShort(classes[i]))
			}
			weights[i] = float64(samples) / float64(len(classes)*n)
		}
		return weights, nil
	}
	named, err := namedWeights(string(v))
	if err != nil {
		return nil, err
	}
	any := false // sample counts
	for i, name := range classes {
		weights[i] = 1
		if w, ok := named[name]; ok {
			weights[i] = w
			delete(named, name)
		}
		any = any || weights[i] > 0 && counts[i] > 0
	}
	if unknown := slices.Sorted(maps.Keys(named)); len(unknown) > 0 {
		name := unknown[0]
		return nil, fmt.Errorf("there is no class %s%s; the classes are %s", quotedShort(name), spelling.Suggest(name, classes), listed(classes))
	}
	if !any {
		return nil, fmt.Errorf("every sample to train on has the weight 0")
	}
	return weights, nil
}

// loss returns the loss for the targets of the samples, in which the classes have these
// weights.
func (v classWeights) loss(set *dataset) (nn.Loss[float32], error) {
	switch {
	case v != "" && set.values():
		return nil, usagef("--class-weights is for classes, and --target predicts numbers; leave it out")
	case set.values():
		return nn.NewMeanSquaredError[float32](), nil
	}
	loss := nn.NewSoftmaxWithLoss[float32]()
	if v != "" {
		var err error
		if loss.ClassWeights, err = v.of(set.preparation.Classes, set.counts); err != nil {
			return nil, usagef("--class-weights %s: %w", quoted(string(v)), err)
		}
	}
	return loss, nil
}

// describeWeights says which weights the classes have.
func describeWeights(classes []string, weights []float64) string {
	parts := make([]string, len(classes))
	for i, name := range classes {
		parts[i] = fmt.Sprintf("%s %.4g", shortened(name), weights[i])
	}
	return listed(parts)
}

// listed is a list of names, cut where it is long.
func listed(names []string) string {
	const most = 10
	text := strings.Join(names[:min(most, len(names))], ", ")
	if len(names) > most {
		text += fmt.Sprintf(" and %d more", len(names)-most)
	}
	return text
}

// skewed reports whether a class has many times the samples of another.
func skewed(counts []int) bool {
	const times = 5
	return len(counts) > 1 && slices.Max(counts) >= times*slices.Min(counts)
}
