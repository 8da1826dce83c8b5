package kernel

// Finite reports whether no element of x is infinite or NaN.
func Finite[T Float](x []T) bool {
	if t := tilingOf[T](); t != nil && t.sparse != nil && len(x) > 0 {
		return t.sparse.finite(&x[0], len(x))
	}
	return finite(x)
}
