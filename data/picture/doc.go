// Package picture turns a picture into the input of a network: [Decode] reads a PNG,
// JPEG or GIF, [Digit] prepares a picture of a digit as the digits of MNIST were
// prepared, [Resize] scales any picture, [Raw] takes the pixels as they are.
//
// A network recognizes only what it was trained on. MNIST's digits are white on black, 20 pixels
// long in their longer side, and centered by mass. A digit that is black, larger or out of place
// looks like nothing the network has seen. Digit removes these differences.
//
// All arithmetic is in integers, so the bytes are the same on every machine.
package picture
