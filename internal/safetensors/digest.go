package safetensors

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"

	"github.com/chainrule-go/chainrule/internal/strictjson"
	"github.com/chainrule-go/chainrule/tensor"
)

// Blank stands in a text in place of the digest while the digest is computed. It is the value of
// "sha256", which comes before any field that could hold as many zeros.
var Blank = strings.Repeat("0", hex.EncodedLen(sha256.Size))

// Digest returns the SHA-256 of a file, in hexadecimal digits. It is the SHA-256 of the
// file's text, with zeros in place of the digest, and then a line "NAME SUM" for each
// tensor, in the order of the names; SUM is the SHA-256 of the tensor's bytes. It does not
// depend on the order of the tensors in the file, which other programs may change.
func Digest(text, digest string, sums map[string][sha256.Size]byte) string {
	sum := sha256.New()
	sum.Write([]byte(strings.Replace(text, digest, Blank, 1)))
	for _, name := range slices.Sorted(maps.Keys(sums)) {
		of := sums[name]
		sum.Write([]byte("\n" + name + " " + hex.EncodeToString(of[:])))
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// DigestIn takes the digest from the fields of a text. It returns "" if there is none. name
// is the name of the text in errors.
func DigestIn(fields *strictjson.Object, name string) (string, error) {
	v := fields.Take("sha256")
	if _, none := v.(strictjson.Absent); none {
		return "", nil
	}
	digest, ok := v.(string)
	if _, err := hex.DecodeString(digest); !ok || err != nil || len(digest) != len(Blank) || digest != strings.ToLower(digest) {
		return "", Fail(name+": sha256", "want %d hexadecimal digits in a string, got %s", len(Blank), strictjson.Show(v))
	}
	return digest, nil
}

// WithDigest returns the text with its digest in place of Blank.
func WithDigest[T tensor.Float](text string, tensors []Tensor[T]) (string, error) {
	sums := map[string][sha256.Size]byte{}
	for _, t := range tensors {
		sum := sha256.New()
		if err := writeData(sum, t.Data); err != nil {
			return "", err
		}
		sums[t.Name] = [sha256.Size]byte(sum.Sum(nil))
	}
	return strings.Replace(text, Blank, Digest(text, Blank, sums), 1), nil
}
