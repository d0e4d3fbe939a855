package extender

import (
	"fmt"
	"strings"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/topology"
)

// cause is why a node is refused, as metrics count it.
type cause string

// The causes.
const (
	causeNoReport    cause = "no_report"
	causeNotReady    cause = "not_ready"
	causeLost        cause = "lost"
	causeTenant      cause = "tenant"
	causeModel       cause = "model"
	causeUnreserved  cause = "unreserved"
	causeNoResource  cause = "no_resource"
	causeUnhealthy   cause = "unhealthy"
	causeTaken       cause = "taken"
	causeTopology    cause = "topology"
	causeUnsettled   cause = "unsettled"
	causeUnreported  cause = "unreported"
	causeBadDemand   cause = "bad_demand"
	causeUnknownNode cause = "unknown_node"
)

// refusal says why a node is filtered.
type refusal struct {
	cause  cause
	reason string
	// evictable: without some of the pods that hold its GPUs it would do.
	evictable bool
	quoted    []byte // the reason in JSON: many nodes share a refusal, and many answers
}

func newRefusal(c cause, evictable bool, format string, args ...any) *refusal {
	reason := fmt.Sprintf(format, args...)
	return &refusal{c, reason, evictable, quote(reason)}
}

// verdict is what one state of a node means for a demand.
type verdict struct {
	refused *refusal // nil: the node will do
	pick    pick
	gpus    topology.Set // that the pick is on
	// scores are those of the terms that depend on nothing else, by terms.
	scores scores
}

// judge says what an occupancy of the board means for a demand. It depends on
// nothing else.
func (b *board) judge(o occupancy, d *demand) *verdict {
	p, short := b.admit(o.clone(), d)
	if short != nil {
		return b.judgeShortage(short, d)
	}
	if !b.meets(&p, d.requirement) {
		return b.judgeTopology(&p, d)
	}
	v := &verdict{pick: p, gpus: b.gpusOf(p.units)}
	v.scores = staticScores(&placement{board: b, occupied: o, demand: d, pick: &v.pick, gpus: v.gpus})
	return v
}

func refuse(c cause, evictable bool, format string, args ...any) *verdict {
	return &verdict{refused: newRefusal(c, evictable, format, args...)}
}

// judgeShortage says why there are too few devices.
func (b *board) judgeShortage(short *shortage, d *demand) *verdict {
	want := max(short.want, d.total()[short.resource])
	r := b.resource(short.resource)
	if r < 0 {
		return refuse(causeNoResource, false, "the node has no %s", short.resource)
	}
	listed := 0
	for _, i := range b.resources[r].units {
		listed += int(b.units[i].shares)
	}
	usable := b.usable(short.resource)
	switch {
	case listed < want:
		return refuse(causeNoResource, false, "the node has %d %s, not %d", listed, short.resource, want)
	case usable < want:
		return refuse(causeUnhealthy, false, "%d of the node's %d %s can be used, not %d: %s", usable, listed, short.resource, want, b.unwell())
	}
	return refuse(causeTaken, true, "%d of the node's %d %s are free, not %d", short.free, usable, short.resource, want)
}

// judgeTopology says why the pick does not meet the requirement, and whether any
// eviction could make it.
func (b *board) judgeTopology(p *pick, d *demand) *verdict {
	held := b.gpusOf(p.units)
	what := map[topology.Requirement]string{topology.NVLink: "linked by NVLink, each to each", topology.NUMA: "on one NUMA node"}[d.requirement]
	alone, short := b.admit(b.empty(), d)
	if short != nil || !b.meets(&alone, d.requirement) {
		return refuse(causeTopology, false, "even if all of the node's GPUs were free, the device plugin might pick some that are not %s", what)
	}
	if p.unsure && b.links.Meets(held, d.requirement) {
		return refuse(causeTopology, true, "the device plugin may pick GPUs that are not %s", what)
	}
	return refuse(causeTopology, true, "GPUs %s, which the device plugin would pick, are not %s", held, what)
}

// unwell lists what is wrong with GPUs.
func (b *board) unwell() string {
	var bad topology.Set
	for i := range b.gpus {
		if b.gpus[i].health == v1alpha1.Unhealthy {
			bad = bad.With(i)
		}
	}
	if bad == 0 {
		return "others are partitioned or held in another way"
	}
	if bad.Len() == 1 {
		return "GPU " + bad.String() + " is unhealthy"
	}
	return "GPUs " + strings.ReplaceAll(bad.String(), ",", ", ") + " are unhealthy"
}
