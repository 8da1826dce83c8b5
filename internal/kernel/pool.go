package kernel

import (
	"runtime"
	"sync"
)

// The pool is one for the whole process: its workers are started when first
// needed, wait for orders, and serve one product at a time. A second product
// that finds it taken is computed by its own goroutine alone, to the same bits.
var pool struct {
	sync.Mutex
	workers int
	orders  chan order
	done    sync.WaitGroup

	// The product being computed. It lives here because whatever the workers
	// can reach lives on the heap, and a training step shall allocate nothing.
	f32 product[float32]
	f64 product[float64]
}

// An order asks a worker for part p of n of the pool's product.
type order struct {
	product interface{ share(p, n int) }
	p, n    int
}

// parallel computes g on up to threads goroutines, but no more than GOMAXPROCS,
// and reports whether it did: not if that leaves one, or the pool is taken.
func parallel[T Float](threads int, g product[T]) bool {
	n := min(threads, runtime.GOMAXPROCS(0))
	if n < 2 || !pool.TryLock() {
		return false
	}
	defer pool.Unlock()
	if pool.orders == nil {
		pool.orders = make(chan order)
	}
	for ; pool.workers < n-1; pool.workers++ {
		go work(pool.orders)
	}
	shared, ok := any(&pool.f32).(*product[T])
	if !ok {
		shared = any(&pool.f64).(*product[T])
	}
	*shared = g
	pool.done.Add(n - 1)
	for p := 1; p < n; p++ {
		pool.orders <- order{shared, p, n}
	}
	shared.share(0, n)
	pool.done.Wait()
	*shared = product[T]{} // keep no caller's memory alive
	return true
}

func work(orders <-chan order) {
	for o := range orders {
		o.product.share(o.p, o.n)
		pool.done.Done()
	}
}
