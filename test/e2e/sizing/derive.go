package main

import (
	"slices"
	"time"
)

// What a cluster does. Everything that is not measured follows from these.
const (
	// podLife is how long a pod lives on average.
	podLife = time.Hour
	// heartbeat is how often an agent reports although nothing changes (usher-agent's
	// --heartbeat), and look how often it looks (--interval).
	heartbeat = time.Minute
	look      = 10 * time.Second
	// changesPerPod is how often a GPU changes hands for one pod: it is given, and
	// given back.
	changesPerPod = 2
)

// rates are how often things happen in a cluster, a second.
type rates struct{ pods, gpuPods, reports float64 }

func (s size) rates() rates {
	r := rates{pods: float64(s.pods()-s.gpuPods()) / podLife.Seconds(), gpuPods: float64(s.gpuPods()) / podLife.Seconds()}
	r.reports = float64(s.nodes)/heartbeat.Seconds() + changesPerPod*r.gpuPods
	return r
}

// part is one of usher's processes.
type part string

const (
	theWebhook    part = "usher-webhook"
	theController part = "usher-controller"
	theExtender   part = "usher-extender"
	theAgent      part = "usher-agent"
)

var parts = []part{theWebhook, theController, theExtender, theAgent}

// need is what a part takes in a cluster of some size: memory of one replica in
// bytes, and cores of all replicas on average, an agent's of each.
type need struct {
	memory
	cores float64
}

// needs works out what a part takes.
func (p *page) needs(of part, f *fed) need {
	l, r := p.live, f.rates()
	smallest := p.fed[0]
	switch of {
	case theWebhook:
		// What it keeps of the cluster, and what reviews take while they are judged.
		n := need{memory: f.webhook}
		n.peak = l.webhook.peak + max(0, f.webhook.peak-smallest.webhook.peak)
		noGPU, withGPU := p.perPod(0), p.perPod(2)
		n.cores = r.pods*noGPU.Seconds() + r.gpuPods*withGPU.Seconds() + r.reports*l.perReport.Seconds()
		return n
	case theController:
		// The leader's work comes on top of what a standby keeps.
		work := max(0, l.leader.peak-l.standby.peak)
		return need{memory: memory{f.controller.now + work, f.controller.peak + work}, cores: r.gpuPods * p.settling().Seconds()}
	case theExtender:
		return need{memory: f.extender, cores: r.reports*f.perChange.Seconds() + r.gpuPods*f.perDecision.Seconds()}
	case theAgent:
		return need{memory: l.agent.memory, cores: l.agent.perLook.Seconds() / look.Seconds()}
	}
	return need{}
}

// perPod is the webhooks' CPU time for a pod of a workload, with as many replicas as
// were tried.
func (p *page) perPod(workload int) time.Duration {
	return p.live.of(p.schedule.replicas, workload).webhooks
}

// of are the figures of a workload with some number of webhooks, each the median of
// the rounds.
func (l *live) of(replicas, workload int) figures {
	median := func(value func(figures) float64) float64 {
		return l.median(func(round [][]figures) float64 { return value(round[replicas-1][workload]) })
	}
	duration := func(value func(figures) time.Duration) time.Duration {
		return time.Duration(median(func(f figures) float64 { return float64(value(f)) }))
	}
	return figures{
		perSecond:   median(func(f figures) float64 { return f.perSecond }),
		median:      duration(func(f figures) time.Duration { return f.median }),
		tail:        duration(func(f figures) time.Duration { return f.tail }),
		webhooks:    duration(func(f figures) time.Duration { return f.webhooks }),
		controllers: duration(func(f figures) time.Duration { return f.controllers }),
		apiserver:   duration(func(f figures) time.Duration { return f.apiserver }),
		conflicts:   median(func(f figures) float64 { return f.conflicts }),
		writes:      median(func(f figures) float64 { return f.writes }),
	}
}

// times is how many times the webhooks' CPU time with one replica a workload takes
// with others, in the median of the rounds: what else the machine does changes less
// within one.
func (l *live) times(replicas, workload int) float64 {
	return l.median(func(round [][]figures) float64 {
		return round[replicas-1][workload].webhooks.Seconds() / max(round[0][workload].webhooks.Seconds(), 1e-9)
	})
}

func (l *live) median(value func(round [][]figures) float64) float64 {
	var all []float64
	for _, round := range l.rounds {
		all = append(all, value(round))
	}
	slices.Sort(all)
	n := len(all)
	return (all[(n-1)/2] + all[n/2]) / 2
}

// settling is the controllers' CPU time for a pod with a GPU.
func (p *page) settling() time.Duration {
	return p.live.of(p.schedule.replicas, 2).controllers
}
