package topology

// Slices is a set of memory slices of one GPU: bit i stands for slice i. GPUs
// with 7 compute slices have 8 memory slices, an A30 4.
type Slices uint16

// MIGInstance is a GPU instance: Size memory slices from Start on.
type MIGInstance struct {
	Start, Size int
	// Held says that a pod has it. An instance that nobody has may be made
	// into others.
	Held bool
}

// migSizes are the sizes of placements, in memory slices: that of 1g, of 2g, of
// 3g and 4g, and of the whole GPU. A placement starts at a multiple of its size.
var migSizes = [...]int{1, 2, 4, 8}

// Placements counts the places for GPU instances of 1, 2, 4 and 8 memory slices
// that no held instance is in the way of.
type Placements [len(migSizes)]int

// MIGPlacements counts the placements of a GPU of a number of memory slices.
func MIGPlacements(slices int, instances []MIGInstance) Placements {
	free := Slices(1<<slices - 1)
	for _, instance := range instances {
		if instance.Held {
			free &^= (1<<instance.Size - 1) << instance.Start
		}
	}
	var p Placements
	for i, size := range migSizes {
		for start := 0; start+size <= slices; start += size {
			if block := Slices(1<<size-1) << start; free&block == block {
				p[i]++
			}
		}
	}
	return p
}

// Largest is the size of the largest placement, in memory slices; 0 if there is
// none.
func (p Placements) Largest() int {
	for i := len(p) - 1; i >= 0; i-- {
		if p[i] > 0 {
			return migSizes[i]
		}
	}
	return 0
}

// MIGRegret is what taking one instance does to the placements of its GPU.
type MIGRegret struct{ Before, After Placements }

// RegretMIG is what taking instances[i] does to the placements.
func RegretMIG(slices int, instances []MIGInstance, i int) MIGRegret {
	taken := append([]MIGInstance(nil), instances...)
	taken[i].Held = true
	return MIGRegret{MIGPlacements(slices, instances), MIGPlacements(slices, taken)}
}

// Millionths is the mean share of the placements of each size that is lost, of
// those sizes that had any: 0 if none is lost, Whole if all are.
func (r MIGRegret) Millionths() int {
	var sum lossSum
	for i, before := range r.Before {
		sum.add(before, before > 0, r.After[i], true)
	}
	return sum.mean()
}
