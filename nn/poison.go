//go:build poison

package nn

// poison fills memory with NaN when it is lent and again on Reset, which drops
// it, so that a test run with -tags poison shows any use before writing or after
// Reset.
const poison = true
