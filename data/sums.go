package data

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"slices"
	"strings"
)

// fileSums are the SHA-256 sums of files that were read. A nil *fileSums records none.
type fileSums []string

func (s *fileSums) add(name string, sum hash.Hash) {
	if s != nil {
		*s = append(*s, hex.EncodeToString(sum.Sum(nil))+"  "+name+"\n")
	}
}

// all returns the sum of all files: for one file its own; for several, the sum of the lines
// "SUM  NAME" as sha256sum prints them, in the order of the names.
func (s *fileSums) all() string {
	lines := slices.Clone(*s)
	if len(lines) == 1 {
		sum, _, _ := strings.Cut(lines[0], " ")
		return sum
	}
	slices.SortFunc(lines, func(a, b string) int { return strings.Compare(a[2*sha256.Size:], b[2*sha256.Size:]) })
	return fmt.Sprintf("%x", sha256.Sum256([]byte(strings.Join(lines, ""))))
}
