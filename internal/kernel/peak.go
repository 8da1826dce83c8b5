package kernel

import (
	"slices"
	"time"
)

// Peak measures how many GFLOP/s of float32 one core can do at most: multiply-adds,
// of 2 operations each, that wait for nothing and touch no memory. It takes some
// 20 ms and returns 0 where there is no assembly.
func Peak() float64 {
	const n = 20_000
	run, flops := peak(n)
	if run == nil {
		return 0
	}
	var times []float64
	for end := time.Now().Add(20 * time.Millisecond); time.Now().Before(end); {
		start := time.Now()
		run()
		times = append(times, time.Since(start).Seconds())
	}
	slices.Sort(times)
	return flops / times[len(times)/2] / 1e9
}
