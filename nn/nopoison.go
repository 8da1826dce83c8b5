//go:build !poison

package nn

const poison = false
