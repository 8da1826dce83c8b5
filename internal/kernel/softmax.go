package kernel

// SoftmaxRows sets each row of y to the softmax of the same row of x: y = e^(x-m) / s,
// where m is the largest x of the row and s = Σ e^(x-m). A row has cols elements.
// Subnormal results are 0.
func SoftmaxRows[T Float](y, x []T, cols int) {
	mustMatch("SoftmaxRows", len(y), len(x))
	var rows softmaxBlock[T]
	for len(x) > 0 {
		mustDivide("SoftmaxRows", len(x), cols)
		n := cols * min(len(x)/cols, rowsPerBlock)
		rows.softmax(y[:n], x[:n], cols)
		y, x = y[n:], x[n:]
	}
}

// SoftmaxLoss is [SoftmaxRows] with one label for each row. It returns the sum over the
// rows of -log y[label], computed as log s + (m - x[label]).
func SoftmaxLoss[T Float](y, x []T, labels []int) (loss float64) {
	mustMatch("SoftmaxLoss", len(y), len(x))
	var rows softmaxBlock[T]
	for cols := columns("SoftmaxLoss", len(x), len(labels)); len(labels) > 0; {
		n := min(len(labels), rowsPerBlock)
		logs := rows.softmax(y[:n*cols], x[:n*cols], cols).logs()
		for i, t := range labels[:n] {
			loss += logs[i] + (float64(rows.max[i]) - float64(x[i*cols:][:cols][t]))
		}
		y, x, labels = y[n*cols:], x[n*cols:], labels[n:]
	}
	return loss
}

// SoftmaxSoftLoss is [SoftmaxLoss] for targets t: Σ -t·log y over all elements.
// An element with t = 0 adds nothing, however small its y.
func SoftmaxSoftLoss[T Float](y, x, t []T, cols int) (loss float64) {
	mustMatch("SoftmaxSoftLoss", len(y), len(x), len(t))
	var rows softmaxBlock[T]
	for len(x) > 0 {
		mustDivide("SoftmaxSoftLoss", len(x), cols)
		n := cols * min(len(x)/cols, rowsPerBlock)
		logs := rows.softmax(y[:n], x[:n], cols).logs()
		for i, w := range t[:n] {
			if r := i / cols; w != 0 {
				loss += float64(float64(w) * (logs[r] + (float64(rows.max[r]) - float64(x[i]))))
			}
		}
		y, x, t = y[n:], x[n:], t[n:]
	}
	return loss
}

const rowsPerBlock = 64

// A softmaxBlock holds what the losses of some rows are computed from.
type softmaxBlock[T Float] struct {
	rows     int
	max, sum [rowsPerBlock]T // m and s; in a row with a NaN, s is NaN and m is any number
	log      [rowsPerBlock]float64
}

func (b *softmaxBlock[T]) softmax(y, x []T, cols int) *softmaxBlock[T] {
	b.rows = len(x) / cols
	if cols <= lanes && softmaxAsm(y, x, b.max[:], b.sum[:], b.rows, cols) {
		return b
	}
	for i := range b.rows {
		y, x := y[i*cols:][:cols], x[i*cols:][:cols]
		m := Max(x)
		expShifted(y, x, m)
		b.max[i], b.sum[i] = m, Sum(y)
		quotients(y, y, b.sum[i])
	}
	return b
}

// logs returns log s of each row.
func (b *softmaxBlock[T]) logs() []float64 {
	logs := b.log[:b.rows]
	for i, s := range b.sum[:b.rows] {
		logs[i] = float64(s)
	}
	Logs(logs, logs)
	return logs
}

// SoftmaxRowsBackward sets dx = y·(dy - Σ dy·y), where the sum is over a row of cols
// elements. Subnormal results are 0.
func SoftmaxRowsBackward[T Float](dx, dy, y []T, cols int) {
	mustMatch("SoftmaxRowsBackward", len(dx), len(dy), len(y))
	for len(y) > 0 {
		mustDivide("SoftmaxRowsBackward", len(y), cols)
		softmaxBackward(dx[:cols], dy[:cols], y[:cols])
		dx, dy, y = dx[cols:], dy[cols:], y[cols:]
	}
}

func softmaxBackward[T Float](dx, dy, y []T) {
	s := Dot(dy, y)
	if softmaxBackwardAsm(dx, dy, y, s) {
		return
	}
	for i, v := range y {
		dx[i] = flush(v * (dy[i] - s))
	}
}

// OneHotLossBackward sets dx = (y - t)/n, where n is the number of labels, one for each
// row, and t is 1 at the labels and 0 elsewhere. Subnormal results are 0. dx and y must
// not overlap.
func OneHotLossBackward[T Float](dx, y []T, labels []int) {
	mustMatch("OneHotLossBackward", len(dx), len(y))
	n, cols := T(len(labels)), columns("OneHotLossBackward", len(y), len(labels))
	quotients(dx, y, n)
	for i, t := range labels {
		dx[i*cols:][:cols][t] = flush((y[i*cols+t] - 1) / n)
	}
}

// SoftmaxLossBackward sets dx = (y - t)/n. Subnormal results are 0. dx and t must not
// overlap.
func SoftmaxLossBackward[T Float](dx, y, t []T, n int) {
	mustMatch("SoftmaxLossBackward", len(dx), len(y), len(t))
	copy(dx, y)
	Axpy(dx, t, -1) // the product is exact
	quotients(dx, dx, T(n))
}

// WeightedLossBackward sets dx = (sum·y - u)/total, where there is a sum for each row, and
// the product and the difference are one fused multiply-add. If total is 0, dx is 0.
// Subnormal results are 0. dx and y must not overlap.
func WeightedLossBackward[T Float](dx, y, u, sums []T, total T) {
	mustMatch("WeightedLossBackward", len(dx), len(y), len(u))
	cols := columns("WeightedLossBackward", len(y), len(sums))
	if total == 0 {
		clear(dx)
		return
	}
	copy(dx, u)
	for i, sum := range sums {
		Axpy(dx[i*cols:][:cols], y[i*cols:][:cols], -sum)
	}
	quotients(dx, dx, -total)
}

// quotients sets dst[i] = a[i]/divisor. Subnormal results are 0.
func quotients[T Float](dst, a []T, divisor T) {
	if quotientAsm(dst, a, divisor) {
		return
	}
	for i, v := range a {
		dst[i] = flush(v / divisor)
	}
}

// columns is the number of columns that n elements have in so many rows.
func columns(op string, n, rows int) int {
	if n == 0 && rows == 0 {
		return 0
	}
	mustDivide(op, n, rows)
	return n / rows
}
