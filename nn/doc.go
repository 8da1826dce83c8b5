// Package nn holds the layers of a neural network, each with its forward and
// backward pass written out, as chapter 5 of K. Saitoh, "Deep Learning from
// Scratch" (O'Reilly Japan, 2016) derives them.
//
// A [Layer] is one differentiable step. Forward computes y from x and saves what
// Backward needs. Backward takes dy, the gradient of the loss with respect to y,
// and returns dx; on the way it adds the gradients of the layer's parameters to
// their Grad. That is one link of the chain rule. [Sequential] joins the links, a
// [Loss] ends the chain, and [Backpropagate] runs it.
//
// Every layer is generic over float32 and float64, so the same code that trains in
// float32 is checked in float64 (package gradcheck).
//
// # Fields and kinds
//
// A layer lists its parts in one method, Fields ([Fielder]). With it the layer is built,
// saved, loaded, copied ([Clone]), converted to the other precision ([Convert]), printed and
// searched ([Walk]). [Kinds] lists the known kinds of layers; [Register] adds one of your own.
//
// # Memory and modes
//
// A [Pass] carries what one step needs: whether to train, whether to save what
// Backward needs, the number of threads, and scratch memory for results. Call Reset
// once a step: it takes all scratch memory back, and a step allocates nothing once warm.
// What Forward and Backward return is valid until Reset. A batch may not change before
// Backward.
//
// With a nil Pass, or one whose Keep is false, Forward writes nothing into any layer:
// any number of goroutines may predict through one network at once, each with its own
// Pass.
//
// # Mistakes
//
// An array of the wrong shape is a mistake in the program: the panic is a
// *[tensor.ShapeError] that names the layer, what it wants and what it got. [Check]
// turns it into an error, for architectures that come from outside.
package nn
