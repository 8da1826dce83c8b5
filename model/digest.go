package model

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"

	"github.com/chainrule-go/chainrule/tensor"
)

// blank takes the place of the digest in the architecture while that is computed.
var blank = strings.Repeat("0", hex.EncodedLen(sha256.Size))

// digestOf is the SHA-256 of a file, in hexadecimal digits: that of its architecture, in
// which digest is replaced by zeros, followed by a line "NAME SUM" for each tensor, in
// the order of the names, SUM being the SHA-256 of its bytes. It does not depend on the
// order of the tensors, which other programs may change.
func digestOf(architecture, digest string, sums map[string][sha256.Size]byte) string {
	sum := sha256.New()
	sum.Write([]byte(strings.Replace(architecture, digest, blank, 1)))
	for _, name := range slices.Sorted(maps.Keys(sums)) {
		of := sums[name]
		sum.Write([]byte("\n" + name + " " + hex.EncodeToString(of[:])))
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// digestIn takes the digest from the architecture: "" if there is none.
func digestIn(fields *object) (string, error) {
	v := fields.take("sha256")
	if _, none := v.(absent); none {
		return "", nil
	}
	digest, ok := v.(string)
	if _, err := hex.DecodeString(digest); !ok || err != nil || len(digest) != len(blank) || digest != strings.ToLower(digest) {
		return "", fail("architecture: sha256", "want %d hexadecimal digits in a string, got %s", len(blank), show(v))
	}
	return digest, nil
}

// withDigest returns the architecture, whose digest is still blank, with its digest.
func withDigest[T tensor.Float](architecture string, tensors []namedTensor[T]) (string, error) {
	sums := map[string][sha256.Size]byte{}
	for _, t := range tensors {
		sum := sha256.New()
		if err := writeData(sum, t.Data); err != nil {
			return "", err
		}
		sums[t.name] = [sha256.Size]byte(sum.Sum(nil))
	}
	return strings.Replace(architecture, blank, digestOf(architecture, blank, sums), 1), nil
}
