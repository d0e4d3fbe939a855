package main

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// example is a page with round figures.
func example() *page {
	p := &page{machine: "a machine", schedule: scheduleOf(false), live: &live{
		webhook: memory{80 << 20, 90 << 20}, leader: memory{50 << 20, 60 << 20}, standby: memory{40 << 20, 44 << 20},
		perReport: time.Millisecond, agent: agent{memory{45 << 20, 48 << 20}, 20 * time.Millisecond},
	}}
	var round [][]figures
	for n := range p.schedule.replicas {
		var taken []figures
		for i := range workloads {
			taken = append(taken, figures{
				perSecond: 100, median: 40 * time.Millisecond, tail: 90 * time.Millisecond,
				webhooks: time.Duration(i+1) * time.Millisecond, controllers: 2 * time.Millisecond, apiserver: 4 * time.Millisecond,
				writes: float64(i) * 30, conflicts: float64(i*n) * 15,
			})
		}
		round = append(round, taken)
	}
	p.live.rounds = [][][]figures{round, round}
	for i, s := range p.schedule.sizes {
		m := memory{int64(60+i) << 20, int64(70+i) << 20}
		p.fed = append(p.fed, &fed{size: s, webhook: m, extender: m, controller: m, perChange: 100 * time.Microsecond, perDecision: time.Millisecond, median: time.Millisecond, tail: 2 * time.Millisecond})
	}
	return p
}

func TestThePageShowsEverySizeAndEveryWorkload(t *testing.T) {
	p := example()
	text := p.String()
	for _, s := range p.schedule.sizes {
		for _, of := range parts {
			if want := fmt.Sprintf("\n| %s | %s | ", thousands(s.nodes), of); strings.Count(text, want) != 1 {
				t.Errorf("there is no row %q", want)
			}
		}
	}
	for _, w := range workloads {
		if got, want := strings.Count(text, "\n| "+w.name+" | "), 1+p.schedule.replicas; got != want {
			t.Errorf("%q has %d rows, want %d", w.name, got, want)
		}
	}
	for _, want := range []string{
		// 100 nodes: 1,000 pods without GPUs and 800 with one an hour; a report of each
		// node a minute, and two of each pod with a GPU.
		"| 100 | usher-webhook | 2 | 200m | 2 | 128 MiB | 512 MiB | 400 MiB | 0.003 | 60 MiB | 90 MiB |",
		// What leading takes on top is 16 MiB.
		"| 1,000 | usher-controller | 2 | 100m | 2 | 256 MiB | 1024 MiB | 800 MiB | 0.004 | 77 MiB | 87 MiB |",
		"| 10,000 | usher-agent | each node | 10m | — | 64 MiB | 128 MiB | — | 0.002 | 45 MiB | 48 MiB |",
		"| one tenant | 4 | 100 | 40.0 ms | 90.0 ms | 2000 µs | 1.00 | 4000 µs | 2000 µs | 10.0 | 1.50 |",
		"| filter and prioritize of 10,000 nodes | usher-extender | 1000 µs |",
		"A core that webhooks are given judged about 1000 pods a second here",
		"webhook:\n  replicas: 4\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q:\n%s", want, text)
		}
	}
}

func TestWhatIsRecommendedMustHoldWhatWasMeasured(t *testing.T) {
	if err := example().suffices(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*page)
		want   string
	}{
		"memory at most": {func(p *page) { p.fed[1].extender.peak = 401 << 20 }, "usher-extender at 1000 nodes takes up to 401 MiB, and its soft limit is 400 MiB"},
		"memory at rest": {func(p *page) { p.fed[0].webhook.now = 129 << 20 }, "usher-webhook at 100 nodes takes 129 MiB at rest, and asks for 128 MiB"},
		"cores":          {func(p *page) { p.fed[2].perDecision = 20 * time.Millisecond }, "usher-extender at 10000 nodes uses 466 thousandths of a core on average, and all replicas ask for 500"},
		"an agent":       {func(p *page) { p.live.agent.peak = 129 << 20 }, "usher-agent takes up to 129 MiB, and its limit is 128 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			p := example()
			c.change(p)
			if err := p.suffices(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q in it", err, c.want)
			}
		})
	}
}
