package kernel

// LeakyReLU sets y[i] = x[i] where x[i] > 0 or is NaN, else slope·x[i].
func LeakyReLU[T Float](threads int, y, x []T, slope T) {
	gradient(threads, "LeakyReLU", toLeakyReLU, y, x, x, slope)
}

// LeakyReLUBackward sets dx[i] = dy[i] where x[i] > 0 or is NaN, else slope·dy[i].
func LeakyReLUBackward[T Float](threads int, dx, dy, x []T, slope T) {
	gradient(threads, "LeakyReLUBackward", toLeakyReLU, dx, dy, x, slope)
}

func leakyReLU[T Float](dst, v, x []T, slope T) {
	if leakyAsm(dst, v, x, slope) {
		return
	}
	for i, v := range v {
		if x[i] <= 0 {
			v *= slope
		}
		dst[i] = v
	}
}

// prelu multiplies each v by the slope of its column where x is not above 0.
func prelu[T Float](dst, v, x, slope []T) {
	if preluAsm(dst, v, x, slope) {
		return
	}
	for i, v := range v {
		if x[i] <= 0 {
			v *= slope[i]
		}
		dst[i] = v
	}
}

// addSlopes adds to each grad the dy·x of its column where x is not above 0, a fused
// multiply-add.
func addSlopes[T Float](grad, dy, x []T) {
	if addSlopesAsm(grad, dy, x) {
		return
	}
	for i, v := range x {
		if !(v > 0) {
			grad[i] = fma(dy[i], v, grad[i])
		}
	}
}

// PReLUSlope returns Σ dy[i]·x[i] over the elements where x is not above 0, in the order
// of [Sum], each term a fused multiply-add.
func PReLUSlope[T Float](dy, x []T) T {
	mustMatch("PReLUSlope", len(dy), len(x))
	if s, ok := slopeAsm(dy, x); ok {
		return s
	}
	var s [lanes]T
	for i, v := range x {
		if !(v > 0) {
			s[i%lanes] = fma(dy[i], v, s[i%lanes])
		}
	}
	return join(&s)
}
