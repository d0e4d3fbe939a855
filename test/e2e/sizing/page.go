package main

import (
	"fmt"
	"strings"
	"time"
)

// page is docs/sizing.md.
type page struct {
	machine  string
	schedule schedule
	live     *live
	fed      []*fed
}

const introduction = `# Sizing

Written by ` + "`make sizing`" + `; do not edit.

%s.

What usher's processes take in clusters of different sizes, and what more replicas bring. **Measured** are the
memory of each process with a whole cluster of that size in it, its CPU time for one piece of work, and how replicas
compare. **Derived** from those are the cores of a cluster that does so and so much of that work (below), and what is
recommended. Etcd, API server, clients and all of usher share the machine, so that a rate here says nothing
of a real cluster; CPU time for one piece of work and memory do.

`

func (p *page) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, introduction, p.machine)
	p.recommendation(&b)
	p.fedTables(&b)
	p.work(&b)
	p.replicas(&b)
	return b.String()
}

// recommendation is the table that manifests follow.
func (p *page) recommendation(b *strings.Builder) {
	b.WriteString("## What to set\n\n" +
		"| nodes | part | replicas | CPU request | CPU limit | memory request | memory limit | `GOMEMLIMIT` | cores used, derived | memory at rest | at most |\n" +
		"| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n")
	for _, f := range p.fed {
		for _, of := range parts {
			a, ok := recommended[f.nodes][of]
			n := p.needs(of, f)
			set := "| — | — | — | — | — | — "
			if ok {
				set = fmt.Sprintf("| %s | %s | %s | %d MiB | %d MiB | %s ", replicasOf(a), millicores(a.cpuRequest), millicores(a.cpuLimit), a.memoryRequest, a.memoryLimit, softText(of, a))
			}
			fmt.Fprintf(b, "| %s | %s %s| %.3f | %s | %s |\n", thousands(f.nodes), of, set, n.cores, mebibytes(n.now), mebibytes(n.peak))
		}
	}
	fmt.Fprintf(b, `
The manifests set what a cluster of %s nodes needs, with the replicas of `+"`manifests/overlays/production`"+`. What is recommended holds what
was measured: the memory at most is below `+"`GOMEMLIMIT`"+`, the memory at rest below the request, and the requests of those that work
are at least %d times the cores used on average, since pods come in bursts and each pod template is judged as well as its pods.
Of controllers one works and the others wait; each kube-scheduler has an extender of its own, and one decides.
At least two of each run whatever the size, since with one there is a gap in every rollout.

`, thousands(usual), headroom)
	p.values(b)
	fmt.Fprintf(b, "A node has %d GPUs, each held by a pod of one GPU, and %d further pods. A pod lives for %s, an agent reports each minute\n"+
		"and when a GPU changes hands, and kube-scheduler asks once about all nodes for each pod with a GPU. If your pods live for less, there is\n"+
		"that much more work; memory stays.\n", gpusPerNode, otherPodsPerNode, "an hour")
}

// values are those of the Helm chart for the largest size.
func (p *page) values(b *strings.Builder) {
	largest := p.fed[len(p.fed)-1].nodes
	sizes, ok := recommended[largest]
	if !ok || largest == usual {
		return
	}
	resources := func(of part) string {
		a := sizes[of]
		return fmt.Sprintf("{requests: {cpu: %q, memory: %dMi}, limits: {cpu: %q, memory: %dMi}}", millicores(a.cpuRequest), a.memoryRequest, millicores(a.cpuLimit), a.memoryLimit)
	}
	fmt.Fprintf(b, "Values of the Helm chart for %s nodes; it sets `GOMEMLIMIT` by itself:\n\n```yaml\n"+
		"webhook:\n  replicas: %d\n  resources: %s\ncontroller:\n  resources: %s\nscheduler:\n  extender:\n    resources: %s\n```\n\n",
		thousands(largest), sizes[theWebhook].replicas, resources(theWebhook), resources(theController), resources(theExtender))
}

// fedTables show what processes take that have read a whole cluster.
func (p *page) fedTables(b *strings.Builder) {
	fmt.Fprintf(b, `
## Memory, measured

Each process reads a whole cluster from a fake API server (`+"`test/soak/fakeapi`"+`: lists and watches from memory, as JSON; it checks and stores
nothing). Objects are copies of what a real API server has stored (`+"`testdata/compat`"+`), with their managed fields; reports are those of a DGX H100. "At rest" is %s
after it was ready, "at most" the most until then (VmRSS, VmHWM), with the `+"`GOMEMLIMIT`"+` above. Most of it is what reading the whole
cluster at once leaves behind, and goes in the minutes after: a process has to hold that whenever it starts. The controller stands by: its caches are full. What leading
takes on top was %s here, on a real API server.

| nodes | tenants | namespaces | pods | usher-webhook | usher-controller | usher-extender |
| --- | --- | --- | --- | --- | --- | --- |
`, p.schedule.rest, mebibytes(max(0, p.live.leader.peak-p.live.standby.peak)))
	for _, f := range p.fed {
		fmt.Fprintf(b, "| %s | %d | %s | %s | %s | %s | %s |\n", thousands(f.nodes), f.tenants, thousands(f.namespaces()), thousands(f.pods()),
			f.webhook, f.controller, f.extender)
	}
	fmt.Fprintf(b, "\nUnder the load of the tables below a webhook took at most %s. An agent takes %s, with the mock of a DGX H100; NVIDIA's driver\nlibrary, which it maps, comes on top.\n",
		mebibytes(p.live.webhook.peak), p.live.agent.memory)
	if len(p.fed) > 1 {
		first, last := p.fed[0], p.fed[len(p.fed)-1]
		fmt.Fprintf(b, `
From the smallest to the largest, that is %s of the webhook a namespace, %s of the controller a pod, and %s of
the extender a node with its pods. In between, and somewhat beyond, go by these.
`, per(last.webhook.peak-first.webhook.peak, last.namespaces()-first.namespaces()),
			per(last.controller.peak-first.controller.peak, last.pods()-first.pods()), per(last.extender.peak-first.extender.peak, last.nodes-first.nodes))
	}
}

// work shows the CPU time of one piece of work.
func (p *page) work(b *strings.Builder) {
	b.WriteString("\n## CPU time of one piece of work, measured\n\n| work | by | CPU time |\n| --- | --- | --- |\n")
	row := func(what string, by part, t time.Duration) {
		fmt.Fprintf(b, "| %s | %s | %s |\n", what, by, microseconds(t))
	}
	row("a pod without GPUs: two reviews", theWebhook, p.perPod(0))
	row("a pod with a GPU: two reviews, and its share of a write of the ledger", theWebhook, p.perPod(2))
	row("a report of an agent: one review", theWebhook, p.live.perReport)
	row("a pod with a GPU: settled, and freed", theController, p.settling())
	row("one look at eight GPUs", theAgent, p.live.agent.perLook)
	for _, f := range p.fed {
		row(fmt.Sprintf("a report that has changed, of %s nodes", thousands(f.nodes)), theExtender, f.perChange)
	}
	for _, f := range p.fed {
		row(fmt.Sprintf("filter and prioritize of %s nodes", thousands(f.nodes)), theExtender, f.perDecision)
	}
	b.WriteString("\nHow long filter and prioritize take together, one decision after the other:\n\n| nodes | p50 | p99 |\n| --- | --- | --- |\n")
	for _, f := range p.fed {
		fmt.Fprintf(b, "| %s | %s | %s |\n", thousands(f.nodes), milliseconds(f.median), milliseconds(f.tail))
	}
}

// replicas compares numbers of webhooks.
func (p *page) replicas(b *strings.Builder) {
	fmt.Fprintf(b, `
## More replicas of the webhook, measured

One to %d webhooks behind one address of a real API server, %d clients, %d pods of each workload in each of %d rounds, in which the numbers of
webhooks take turns. Figures are the median of the rounds; "times one's" is of the webhooks' CPU time within a round.

| workload | what it is |
| --- | --- |
`, p.schedule.replicas, p.schedule.clients, p.schedule.pods, p.schedule.rounds)
	for _, w := range workloads {
		fmt.Fprintf(b, "| %s | %s |\n", w.name, w.what)
	}
	b.WriteString("\n| workload | webhooks | pods/s | p50 | p99 | CPU a pod: webhooks | times one's | etcd and API server | controllers | pods a write | conflicts a write |\n" +
		"| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n")
	for i, w := range workloads {
		for n := range p.schedule.replicas {
			f := p.live.of(n+1, i)
			together, conflicts := "—", "—"
			if f.writes > 0 {
				together, conflicts = fmt.Sprintf("%.1f", shared(f, p.schedule.pods)), fmt.Sprintf("%.2f", f.conflicts/f.writes)
			}
			fmt.Fprintf(b, "| %s | %d | %.0f | %s | %s | %s | %.2f | %s | %s | %s | %s |\n", w.name, n+1, f.perSecond, milliseconds(f.median), milliseconds(f.tail),
				microseconds(f.webhooks), p.live.times(n+1, i), microseconds(f.apiserver), microseconds(f.controllers), together, conflicts)
		}
	}
	p.conclusion(b)
}

// conclusion says what follows for how many replicas to run.
func (p *page) conclusion(b *strings.Builder) {
	most := p.schedule.replicas
	plain, one, all := p.live.of(most, 0), p.live.of(1, 1), p.live.of(most, 1)
	fmt.Fprintf(b, `
What follows, derived:

- **Reviews share nothing between replicas.** With %d webhooks a pod without GPUs took %.2f times the webhooks' CPU time that it took with one, all of them and
  everything else on the same cores. A core that webhooks are given judged about %.0f pods a second here, whichever replica it belongs
  to, and each further one as many again, until the API server has no more cores: it took %.1f times as long for the same pod.
- **One tenant's ledger does not scale.** All writes of it come one after the other, and replicas get into each other's way: a pod of one tenant took %.2f times
  the CPU time with %d webhooks, and %.1f pods shared a write instead of %.1f. More replicas do not make one tenant faster, and cost
  conflicts; [ledger-benchmarks.md](ledger-benchmarks.md) shows what one ledger takes. Tenants do not wait for each other.
- **So**: run as few replicas as failures and rollouts allow (two, or three over three zones), give them CPU first, and add
  replicas when reviews wait although the API server does not: `+"`usher_admission_duration_seconds`"+` grows while the webhooks' CPU is at its limit.
  The API server keeps its connections for long: replicas that are added get new ones only, and few at first.
- **Controllers do not scale**: one works. **Extenders** stand beside their kube-scheduler, of which one decides.
`, most, p.live.times(most, 0), 1/max(plain.webhooks.Seconds(), 1e-9), plain.apiserver.Seconds()/max(plain.webhooks.Seconds(), 1e-9),
		p.live.times(most, 1), most, shared(all, p.schedule.pods), shared(one, p.schedule.pods))
}

func shared(f figures, pods int) float64 { return float64(pods) / max(f.writes, 1) }
