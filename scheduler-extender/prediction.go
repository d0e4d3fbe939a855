package extender

import "slices"

// compare keeps the share of right predictions: the devices that a pod was
// predicted to get when it was first seen on its node, against those that the
// node reports later. Only containers that ask for whole GPUs and keep them
// count; which parts a device plugin takes is chance. Called with mu held.
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
				s.metrics.predicted(slices.Equal(prediction.devices[j], now.board.devices(h.reported[name])))
			}
			prediction.devices, prediction.picked = nil, nil
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
		}
	}
}

// prediction is what a pod was predicted to get.
type prediction struct {
	// picked is what counts as held until the report says what is.
	picked []pickedDevice
	// devices are the UUIDs that were predicted first, by container and sorted;
	// nil where nothing is predicted.
	devices  [][]string
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
