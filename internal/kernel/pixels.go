package kernel

// Pixels sets y[i] = x[i]/255, rounded once: a byte of an image as a brightness
// from 0 to 1.
func Pixels[T Float](y []T, x []byte) {
	mustMatch("Pixels", len(y), len(x))
	for i := pixels(y, x); i < len(x); i++ {
		y[i] = T(x[i]) / 255
	}
}
