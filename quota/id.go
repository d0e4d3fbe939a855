package quota

import (
	"crypto/rand"
	"encoding/base32"
	"strings"
)

// NewID returns a name that nothing else bears: 128 random bits, as a value that
// a label can have.
func NewID() string {
	var bits [16]byte
	rand.Read(bits[:]) // never fails, by its documentation
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(bits[:]))
}
