package main

import (
	"bytes"
	"testing"

	"github.com/chainrule-go/chainrule/gradcheck"
)

// TestCheck proves all 39,760 gradients of the network, twice.
func TestCheck(t *testing.T) {
	mnist(t)
	stdout := must(t, "check", "--json")
	events := lines[checkEvent](t, stdout)
	done := events[len(events)-1]
	if done.Event != "done" || !done.OK || done.Parameters != 39760 || !(done.MaxError > 0 && done.MaxError <= 1e-6) ||
		done.Coverage != 1 || !(done.MNISTCoverage > 0.1 && done.MNISTCoverage < 0.5) ||
		done.FaultsTried < 100 || done.FaultsCaught != done.FaultsTried || done.Speedup <= 0 {
		t.Errorf("%+v", done)
	}
	for _, a := range lines[arrayEvent](t, stdout)[:8] {
		if a.Event != "array" || a.Elements == 0 || len(a.Worst) == 0 {
			t.Errorf("%+v", a)
		}
	}
}

// TestCheckTable: the columns of the table are straight.
func TestCheckTable(t *testing.T) {
	var out bytes.Buffer
	a := &app{stdout: &out}
	a.printArray("network, MNIST", gradcheck.Array{Name: "W1", Elements: 39200, MaxError: 3.4e-8, NonZero: 9800,
		Worst: gradcheck.Element{Index: []int{459, 23}}})
	want := "network, MNIST                 W1              39200    3.4e-08  [459 23]       0     25.0%\n"
	if out.String() != want {
		t.Errorf("got  %q\nwant %q", &out, want)
	}
}
