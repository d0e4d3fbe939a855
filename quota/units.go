package quota

import (
	"fmt"
	"strings"
)

// Units are millionths of a GPU.
type Units int64

// One is one whole GPU.
const One Units = 1_000_000

// String writes units as people do: 0.428572, 12.
func (u Units) String() string {
	sign := ""
	if u < 0 {
		sign, u = "-", -u
	}
	whole, rest := u/One, u%One
	if rest == 0 {
		return fmt.Sprintf("%s%d", sign, whole)
	}
	return sign + strings.TrimRight(fmt.Sprintf("%d.%06d", whole, rest), "0")
}

// Amount is what a pod or claim holds, or asks for.
type Amount struct {
	Units Units
	// Resources are devices by extended resource;
	// deviceclass.resource.kubernetes.io/CLASS for those of a device class.
	Resources map[string]int64
}
