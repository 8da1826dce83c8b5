// Package picture turns a picture into the input of a network: [Decode] reads a PNG,
// JPEG or GIF, [Digit] prepares a picture of a digit as the digits of MNIST were
// prepared, [Resize] scales any picture, [Raw] takes the pixels as they are.
//
// A network recognises only what it was trained on. MNIST's digits are white
// on black, 20 pixels in their longer side and centred by mass, and a digit
// that is black, larger or out of place looks like nothing the network has
// seen; Digit undoes these differences before the network is asked.
//
// The arithmetic is in integers, so the bytes are the same on every machine.
package picture
