//go:build unix && amd64 && !purego

package kernel

import (
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"testing"
)

// TestPoolsStayInTheirPlanes: the kernels read beyond a window, but not beyond the planes. A
// page without access is behind these.
func TestPoolsStayInTheirPlanes(t *testing.T) {
	t.Run("float32", testPoolsStayInTheirPlanes[float32])
	t.Run("float64", testPoolsStayInTheirPlanes[float64])
}

func testPoolsStayInTheirPlanes[T Float](t *testing.T) {
	defer use(goPath)()
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	rng := rand.New(rand.NewPCG(44, 0))
	const planes, most = 2, 2 << 12
	inX, inY := newFence[T](t, most), newFence[T](t, most)
	for _, g := range pools() {
		x, y, choices := random[T](rng, planes*g.inputs()), make([]T, planes*g.outputs()), make([]int32, planes*g.outputs())
		use(goPath)
		AveragePool(1, g, y, x)
		for _, path := range assembly {
			use(path)
			what := fmt.Sprintf("%s: %+v", path, g)
			atEnd, result := inX(len(x)), inY(len(y))
			copy(atEnd, x)
			withoutFault(t, what, func() float64 {
				MaxPool(1, g, result, atEnd, choices)
				AveragePool(1, g, result, atEnd)
				return 0
			})
			sameBits(t, what, result, y)
		}
	}
}
