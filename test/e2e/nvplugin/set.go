package nvplugin

import (
	"iter"
	"math/bits"
)

// gpuSet holds GPU i when bit i is set.
type gpuSet uint32

func (s gpuSet) has(i int) bool { return i >= 0 && s>>i&1 == 1 }

func (s gpuSet) len() int { return bits.OnesCount32(uint32(s)) }

// subsets are those of one size, in the order of their members.
func subsets(of gpuSet, size int) iter.Seq[gpuSet] {
	return func(yield func(gpuSet) bool) { visit(of, size, 0, yield) }
}

func visit(of gpuSet, size int, chosen gpuSet, yield func(gpuSet) bool) bool {
	if size == 0 {
		return yield(chosen)
	}
	for ; of.len() >= size; of &= of - 1 {
		lowest := of & -of
		if !visit(of&^lowest, size-1, chosen|lowest, yield) {
			return false
		}
	}
	return true
}
