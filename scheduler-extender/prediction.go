package extender

import "slices"

// How a container's GPUs compare with those that were predicted.
const (
	predictedExactly = "exact"
	predictedEqual   = "equal" // to what was predicted, for the device plugin
	predictedWrongly = "wrong"
)

// compare keeps the share of right predictions: the devices that a pod was
// predicted to get when it was first seen on its node, against those that the
// node reports later. Where the device plugin has a choice between equally good
// sets, chance decides, and another of them is as right. Only containers that ask
// for whole GPUs and keep them count; which parts a device plugin takes is chance.
// Called with mu held.
func (s *Store) compare(now *snapshot) {
	for i := range now.holdings {
		h := &now.holdings[i]
		if h.pod == nil || h.pod.prediction.compared {
			continue
		}
		switch prediction := &h.pod.prediction; {
		case len(h.reported) > 0:
			prediction.compared = true
			for j, name := range h.pod.containers {
				if prediction.devices == nil || prediction.devices[j] == nil {
					continue
				}
				got := now.board.devices(h.reported[name])
				isGot := func(devices []string) bool { return slices.Equal(devices, got) }
				switch {
				case isGot(prediction.devices[j]):
					s.metrics.predicted(predictedExactly)
				case slices.ContainsFunc(prediction.equals, isGot):
					s.metrics.predicted(predictedEqual)
				default:
					s.metrics.predicted(predictedWrongly)
				}
			}
			prediction.devices, prediction.equals, prediction.picked = nil, nil, nil
		case h.containers != nil:
			prediction.picked = nil
			for _, u := range h.units {
				prediction.picked = append(prediction.picked, pickedDevice{now.board.resources[now.board.units[u].resource].name, now.board.units[u].device})
			}
			if prediction.devices != nil {
				continue // the first one counts
			}
			prediction.devices = make([][]string, len(h.containers))
			for j, units := range h.containers {
				if h.pod.demand.containers[j].role != roleInit && now.board.allWhole(units) {
					prediction.devices[j] = now.board.devices(units)
				}
			}
			prediction.equals = now.equals(h)
		}
	}
}

// equals are the devices of every set that the device plugin may pick for a pod
// with devices in one container; none for others, whose picks follow from each
// other.
func (s *snapshot) equals(h *holding) [][]string {
	if len(h.containers) != 1 || !s.board.allWhole(h.units) {
		return nil
	}
	before := s.state.occupied.clone()
	for _, u := range h.units {
		before[u]--
	}
	r := s.board.units[h.units[0]].resource
	var all [][]string
	for _, set := range s.board.links.of(s.board.freeGPUs(before, r)).Picks(len(h.units)) {
		var units []int
		for _, u := range s.board.resources[r].units {
			if set.Has(s.board.units[u].gpu) {
				units = append(units, u)
			}
		}
		all = append(all, s.board.devices(units))
	}
	return all
}

// prediction is what a pod was predicted to get.
type prediction struct {
	// picked is what counts as held until the report says what is.
	picked []pickedDevice
	// devices are the UUIDs that were predicted first, by container and sorted;
	// nil where nothing is predicted.
	devices [][]string
	// equals are the devices of sets that may be picked as well; see there.
	equals   [][]string
	compared bool
	// moot: a pod that may have been there when this one got its devices has
	// ended since, so that what was free then is not known.
	moot bool
}

type pickedDevice struct{ resource, device string }

// devices lists the UUIDs of units, sorted.
func (b *board) devices(units []int) []string {
	list := make([]string, len(units))
	for i, u := range units {
		list[i] = b.units[u].device
	}
	slices.Sort(list)
	return list
}

func (b *board) allWhole(units []int) bool {
	return len(units) > 0 && !slices.ContainsFunc(units, func(i int) bool {
		r := b.units[i].resource
		return r < 0 || !b.resources[r].whole
	})
}
