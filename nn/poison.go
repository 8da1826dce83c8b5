//go:build poison

package nn

// poison fills scratch memory with NaN in New and again in Reset, which drops it, so
// that a test run with -tags poison shows any use before writing or after
// Reset.
const poison = true
