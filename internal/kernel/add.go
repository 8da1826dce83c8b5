package kernel

// Add sets y[i] = a[i] + b[i]. y may be a or b.
func Add[T Float](threads int, y, a, b []T) { gradient(threads, "Add", toSum, y, a, b, 0) }

func add[T Float](y, a, b []T) {
	if addAsm(y, a, b) {
		return
	}
	for i, v := range a {
		y[i] = v + b[i]
	}
}

// times sets y[i] = a[i]·b[i].
func times[T Float](y, a, b []T) {
	if timesAsm(y, a, b) {
		return
	}
	for i, v := range a {
		y[i] = v * b[i]
	}
}
