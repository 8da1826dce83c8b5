package metrics_test

import (
	"fmt"

	"github.com/chainrule-go/chainrule/metrics"
	"github.com/chainrule-go/chainrule/tensor"
)

// Three samples of two classes, one of which is taken for the other class.
func ExampleClassification() {
	m := metrics.NewClassification[float32](2)
	probabilities := tensor.Of([]float32{
		0.9, 0.1,
		0.6, 0.4,
		0.2, 0.8,
	}, 3, 2)
	if err := m.Add(probabilities, []int{0, 1, 1}); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("confusion", m.Confusion)
	fmt.Printf("accuracy %.2f, balanced %.2f, AUC %.2f\n", m.Accuracy(), m.Mean(m.Recall), m.MeanAUC())
	for class := range m.Confusion {
		fmt.Printf("class %d: precision %.2f, recall %.2f, F1 %.2f\n", class, m.Precision(class), m.Recall(class), m.F1(class))
	}
	worst := m.Mistakes[0]
	fmt.Printf("sample %d is %d (%.1f) and was taken for %d (%.1f)\n", worst.Sample, worst.Label, worst.OfLabel, worst.Predicted, worst.OfPredicted)
	// Output:
	// confusion [[1 0] [1 1]]
	// accuracy 0.67, balanced 0.75, AUC 1.00
	// class 0: precision 0.50, recall 1.00, F1 0.67
	// class 1: precision 1.00, recall 0.50, F1 0.67
	// sample 1 is 1 (0.4) and was taken for 0 (0.6)
}

func ExampleRegression() {
	m := metrics.NewRegression[float64](1)
	m.Add(tensor.Of([]float64{2, 4, 7}, 3, 1), tensor.Of([]float64{1, 4, 7}, 3, 1))
	fmt.Printf("R² %.3f, mean absolute error %.3f\n", m.R2(0), m.MAE(0))
	// Output: R² 0.944, mean absolute error 0.333
}
