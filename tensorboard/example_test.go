package tensorboard_test

import (
	"fmt"
	"os"

	"github.com/chainrule-go/chainrule/tensorboard"
)

// A curve of three points. TensorBoard shows it: tensorboard --logdir of the folder.
func Example() {
	dir, err := os.MkdirTemp("", "run")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	events, err := tensorboard.Create(dir, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	for step, loss := range []float64{2.3, 1.1, 0.6} {
		if err := events.Write(step+1, tensorboard.Scalar("loss", loss)); err != nil {
			fmt.Println(err)
		}
	}
	fmt.Println(events.Close())
	// Output: <nil>
}
