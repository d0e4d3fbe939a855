package extender

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"usher.dev/usher/api/v1alpha1"
)

// podKey names a pod.
type podKey struct{ namespace, name string }

func (k podKey) String() string { return k.namespace + "/" + k.name }

// boundPod is a pod that is bound to a node, holds GPUs there or will, and has
// not ended.
type boundPod struct {
	key         podKey
	uid         types.UID
	node        string
	created     time.Time
	priority    int32
	terminating bool
	demand      *demand
	containers  []string // names, in the order of the demand
	job         string   // see jobOf

	prediction prediction // for writers of the store
}

// allocation is one reported device, or one share of it, in a container's hands.
type allocation struct {
	unit      int
	replica   string
	pod       podKey
	container string
}

// allocationsOf reads who holds what.
func (b *board) allocationsOf(list []v1alpha1.Allocation) []allocation {
	held := make([]allocation, 0, len(list))
	for _, a := range list {
		if i, ok := b.unitOf(a.Resource, a.Device); ok {
			held = append(held, allocation{i, a.Replica, podKey{a.Namespace, a.Pod}, a.Container})
		}
	}
	return held
}

// holding is what one pod holds.
type holding struct {
	key   podKey
	pod   *boundPod // nil: only the report knows of it
	units []int     // one that is held by several shares stands as often

	reported   map[string][]int // by container, from the report
	containers [][]int          // by container of the demand, where they are predicted now
}

// charge says who holds what on a node: what the report says, but for pods that
// are known to be gone, and what pods that are bound but not in it yet are
// predicted to get, in the order in which a kubelet admits pods that it finds at
// once: by creation, then by name. outstanding are the latter, nil without any.
func (b *board) charge(reported []allocation, pods map[podKey]*boundPod, gone map[podKey]struct{}) (o occupancy, holdings []holding, out *outstanding) {
	o = b.empty()
	byPod := map[podKey]*holding{}
	type share struct {
		pod     podKey
		unit    int
		replica string
	}
	counted := map[share]bool{}
	for _, a := range reported {
		if _, ended := gone[a.pod]; ended && pods[a.pod] == nil {
			continue
		}
		h := byPod[a.pod]
		if h == nil {
			h = &holding{key: a.pod, pod: pods[a.pod], reported: map[string][]int{}}
			byPod[a.pod] = h
		}
		h.reported[a.container] = append(h.reported[a.container], a.unit)
		// Containers of one pod may be reported with the same device.
		if s := (share{a.pod, a.unit, a.replica}); !counted[s] {
			counted[s] = true
			h.units = append(h.units, a.unit)
			o[a.unit]++
		}
	}
	for _, pod := range inOrder(pods) {
		h, known := byPod[pod.key]
		if !known {
			h = &holding{key: pod.key, pod: pod}
			byPod[pod.key] = h
		}
		rest := pod.demand
		if known {
			rest = b.unreported(pod.demand, h.units)
		}
		if rest == nil {
			continue
		}
		if out == nil {
			out = &outstanding{reported: o.clone()}
		}
		out.pods = append(out.pods, outstandingPod{rest, pod.prediction.moot})
		// What was foretold stays foretold when others come and go after it.
		if units, ok := b.findFree(o, pod.prediction.picked); ok && !known {
			o.take(units)
			h.units = units
			continue
		}
		// What does not fit will fail at the kubelet and holds nothing.
		trial := o.clone()
		if p, short := b.admit(trial, rest); short == nil {
			o = trial
			h.units = append(h.units, p.units...)
			if !known {
				h.containers = p.containers
			}
		}
	}
	holdings = make([]holding, 0, len(byPod))
	for _, h := range byPod {
		holdings = append(holdings, *h)
	}
	slices.SortFunc(holdings, func(x, y holding) int { return x.key.compare(y.key) })
	return o, holdings, out
}

// findFree returns the units of devices, false if there are none or one is not free.
func (b *board) findFree(o occupancy, devices []pickedDevice) ([]int, bool) {
	o = o.clone()
	units := make([]int, 0, len(devices))
	for _, d := range devices {
		i, ok := b.unitOf(d.resource, d.device)
		if !ok || b.free(o, i) == 0 {
			return nil, false
		}
		o[i]++
		units = append(units, i)
	}
	return units, len(units) > 0
}

// unreported is what a pod holds beyond the units that are reported, nil if that
// is nothing. The kubelet does not say what init containers got, and keeps it for
// the pod as long as it lives.
func (b *board) unreported(d *demand, units []int) *demand {
	var missing []deviceCount
	total := d.total()
	for _, name := range slices.Sorted(maps.Keys(total)) {
		n := total[name]
		for _, i := range units {
			if r := b.units[i].resource; r >= 0 && b.resources[r].name == name {
				n--
			}
		}
		if n > 0 {
			missing = append(missing, deviceCount{name, n})
		}
	}
	if missing == nil {
		return nil
	}
	return &demand{containers: []containerDemand{{roleApp, missing}}}
}

func (k podKey) compare(other podKey) int {
	return cmp.Or(strings.Compare(k.namespace, other.namespace), strings.Compare(k.name, other.name))
}

func inOrder(pods map[podKey]*boundPod) []*boundPod {
	return slices.SortedFunc(maps.Values(pods), func(x, y *boundPod) int {
		return cmp.Or(x.created.Compare(y.created), x.key.compare(y.key))
	})
}
