package doctor

import (
	"context"
	"slices"
	"strings"

	"usher.dev/usher/internal/doctor/webhooks"
)

// component is what must run before others can: the nodes, what runs on each of
// them, a webhook's pods.
type component struct {
	Object
	needs []need
	// after are the components without which it does not start, each with the reason.
	after []dependency
	// started is set once nothing holds it up.
	started bool
}

// dependency is one component that another waits for.
type dependency struct {
	on *component
	// why is the verb between the two: runs only after.
	why string
}

// coldStart is a cluster of which only the API server and what it stores is there.
type coldStart struct {
	matcher    *webhooks.Matcher
	components []*component
	hooks      []*webhooks.Hook
	// backends are the components that serve a webhook; none: it is served
	// elsewhere, and taken to answer.
	backends map[*webhooks.Hook][]*component
	// asked are the webhooks that stand in the way of a need.
	asked map[*need][]*webhooks.Hook
}

// newColdStart finds out what waits for what. With certificatesLost the
// certificate that usher serves with is to be issued anew.
func newColdStart(s *Snapshot, certificatesLost bool) *coldStart {
	c := &coldStart{
		matcher: webhooks.NewMatcher(s.Namespaces), backends: map[*webhooks.Hook][]*component{}, asked: map[*need][]*webhooks.Hook{},
	}
	for _, h := range s.hooks() {
		if h.Fails {
			c.hooks = append(c.hooks, h)
		}
	}
	nodes := &component{Object: Object{Kind: "the cluster's", Name: "nodes"}, needs: nodeNeeds()}
	c.components = []*component{nodes}
	all := s.workloads()
	known := map[Object]*component{}
	for _, w := range all {
		if w.onEveryNode() {
			known[w.Object] = &component{Object: w.Object, needs: w.podNeeds(), after: []dependency{{nodes, "runs only on"}}}
			c.components = append(c.components, known[w.Object])
		}
	}
	everyNode := slices.Clone(c.components[1:])
	ordinary := func(w workload) *component {
		if known[w.Object] == nil {
			started := &component{Object: w.Object, needs: w.podNeeds(), after: []dependency{{nodes, "runs only on"}}}
			for _, d := range everyNode {
				started.after = append(started.after, dependency{d, "runs only after"})
			}
			known[w.Object] = started
			c.components = append(c.components, started)
		}
		return known[w.Object]
	}
	for _, h := range c.hooks {
		service := s.serviceOf(h)
		if service == nil {
			continue
		}
		for _, w := range all {
			if w.Namespace != service.Namespace || !w.runsWith(service.Spec.Selector) {
				continue
			}
			serves := ordinary(w)
			if len(c.backends[h]) == 0 || !slices.Contains(c.backends[h], serves) {
				c.backends[h] = append(c.backends[h], serves)
			}
			serves.needs = addNeeds(serves.needs, w.servingNeeds(service.Name))
			if isUshers(h) && w.Name == webhookName {
				serves.needs = addNeeds(serves.needs, ushersNeeds(s.Namespace))
			}
		}
	}
	if certificatesLost {
		c.issueCertificates(s, known, ordinary, all)
	}
	c.match()
	c.start()
	return c
}

// addNeeds adds those that are not there yet.
func addNeeds(needs, more []need) []need {
	for _, n := range more {
		if !slices.ContainsFunc(needs, func(o need) bool { return o.what == n.what }) {
			needs = append(needs, n)
		}
	}
	return needs
}

// match finds the webhooks that each need is asked of.
func (c *coldStart) match() {
	for _, component := range c.components {
		for i := range component.needs {
			n := &component.needs[i]
			for _, h := range c.hooks {
				// An error refuses the request, whatever runs: the same to whoever waits.
				if asked, err := c.matcher.Asked(context.Background(), h, &n.request); asked || err != nil {
					c.asked[n] = append(c.asked[n], h)
				}
			}
		}
	}
}

// start lets everything start that can, until nothing more can.
func (c *coldStart) start() {
	for _, component := range c.components {
		component.started = false
	}
	for progress := true; progress; {
		progress = false
		for _, component := range c.components {
			if !component.started && c.canStart(component) {
				component.started, progress = true, true
			}
		}
	}
}

func (c *coldStart) canStart(component *component) bool {
	for _, d := range component.after {
		if !d.on.started {
			return false
		}
	}
	for i := range component.needs {
		if slices.ContainsFunc(c.asked[&component.needs[i]], func(h *webhooks.Hook) bool { return !c.served(h) }) {
			return false
		}
	}
	return true
}

// served reports whether the webhook answers: one pod is enough.
func (c *coldStart) served(h *webhooks.Hook) bool {
	return len(c.backends[h]) == 0 || slices.ContainsFunc(c.backends[h], func(b *component) bool { return b.started })
}

// cycle is a way from a component over a webhook back to the component.
type cycle struct {
	hook *webhooks.Hook
	from *component
	need *need
	// links are the steps in words, the first from the component.
	links []string
}

func (c *cycle) String() string { return strings.Join(c.links, "; ") }

// cycles are what has to be broken for everything to start, the shortest way round
// first. Once one is found, its webhook is taken not to be asked by what waits for
// it, and the cluster is started again.
func (c *coldStart) cycles() (found []cycle) {
	for {
		shortest, ok := c.shortest()
		if !ok {
			return found
		}
		found = append(found, shortest)
		for i := range shortest.from.needs {
			n := &shortest.from.needs[i]
			c.asked[n] = slices.DeleteFunc(c.asked[n], func(h *webhooks.Hook) bool { return h == shortest.hook })
		}
		c.start()
	}
}

// shortest finds a shortest way round. Of those of one length it prefers one over a
// webhook of somebody else's: usher cannot know whom that one need not judge.
func (c *coldStart) shortest() (best cycle, found bool) {
	for _, ushers := range []bool{false, true} {
		for _, h := range c.hooks {
			if isUshers(h) != ushers || c.served(h) {
				continue
			}
			if way, ok := c.through(h); ok && (!found || len(way.links) < len(best.links)) {
				best, found = way, true
			}
		}
	}
	return best, found
}

// through finds a shortest way round over a webhook.
func (c *coldStart) through(h *webhooks.Hook) (best cycle, found bool) {
	for _, from := range c.components {
		if from.started {
			continue
		}
		for i := range from.needs {
			n := &from.needs[i]
			if !slices.Contains(c.asked[n], h) {
				continue
			}
			for _, backend := range c.backends[h] {
				back, ok := c.way(backend, from)
				if !ok || found && len(back)+1 >= len(best.links) {
					continue
				}
				first := "before " + from.String() + " can run, the API server asks " + h.Name + " when " + n.what + ", and " + h.Name + " is served by " + backend.String()
				best, found = cycle{h, from, n, append([]string{first}, back...)}, true
			}
		}
	}
	return best, found
}

// way is a shortest way from one component to another that it waits for, in words.
func (c *coldStart) way(from, to *component) (steps []string, ok bool) {
	type stop struct {
		at    *component
		steps []string
	}
	seen := map[*component]bool{from: true}
	for queue := []stop{{from, nil}}; len(queue) > 0; queue = queue[1:] {
		here := queue[0]
		if here.at == to {
			return here.steps, true
		}
		for _, next := range c.waitsFor(here.at) {
			if !seen[next.on] {
				seen[next.on] = true
				queue = append(queue, stop{next.on, append(slices.Clone(here.steps), here.at.String()+" "+next.why)})
			}
		}
	}
	return nil, false
}

// waitsFor are the components that hold one up.
func (c *coldStart) waitsFor(component *component) (all []dependency) {
	for _, d := range component.after {
		if !d.on.started {
			all = append(all, dependency{d.on, d.why + " " + d.on.String()})
		}
	}
	for i := range component.needs {
		n := &component.needs[i]
		for _, h := range c.asked[n] {
			if c.served(h) {
				continue
			}
			for _, b := range c.backends[h] {
				all = append(all, dependency{b, "waits for " + h.Name + " of " + b.String() + " when " + n.what})
			}
		}
	}
	return all
}
