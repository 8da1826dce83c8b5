// Package nn holds the layers of a neural network, each with its forward and
// backward pass written out, as chapter 5 of K. Saitoh, "Deep Learning from
// Scratch" (O'Reilly Japan, 2016) derives them.
//
// A [Layer] is one differentiable step. Forward computes y from x and keeps
// what Backward needs; Backward takes dy, the gradient of the loss with respect
// to y, and returns dx, adding the gradients of its parameters to their Grad on
// the way. That is the chain rule, one link at a time; [Sequential] joins the
// links.
//
// Every layer is generic over float32 and float64, so the very code that trains
// in float32 is checked in float64 (package gradcheck).
//
// # Memory and modes
//
// A [Pass] carries what one step needs: whether to train, whether to keep what
// Backward needs, the number of threads, and the memory for results. Call Reset
// once a step; it takes back all memory lent since the last Reset. So what
// Forward and Backward return lives until then, a batch may not be refilled
// before Backward, and a step allocates nothing once warm.
//
// With a nil Pass, or one whose Keep is false, Forward writes no layer state:
// any number of goroutines may predict through one network at once, each with
// its own Pass.
//
// # Mistakes
//
// An array of the wrong shape is a mistake in the program: the panic is a
// *[tensor.ShapeError] that names the layer, what it wants and what came.
// [Check] turns it into an error, for architectures that come from outside.
package nn
