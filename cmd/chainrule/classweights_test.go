package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chainrule-go/chainrule/data"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
	"github.com/chainrule-go/chainrule/train"
)

// TestBalancedWeights: the weights and the loss are those of PyTorch 2.15, from
//
//	t = torch.tensor([0,0,0,0,0,0,1,1,2])
//	w = len(t) / (3 * torch.bincount(t)).double()
//	x = torch.arange(27).double().reshape(9, 3) * 7 % 5 / 2
//	print(w.tolist(), torch.nn.functional.cross_entropy(x, t, weight=w).item())
//
// of which the first formula is that of scikit-learn's compute_class_weight("balanced").
func TestBalancedWeights(t *testing.T) {
	set := data.Set[float32]{X: tensor.New[float32](9, 3), T: []int{0, 0, 0, 0, 0, 0, 1, 1, 2}}
	for i := range set.X.Data {
		set.X.Data[i] = float32(i*7%5) / 2
	}
	d := &dataset{train: set, preparation: &data.Preparation{Classes: []string{"a", "b", "c"}, Image: &data.Image{}}}
	d.counts = d.classCounts(set)
	loss, err := classWeights("balanced").loss(d)
	if err != nil {
		t.Fatal(err)
	}
	if got := loss.(*nn.SoftmaxWithLoss[float32]).ClassWeights; !slices.Equal(got, []float64{0.5, 1.5, 3}) {
		t.Errorf("the weights are %v", got)
	}
	mean, _, err := train.Evaluate(t.Context(), nn.NewSequential[float32](), loss, set, 1)
	if want := 1.020178169135897; err != nil || math.Abs(mean-want) > 1e-6 {
		t.Errorf("the loss is %v, %v; want %v", mean, err, want)
	}
}

// skewedTable is a file of two classes, of which one is rare.
func skewedTable(t *testing.T) string {
	t.Helper()
	var table strings.Builder
	table.WriteString("x,y,kind\n")
	for i := range 200 {
		kind, x := "often", float64(i*37%100)/50
		if i%10 == 0 {
			kind, x = "rare", x+1
		}
		fmt.Fprintf(&table, "%.2f,%d,%s\n", x, i%3, kind)
	}
	return write(t, "skewed.csv", []byte(table.String()))
}

// TestClassWeightsOfARun: the weights change the network, stand in its record, and are those
// of a run that goes on and of a training that is repeated.
func TestClassWeightsOfARun(t *testing.T) {
	table, dir := skewedTable(t), filepath.Join(t.TempDir(), "run")
	args := []string{"--data", table, "--label", "kind", "--epochs", "3", "--batch", "20", "--hidden", "4"}
	weights := []string{"--class-weights", "balanced"}
	code, out, stderr := call(t, append(append([]string{"train", "--run", dir}, args...), weights...)...)
	if code != exitOK || !strings.Contains(stderr, "class weights: often 0.5") || !strings.Contains(out, "mean test recall") {
		t.Fatalf("exit code %d: %s%s", code, out, stderr)
	}
	recall, _, _ := strings.Cut(out[strings.LastIndex(out, "mean test recall ")+len("mean test recall "):], ",")
	model := filepath.Join(dir, train.ModelFile)
	t.Run("recall", func(t *testing.T) {
		// The test set of the report is that of the training.
		must(t, "report", dir)
		page, err := os.ReadFile(filepath.Join(dir, "report.html"))
		if err != nil || !strings.Contains(string(page), "flags.class-weights") {
			t.Errorf("the report lacks the weights: %v", err)
		}
		log, err := os.ReadFile(filepath.Join(dir, train.LogFile))
		if err != nil || !strings.Contains(string(log), `"test_recall":`+strings.TrimRight(recall, "0")) {
			t.Errorf("it prints the recall %s, and logs %s, %v", recall, log, err)
		}
	})
	t.Run("reproduce", func(t *testing.T) {
		if out := must(t, "reproduce", model); !strings.HasPrefix(out, "the same bits") {
			t.Errorf("it says %q", out)
		}
	})
	t.Run("resume", func(t *testing.T) {
		must(t, append([]string{"train", "--resume", dir}, weights...)...)
		code, _, stderr := call(t, "train", "--resume", dir, "--class-weights", "rare=9")
		if code != exitUsage || !strings.Contains(stderr, "--class-weights rare=9 would change the run in "+dir+", which was begun with --class-weights balanced") {
			t.Errorf("exit code %d: %s", code, stderr)
		}
	})
	t.Run("runs", func(t *testing.T) {
		plain := filepath.Join(t.TempDir(), "plain")
		must(t, append([]string{"train", "--run", plain}, args...)...)
		if out := must(t, "runs", dir, plain); !strings.Contains(out, "class-weights") || !strings.Contains(out, "balanced") {
			t.Errorf("it says\n%s", out)
		}
		if slices.Equal(readModel(t, filepath.Join(plain, train.ModelFile)), readModel(t, model)) {
			t.Error("the weights change nothing")
		}
	})
}

// readModel returns the weights of the first layer.
func readModel(t *testing.T, path string) []float32 {
	t.Helper()
	return load32(t, path).Params()[0].Value.Data
}

// TestClassWeightsRefused: by what is wrong.
func TestClassWeightsRefused(t *testing.T) {
	table := skewedTable(t)
	numbers := write(t, "numbers.csv", []byte("a,b\n1,2\n2,3\n3,4\n4,5\n5,6\n6,7\n"))
	parts := write(t, "parts.csv", []byte("a,kind,part\n1,x,train\n2,x,train\n3,y,test\n4,x,test\n"))
	for _, test := range []struct {
		name, weights, want string
		data                []string
	}{
		{"no weights", "", "want balanced, or weights such as yes=9,no=1", nil},
		{"no number", "rare", `got "rare"`, nil},
		{"a number below 0", "rare=-1", `numbers of 0 or more, such as yes=9,no=1; got "rare=-1"`, nil},
		{"no finite number", "rare=inf", `got "rare=inf"`, nil},
		{"no name", "=2", `got "=2"`, nil},
		{"two lines", "rare=1\noften=2", "want balanced, or weights", nil},
		{"twice", "rare=1,rare=2", `the class "rare" has two weights`, nil},
		{"another class", "rarer=3", `there is no class "rarer"; did you mean rare?; the classes are often, rare`, nil},
		{"several other classes", "g=1,c=1,f=1,b=1,e=1,d=1,h=1", `there is no class "b"`, nil},
		{"nothing counts", "rare=0,often=0", "every sample to train on has the weight 0", nil},
		{"numbers to predict", "balanced", "--class-weights is for classes, and --target predicts numbers", []string{"--data", numbers, "--target", "b"}},
		{"a class that is not trained", "balanced", `no sample to train on has the class "y"`, []string{"--data", parts, "--label", "kind", "--part-column", "part"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			from := test.data
			if from == nil {
				from = []string{"--data", table, "--label", "kind"}
			}
			code, _, stderr := call(t, append([]string{"train", "--out", filepath.Join(t.TempDir(), "m"), "--class-weights", test.weights}, from...)...)
			if code != exitUsage || !strings.Contains(stderr, test.want) {
				t.Errorf("exit code %d: %s\nwant %q", code, stderr, test.want)
			}
		})
	}
}

// TestNamedWeights: a class without a name has the weight 1, and one with a comma is quoted.
func TestNamedWeights(t *testing.T) {
	for text, want := range map[string][]float64{
		"b=3":             {1, 3, 1},
		`"c,d=e=0.5",a=2`: {2, 1, 0.5},
	} {
		t.Run(text, func(t *testing.T) {
			got, err := classWeights(text).of([]string{"a", "b", "c,d=e"}, []int{1, 1, 1})
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("%v, %v; want %v", got, err, want)
			}
		})
	}
}
