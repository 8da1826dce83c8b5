// Command serve answers requests over HTTP with the predictions of a model file. Any
// number of requests run at once through one network.
//
//	go run ./examples/serve --model model.safetensors
//	curl -d '{"input": [0, 0.5, ...]}' localhost:8080/predict
//	{"class":7,"probabilities":[0.0001,...]}
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/chainrule-go/chainrule/model"
	"github.com/chainrule-go/chainrule/nn"
	"github.com/chainrule-go/chainrule/tensor"
)

func main() {
	path := flag.String("model", "model.safetensors", "the model file")
	address := flag.String("address", "localhost:8080", "where to listen")
	flag.Parse()

	m, err := model.Load[float32](*path)
	if err != nil {
		log.Fatal(err)
	}
	predict, err := newPredictor(m)
	if err != nil {
		log.Fatalf("%s: %v", *path, err)
	}
	listener, err := net.Listen("tcp", *address)
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	log.Printf("%s takes %v numbers a sample; listening on %s", *path, m.Input, listener.Addr())
	if err := serve(ctx, listener, predict.handler()); err != nil {
		log.Fatal(err)
	}
}

// serve answers requests until ctx is done. Then it takes no new ones, and returns once
// those under way are answered, or after ten seconds.
func serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{Handler: handler, ReadTimeout: 10 * time.Second}
	ended := make(chan error, 1)
	context.AfterFunc(ctx, func() {
		limit, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		ended <- server.Shutdown(limit)
	})
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-ended
}

// A predictor is a network and the memory to run it in.
type predictor struct {
	model  *nn.Sequential[float32]
	input  []int // the shape of a batch of one sample
	passes sync.Pool
}

// newPredictor returns the predictor of a classifier whose outputs are logits.
func newPredictor(m *model.Model[float32]) (*predictor, error) {
	p := &predictor{
		model: nn.NewSequential[float32](m.Net, nn.NewSoftmax[float32]()),
		input: append([]int{1}, m.Input...),
	}
	// A pass is for one goroutine, and keeps its memory for the next request. A pass that
	// does not Keep writes nothing into the network, so all requests may share that.
	p.passes.New = func() any { return new(nn.Pass[float32]) }
	_, err := nn.Check(p.model, p.input...)
	return p, err
}

type request struct {
	Input []float32 `json:"input"`
}

type response struct {
	Class         int       `json:"class"`
	Probabilities []float32 `json:"probabilities"`
}

// predict returns the prediction for one sample.
func (p *predictor) predict(sample []float32) (response, error) {
	if want, _ := tensor.Size(p.input...); len(sample) != want {
		return response{}, fmt.Errorf("want %d numbers in input, got %d", want, len(sample))
	}
	pass := p.passes.Get().(*nn.Pass[float32])
	defer p.passes.Put(pass)
	pass.Reset()
	y := p.model.Forward(pass, tensor.Of(sample, p.input...))
	// y is scratch memory of the pass. Another request may overwrite it after Put.
	return response{nn.Classes(y)[0], append([]float32(nil), y.Data...)}, nil
}

func (p *predictor) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /predict", func(w http.ResponseWriter, r *http.Request) {
		var in request
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&in); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		out, err := p.predict(in.Input)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		body, err := json.Marshal(out)
		if err != nil { // a model that has diverged predicts NaN
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Write(body)
	})
	return mux
}
