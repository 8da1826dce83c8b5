//go:build !amd64 || purego

package kernel

// No vector kernels: everything runs in the Go loops.

func asmGate[T Float]([]T, []T, []T) bool              { return false }
func asmExp[T Float]([]T, []T, T) bool                 { return false }
func asmSigmoid[T Float]([]T, []T) bool                { return false }
func asmSigmoidBackward[T Float]([]T, []T, []T) bool   { return false }
func asmSoftmax[T Float]([]T, []T, []T, []T, int) bool { return false }
func asmQuotient[T Float]([]T, []T, T) bool            { return false }
func asmAxpy[T Float]([]T, []T, T) bool                { return false }
func asmSGD[T Float]([]T, []T, T) bool                 { return false }
func asmMomentum[T Float]([]T, []T, []T, T, T) bool    { return false }
func asmAddColumnSums[T Float]([]T, []T) bool          { return false }
func asmSum[T Float]([]T) (T, bool)                    { return 0, false }
func asmDot[T Float]([]T, []T) (T, bool)               { return 0, false }
func asmMax[T Float]([]T) (T, bool)                    { return 0, false }
func asmLogs(_, _ []float64) bool                      { return false }
