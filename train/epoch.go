package train

import (
	"encoding/json"
	"math"
)

// An Epoch is the state of a run after an epoch, or at its end. Numbers that were not
// measured are NaN. In JSON it is an object with the keys below, without those whose value
// is NaN or empty.
type Epoch struct {
	Epoch              float64            // "epoch": how often the training set was used; a fraction if the run ends within an epoch
	Step               int                // "step": steps done
	Loss               float64            // "loss": mean over the batches since the last Epoch, each before its step
	TrainAccuracy      float64            // "train_accuracy": over the whole training set; NaN if the targets are values
	TestAccuracy       float64            // "test_accuracy": over the whole test set; NaN also without one
	ValidationLoss     float64            // "validation_loss": mean over the whole validation set
	ValidationAccuracy float64            // "validation_accuracy"
	Best               bool               // "best": no ValidationLoss was lower so far
	LearningRate       float64            // "learning_rate": of the last step
	Seconds            float64            // "seconds": since the run began; pauses before a resume do not count
	Layers             []LayerHealth      // "layers": those with parameters and those that can be dead, at the last step
	Metrics            map[string]float64 // "metrics": what Config.Metrics returned
}

// epochJSON is an Epoch in JSON: a number that is NaN is missing or null.
type epochJSON struct {
	Epoch              *float64            `json:"epoch"`
	Step               int                 `json:"step"`
	Loss               *float64            `json:"loss,omitempty"`
	TrainAccuracy      *float64            `json:"train_accuracy,omitempty"`
	TestAccuracy       *float64            `json:"test_accuracy,omitempty"`
	ValidationLoss     *float64            `json:"validation_loss,omitempty"`
	ValidationAccuracy *float64            `json:"validation_accuracy,omitempty"`
	Best               bool                `json:"best,omitempty"`
	LearningRate       *float64            `json:"learning_rate,omitempty"`
	Seconds            *float64            `json:"seconds,omitempty"`
	Layers             []LayerHealth       `json:"layers,omitempty"`
	Metrics            map[string]*float64 `json:"metrics,omitempty"`
}

// MarshalJSON implements [json.Marshaler].
func (e Epoch) MarshalJSON() ([]byte, error) {
	var metrics map[string]*float64
	for name, x := range e.Metrics {
		if metrics == nil {
			metrics = map[string]*float64{}
		}
		metrics[name] = orNil(x)
	}
	return json.Marshal(epochJSON{
		orNil(e.Epoch), e.Step, orNil(e.Loss), orNil(e.TrainAccuracy), orNil(e.TestAccuracy), orNil(e.ValidationLoss),
		orNil(e.ValidationAccuracy), e.Best, orNil(e.LearningRate), orNil(e.Seconds), e.Layers, metrics,
	})
}

// UnmarshalJSON implements [json.Unmarshaler].
func (e *Epoch) UnmarshalJSON(text []byte) error {
	var j epochJSON
	if err := json.Unmarshal(text, &j); err != nil {
		return err
	}
	*e = Epoch{
		orNaN(j.Epoch), j.Step, orNaN(j.Loss), orNaN(j.TrainAccuracy), orNaN(j.TestAccuracy), orNaN(j.ValidationLoss),
		orNaN(j.ValidationAccuracy), j.Best, orNaN(j.LearningRate), orNaN(j.Seconds), j.Layers, nil,
	}
	for name, x := range j.Metrics {
		if e.Metrics == nil {
			e.Metrics = map[string]float64{}
		}
		e.Metrics[name] = orNaN(x)
	}
	return nil
}

// orNil returns a pointer to x, or nil if x is not finite, which JSON cannot hold.
func orNil(x float64) *float64 {
	if !finite(x) {
		return nil
	}
	return &x
}

func orNaN(x *float64) float64 {
	if x == nil {
		return math.NaN()
	}
	return *x
}

// unmeasured returns the Epoch after the given number of steps, without measurements.
func unmeasured(step, perEpoch int) Epoch {
	nan := math.NaN()
	return Epoch{
		Epoch: float64(step) / float64(perEpoch), Step: step,
		Loss: nan, TrainAccuracy: nan, TestAccuracy: nan, ValidationLoss: nan, ValidationAccuracy: nan, LearningRate: nan, Seconds: nan,
	}
}
