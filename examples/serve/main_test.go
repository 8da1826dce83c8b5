package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chainrule-go/chainrule/model"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
	"github.com/chainrule-go/chainrule/train"
)

// classifier is a network of random weights that takes 20 numbers.
func classifier() *nn.Sequential[float32] {
	rng := train.Random(1, "weights")
	return nn.NewSequential(
		nn.NewAffine[float32](20, 30, rng),
		nn.NewReLU[float32](),
		nn.NewAffine[float32](30, 5, rng),
	)
}

func start(t *testing.T, net *nn.Sequential[float32]) *httptest.Server {
	t.Helper()
	p, err := newPredictor(&model.Model[float32]{Net: net, Input: []int{20}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(p.handler())
	t.Cleanup(server.Close)
	return server
}

func TestRequestsAtOnceGetTheBitsOfOne(t *testing.T) {
	net := classifier()
	server := start(t, net)
	var all sync.WaitGroup
	for client := range 32 {
		all.Go(func() {
			rng := train.Random(uint64(client), "samples")
			for range 20 {
				sample := make([]float32, 20)
				for i := range sample {
					sample[i] = float32(rng.NormFloat64())
				}
				body, err := json.Marshal(request{sample})
				if err != nil {
					t.Error(err)
					return
				}
				reply, err := http.Post(server.URL+"/predict", "application/json", bytes.NewReader(body))
				if err != nil {
					t.Error(err)
					return
				}
				var got response
				err = json.NewDecoder(reply.Body).Decode(&got)
				reply.Body.Close()
				if err != nil {
					t.Error(err)
					return
				}

				logits := net.Forward(nil, tensor.Of(sample, 1, 20))
				want := nn.NewSoftmax[float32]().Forward(nil, logits).Data
				if class := nn.Classes(logits)[0]; got.Class != class {
					t.Errorf("client %d got the class %d, want %d", client, got.Class, class)
				}
				if !sameBits(got.Probabilities, want) {
					t.Errorf("client %d got the probabilities %v, want %v", client, got.Probabilities, want)
				}
			}
		})
	}
	all.Wait()
}

func TestAPredictionOutlivesItsPass(t *testing.T) {
	p, err := newPredictor(&model.Model[float32]{Net: classifier(), Input: []int{20}})
	if err != nil {
		t.Fatal(err)
	}
	first, err := p.predict(make([]float32, 20))
	if err != nil {
		t.Fatal(err)
	}
	before := slices.Clone(first.Probabilities)
	other := make([]float32, 20)
	other[0] = 5
	for range 10 {
		if _, err := p.predict(other); err != nil {
			t.Fatal(err)
		}
	}
	if !sameBits(first.Probabilities, before) {
		t.Errorf("the first prediction became %v, and was %v", first.Probabilities, before)
	}
}

// sameBits compares numbers that JSON carries exactly.
func sameBits(a, b []float32) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if math.Float32bits(a[i]) != math.Float32bits(b[i]) {
			return false
		}
	}
	return true
}

func TestRefusesBadRequests(t *testing.T) {
	server := start(t, classifier())
	for _, c := range []struct {
		name, body, want string
	}{
		{"no JSON", "input", "invalid character"},
		{"too few numbers", `{"input": [1, 2, 3]}`, "want 20 numbers in input, got 3"},
		{"no float32", `{"input": [1e39]}`, "cannot unmarshal number 1e39"},
		{"a body of megabytes", `{"input": [` + strings.Repeat("0,", 1<<20) + `0]}`, "request body too large"},
	} {
		t.Run(c.name, func(t *testing.T) {
			reply, err := http.Post(server.URL+"/predict", "application/json", strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			defer reply.Body.Close()
			text, err := io.ReadAll(reply.Body)
			if err != nil {
				t.Fatal(err)
			}
			if reply.StatusCode != http.StatusBadRequest {
				t.Errorf("status %d, want 400", reply.StatusCode)
			}
			if !strings.Contains(string(text), c.want) {
				t.Errorf("the answer is %q, want %q in it", text, c.want)
			}
		})
	}
}

func TestSaysWhenThePredictionIsNaN(t *testing.T) {
	net := classifier()
	net.Params()[0].Value.Data[0] = float32(math.NaN())
	server := start(t, net)
	body := `{"input": [` + strings.Repeat("1, ", 19) + `1]}`
	reply, err := http.Post(server.URL+"/predict", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	reply.Body.Close()
	if reply.StatusCode != http.StatusInternalServerError {
		t.Errorf("status %d, want 500", reply.StatusCode)
	}
}

func TestAnswersWhatIsUnderWayWhenItEnds(t *testing.T) {
	listener, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		cancel() // Ctrl-C in the middle of a request
		for {    // until the server takes no new connection
			c, err := net.Dial("tcp", listener.Addr().String())
			if err != nil {
				break
			}
			c.Close()
		}
		io.WriteString(w, "the answer")
	})
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx, listener, handler) }()

	reply, err := http.Get("http://" + listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != "the answer" {
		t.Errorf("the request was answered %q", text)
	}
	if err := <-ended; err != nil {
		t.Errorf("serve returned %v", err)
	}
}

func TestRefusesAModelOfAnotherInput(t *testing.T) {
	_, err := newPredictor(&model.Model[float32]{Net: classifier(), Input: []int{21}})
	if err == nil {
		t.Error("a network of 20 inputs was taken for samples of 21")
	}
}
