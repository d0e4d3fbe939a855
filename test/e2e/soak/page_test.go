package soak

import (
	"fmt"
	"runtime"
	"strings"
	"time"
)

// graphName is the graph beside the page.
const graphName = "soak.png"

const introduction = `# The soak

Written by ` + "`make soak-webhook SOAK_FOR=%s SOAK_PAGE=docs`" + `; do not edit.

%d usher-webhooks and %d usher-controllers on a real etcd and kube-apiserver are asked by users of several tenants for half of
what they can do: pods and workloads are created, changed, dry-run and deleted, with and without GPUs, and a part of them
is refused. Each answer is held against the right one ([what is asked](steady.md)). Memory and goroutines must not grow.
A webhook remembers its policies' last answers, 8,192 of each query, and grows until it has as many: it is first asked
about %d objects that all differ.

`

func (s *soak) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, introduction, s.terms.lasts, webhooks, controllers, s.terms.filled)
	fmt.Fprintf(&b, "%d cores, %s, shared with other work and with etcd, the API server and the clients; %s, for %s.\n\n",
		runtime.NumCPU(), runtime.Version(), s.began.UTC().Format(time.DateOnly), s.terms.lasts)
	fmt.Fprintf(&b, "%d clients that never wait got %.0f answers a second (measured for %s); the soak asked for %.0f a second.\n\n",
		workers, s.capacity, s.terms.capacity, s.capacity/2)
	f := s.figures
	fmt.Fprintf(&b, "%d requests: %d admitted and %d denied, as is right; %d failed, %d wrong, %d unjudged. p50 %s, p99 %s, slowest %s. %d more were\n"+
		"due while all clients waited. Afterwards every ledger was empty.\n\n", f.Requests, f.Admitted, f.Denied, f.Failed, f.Wrong, f.Unjudged,
		ms(f.Median), ms(f.P99), ms(f.Slowest), s.late)
	fmt.Fprintf(&b, "![Memory and goroutines of each process](%s)\n\n", graphName)
	fmt.Fprintf(&b, "Sampled every %s. Second and last third are medians; slope is that of the line through both (least squares). Of the heap, the least in\n"+
		"every %s counts: what collections leave. A last third is flat that is above the second by no more than the bound.\n\n",
		s.terms.every, time.Duration(kinds[1].per)*s.terms.every)
	b.WriteString("| what | process | first | second third | last third | bound | slope an hour | most |\n| --- | --- | --- | --- | --- | --- | --- | --- |\n")
	for i := range s.trends {
		t := &s.trends[i]
		what := t.kind.name
		if t.kind.unit != "" {
			what += ", " + t.kind.unit
		}
		verdict := ""
		if t.flat(s.terms.slack) != nil {
			verdict = " **not flat**"
		}
		fmt.Fprintf(&b, "| %s | %s | %.1f | %.1f | %.1f%s | +%.1f | %+.1f | %.1f |\n", what, t.process, t.first, t.second, t.last, verdict, t.bound(s.terms.slack), t.slope, t.most)
	}
	return b.String()
}

func ms(d time.Duration) string { return fmt.Sprintf("%.0f ms", float64(d)/float64(time.Millisecond)) }
