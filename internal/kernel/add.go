package kernel

// Add sets y[i] = a[i] + b[i]. y may be a or b.
func Add[T Float](y, a, b []T) {
	mustMatch("Add", len(y), len(a), len(b))
	for i, v := range a {
		y[i] = v + b[i]
	}
}
