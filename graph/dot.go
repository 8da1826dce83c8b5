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

// dotBackward adds dy · bᵀ to the gradient of a, and aᵀ · dy to the gradient of b.
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

// dotForwardElement computes the part of y that depends on element at of its input x: a row
// if x is a, a column if x is b.
func dotForwardElement[T Number](y, x *Node[T], at int) {
	a, b, m, k, n := factors(y)
	rows, columns := [2]int{0, m}, [2]int{0, n}
	if x == a {
		rows = [2]int{at / k, at/k + 1}
	} else {
		columns = [2]int{at % n, at%n + 1}
	}
	for i := rows[0]; i < rows[1]; i++ {
		for j := columns[0]; j < columns[1]; j++ {
			var sum T // in the order of dotForward
			for p := range k {
				sum += T(a.Value[i*k+p] * b.Value[p*n+j])
			}
			y.Value[i*n+j] = sum
		}
	}
}
