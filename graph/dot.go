package graph

func dotForward[T Number](y *Node[T]) {
	a, b, m, k, n := factors(y)
	clear(y.Value)
	for i := range m {
		row := y.Value[i*n : (i+1)*n]
		for p := range k {
			axpy(row, a.Value[i*k+p], b.Value[p*n:(p+1)*n])
		}
	}
}

// dotBackward adds dy · bᵀ to the gradient of a and aᵀ · dy to that of b.
func dotBackward[T Number](y *Node[T]) {
	a, b, m, k, n := factors(y)
	for i := range m {
		dy := y.Grad[i*n : (i+1)*n]
		for p := range k {
			var da T
			for j, v := range b.Value[p*n : (p+1)*n] {
				da += T(dy[j] * v)
			}
			a.Grad[i*k+p] += da
			axpy(b.Grad[p*n:(p+1)*n], a.Value[i*k+p], dy)
		}
	}
}

// factors returns a (M, K) and b (K, N) of y = a · b, and M, K, N.
func factors[T Number](y *Node[T]) (a, b *Node[T], m, k, n int) {
	a, b, m, n = y.In[0], y.In[1], 1, 1
	if len(a.Shape) == 2 {
		m = a.Shape[0]
	}
	if len(b.Shape) == 2 {
		n = b.Shape[1]
	}
	return a, b, m, b.Shape[0], n
}

// axpy is y += a*x. The conversion keeps Go from fusing the two operations, which
// it does on some processors only.
func axpy[T Number](y []T, a T, x []T) {
	for i, v := range x {
		y[i] += T(a * v)
	}
}
