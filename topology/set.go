package topology

import (
	"iter"
	"math/bits"
	"strconv"
)

// Set is a set of GPUs of one node: bit i stands for GPU i.
type Set uint16

// Of is the set of the GPUs with these indices, which are below MaxGPUs.
func Of(gpus ...int) Set {
	var s Set
	for _, i := range gpus {
		s = s.With(i)
	}
	return s
}

// FirstGPUs is the set of GPUs 0 to n-1.
func FirstGPUs(n int) Set { return Set(1<<n - 1) }

// Len is the number of GPUs in the set.
func (s Set) Len() int { return bits.OnesCount16(uint16(s)) }

// Has reports whether GPU i is in the set.
func (s Set) Has(i int) bool { return s>>i&1 == 1 }

// With is the set with GPU i.
func (s Set) With(i int) Set { return s | 1<<i }

// Without is the set without GPU i.
func (s Set) Without(i int) Set { return s &^ (1 << i) }

// Members are the indices of the GPUs, ascending.
func (s Set) Members() iter.Seq[int] {
	return func(yield func(int) bool) {
		for ; s != 0; s &= s - 1 {
			if !yield(bits.TrailingZeros16(uint16(s))) {
				return
			}
		}
	}
}

// String lists the indices, such as "0,1,4"; the empty set is "none".
func (s Set) String() string {
	if s == 0 {
		return "none"
	}
	var text []byte
	for i := range s.Members() {
		if text != nil {
			text = append(text, ',')
		}
		text = strconv.AppendInt(text, int64(i), 10)
	}
	return string(text)
}
