package model_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/model"
	"github.com/chainrule-go/chainrule/nn"
)

// prepared is a model of two columns, one of them of three categories, and two classes.
func prepared() *model.Model[float32] {
	fill := "red"
	return &model.Model[float32]{
		Net:   nn.NewSequential(nn.NewAffine[float32](4, 2, rand.New(rand.NewPCG(1, 1)))),
		Input: []int{4},
		Preparation: &data.Preparation{
			Header: true,
			Columns: []data.Column{
				{Name: "length", Mean: 5.1000000000000005, Std: 0.1},
				{Name: "<colour>", Categories: []string{"blue", "green", "red"}, Fill: &fill},
			},
			Label:   "kind",
			Classes: []string{"Iris \"setosa\"", "버지니카"},
			Missing: []string{"NA", "?"},
		},
		Training: json.RawMessage(`{"seed":18446744073709551615,"note":"<b>","lr":1e-1}`),
	}
}

func TestPreparationComesBack(t *testing.T) {
	m := prepared()
	var first, second bytes.Buffer
	if err := m.Write(&first); err != nil {
		t.Fatal(err)
	}
	got, err := model.Read[float32](bytes.NewReader(first.Bytes()), "first")
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got.Preparation, m.Preparation) {
		t.Errorf("the preparation came back as %+v, want %+v", got.Preparation, m.Preparation)
	}
	if err := got.Write(&second); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("saved again, the file has other bytes")
	}
	var training struct {
		Seed uint64
		Note string
	}
	if err := json.Unmarshal(got.Training, &training); err != nil || training.Seed != 1<<64-1 || training.Note != "<b>" {
		t.Errorf("the training came back as %s (%v)", got.Training, err)
	}
	double, err := model.Convert[float64](got)
	if err != nil {
		t.Fatal(err)
	}
	if double.Preparation != got.Preparation || !bytes.Equal(double.Training, got.Training) {
		t.Error("Convert loses the preparation or the training")
	}
}

func TestPreparationIsUnderTheDigest(t *testing.T) {
	var file bytes.Buffer
	if err := prepared().Write(&file); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"setosa", "length", "note"} {
		damaged := bytes.Replace(file.Bytes(), []byte(text), []byte(strings.ToUpper(text)), 1)
		_, err := model.Read[float32](bytes.NewReader(damaged), "damaged")
		if err == nil || !strings.Contains(err.Error(), "SHA-256") {
			t.Errorf("%s changed to upper case: got %v, want an error of the SHA-256", text, err)
		}
	}
}

func TestPreparationRefused(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*model.Model[float32])
		says   string
	}{
		{"inputs", func(m *model.Model[float32]) { m.Preparation.Columns = m.Preparation.Columns[:1] }, "want samples of (4), as the network takes, got (1)"},
		{"classes", func(m *model.Model[float32]) { m.Preparation.Classes = []string{"a", "b", "c"} }, "want a class or target for each output, (2), got 3"},
		{"nothing", func(m *model.Model[float32]) { m.Preparation.Columns = nil }, "want columns, an image or an array"},
		{"training", func(m *model.Model[float32]) { m.Training = json.RawMessage(`[]`) }, "training: want a JSON object"},
		{"key twice", func(m *model.Model[float32]) { m.Training = json.RawMessage(`{"a":1,"a":2}`) }, `training: the key "a" occurs twice`},
		{"long training", func(m *model.Model[float32]) {
			m.Training = json.RawMessage(`{"a":"` + strings.Repeat("a", 1<<16) + `"}`)
		}, "training: want at most 65536 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := prepared()
			c.change(m)
			var file bytes.Buffer
			if err := m.Write(&file); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want an error that says %q", err, c.says)
			}
			if file.Len() > 0 {
				t.Errorf("%d bytes are written in spite of the error", file.Len())
			}
		})
	}
}

// FuzzPreparation: a preparation that a file has is used as it is, or the file is refused.
func FuzzPreparation(f *testing.F) {
	for _, p := range []*data.Preparation{
		prepared().Preparation,
		{Image: &data.Image{Height: 2, Width: 2, Channels: 1}, Classes: []string{"a", "b"}},
		{Array: &data.Array{Shape: []int{4}, Mean: []float64{1}, Std: []float64{2}}, Targets: []data.Column{{Name: "x", Mean: 1, Std: 2}, {Name: "y", Std: 1}}},
	} {
		text, err := json.Marshal(p)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(`{"columns":[{"name":"a","std":1e308,"mean":-1e308},{"name":"a"}],"classes":[""]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		p := &data.Preparation{}
		if json.Unmarshal(text, p) != nil || p.Check() != nil {
			return
		}
		if size := p.Shape(); len(size) == 1 && size[0] != 4 {
			return
		}
		m := prepared()
		m.Preparation = p
		var file bytes.Buffer
		if m.Write(&file) != nil { // it does not fit the network
			return
		}
		back, err := model.Read[float32](bytes.NewReader(file.Bytes()), "fuzz")
		if err != nil {
			t.Fatalf("%s is written, and then refused: %v", text, err)
		}
		var again bytes.Buffer
		if err := back.Write(&again); err != nil || !bytes.Equal(again.Bytes(), file.Bytes()) {
			t.Errorf("%s has other bytes when it is written again, %v", text, err)
		}
		if p.Columns != nil {
			data.ReadTable[float32](strings.NewReader("length,<colour>,kind\n1,red,x\n?,blue,\n"), "t", p)
		}
	})
}
