//go:build poison

package nn

// poison fills scratch memory with NaN in New and again in Reset, which also drops it. So a
// test with -tags poison shows memory that is used before it is written, or after Reset.
const poison = true
