package quota

import "math"

// plus adds amounts that are not negative; what is too large for an int64 stays
// the largest, so that no amount ever wraps round into a small one.
func plus(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

// times multiplies amounts that are not negative, as plus adds them.
func times(a, b int64) int64 {
	if a != 0 && b > math.MaxInt64/a {
		return math.MaxInt64
	}
	return a * b
}
