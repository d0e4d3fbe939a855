package steady

import (
	"fmt"
	"strings"
	"time"

	"usher.dev/usher/test/e2e/installation"
	"usher.dev/usher/test/e2e/steady/load"
)

// page is docs/steady.md.
type page struct {
	show         *show
	results      []load.Result
	certificates installation.Certificates
	machine      string
}

const introduction = `# No request is lost

Written by ` + "`make e2e-steady STEADY_FOR=%s STEADY_PAGE=docs/steady.md`" + `; do not edit.

Everything of usher is replaced in turn while users of %d tenants create, change, dry-run and delete pods, Deployments and
StatefulSets. The client knows the right answer to each request: admitted with which mutation and which warning, or
denied by exactly which checks. Each request has an ID in the API server's audit log, in which usher's webhooks say that
they have judged it.

- **failed**: any answer but a verdict, such as "failed calling webhook" or a connection that breaks;
- **wrong**: another verdict, other checks, another mutation, a warning of policies that are not in force any more;
- **unjudged**: admitted without usher's mutation or reservation, or without its annotations in the audit log.

%d usher-webhooks behind a load balancer that hears of an ending replica %s late, %d usher-controllers that keep the
certificates (authority %s, certificates %s, overlap %s, %s until a new certificate is mounted), %d kube-apiservers on one
etcd behind another, all as service accounts with the rights in ` + "`manifests/base`" + `. A webhook is replaced as a Deployment
does it: the next one is ready before one is told to end.
`

func (p *page) String() string {
	var b strings.Builder
	c := p.certificates
	fmt.Fprintf(&b, introduction, p.show.lasts, len(load.Tenants), webhooks, endpointsLag, controllers, c.Authority, c.Leaf, c.Overlap, c.Lag, apiServers)
	all := load.Sum(p.results)
	fmt.Fprintf(&b, "\n## The run\n\n%s, shared with other work; %s, %s long; %d requests a second.\n\n", p.machine,
		p.show.began.UTC().Format(time.DateOnly), p.length(), rate)
	fmt.Fprintf(&b, "**%d requests: %d failed, %d wrong, %d unjudged.** %d were admitted and %d denied, as is right. The client sent %d again, whose\n"+
		"connection to an API server that was going away had broken; ", all.Requests, all.Failed, all.Wrong, all.Unjudged, all.Admitted, all.Denied, all.Resent)
	fmt.Fprintf(&b, "%d more were due while all %d workers waited.\nAfterwards every ledger was empty: nothing had been reserved for a request that came to nothing.\n", p.show.load.Late(), workers)
	fmt.Fprintf(&b, "To show that the client would notice, the webhooks were then unregistered: of %d more requests it found %d unjudged and %d wrong.\n\n",
		p.show.planted.Requests, p.show.planted.Unjudged, p.show.planted.Wrong)
	b.WriteString("| during | times | requests | failed, wrong, unjudged | sent again | p50 | p99 | slowest |\n| --- | --- | --- | --- | --- | --- | --- | --- |\n")
	for _, name := range p.names() {
		f := load.Sum(p.during(name))
		fmt.Fprintf(&b, "| %s | %s | %d | %d, %d, %d | %d | %s | %s | %s |\n", name, p.times(name), f.Requests,
			f.Failed, f.Wrong, f.Unjudged, f.Resent, ms(f.Median), ms(f.P99), ms(f.Slowest))
	}
	b.WriteString("\nTimes are the user's, from request to answer, API server, both webhooks and ledger included.\n\n## What was checked of each event\n\n| at | event | took | checked |\n| --- | --- | --- | --- |\n")
	for _, r := range p.show.rows {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", seconds(r.at), r.event, seconds(r.took), strings.ReplaceAll(r.checked, "\n", " "))
	}
	b.WriteString("\n## The log\n\n```\n")
	for _, line := range p.show.log {
		b.WriteString(line + "\n")
	}
	b.WriteString("```\n")
	return b.String()
}

func (p *page) names() []string {
	names := []string{calm}
	for _, e := range p.show.events() {
		names = append(names, e.name)
	}
	return names
}

func (p *page) during(event string) []load.Result {
	var during []load.Result
	for _, r := range p.results {
		if r.Event == event {
			during = append(during, r)
		}
	}
	return during
}

// times is how often an event was.
func (p *page) times(event string) string {
	n := 0
	for _, r := range p.show.rows {
		if r.event == event {
			n++
		}
	}
	if n == 0 {
		return "-"
	}
	return fmt.Sprint(n)
}

// length is how long the load went on.
func (p *page) length() string {
	last := p.results[len(p.results)-1]
	return last.At.Sub(p.show.began).Round(time.Second).String()
}

func ms(d time.Duration) string      { return fmt.Sprintf("%.0f ms", float64(d)/float64(time.Millisecond)) }
func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }
