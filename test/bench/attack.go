package main

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

// burst is what one attack saw.
type burst struct {
	elapsed time.Duration
	// cpu is the CPU time that the server used.
	cpu time.Duration
	// latencies are those of all reviews, sorted.
	latencies []time.Duration
}

func (r burst) perSecond() float64 { return float64(len(r.latencies)) / r.elapsed.Seconds() }

// cpuPerReview is the server's CPU time for one review.
func (r burst) cpuPerReview() time.Duration { return r.cpu / time.Duration(len(r.latencies)) }

// quantile returns the latency that a share of the reviews did not exceed.
func (r burst) quantile(share float64) time.Duration {
	return r.latencies[min(int(share*float64(len(r.latencies))), len(r.latencies)-1)]
}

// attack sends reviews for a while, inFlight at a time, each as soon as another
// is answered, over one HTTP/2 connection as an API server does. It fails when
// one answer is wrong.
func attack(ctx context.Context, p *process, w *workload, inFlight uint64, lasting time.Duration) (burst, error) {
	header := http.Header{"Content-Type": {"application/json"}}
	first := p.sent
	var sent atomic.Uint64
	targets := func(t *vegeta.Target) error {
		t.Method, t.URL, t.Header = http.MethodPost, p.url+"/validate?timeout=10s", header
		t.Body = w.body(first + sent.Add(1) - 1)
		return nil
	}
	attacker := vegeta.NewAttacker(vegeta.Client(p.client), vegeta.Workers(inFlight), vegeta.MaxWorkers(inFlight))
	defer context.AfterFunc(ctx, func() { attacker.Stop() })()

	before, err := p.cpuTime()
	if err != nil {
		return burst{}, err
	}
	var answers []*vegeta.Result
	start := time.Now()
	for result := range attacker.Attack(targets, vegeta.ConstantPacer{}, lasting, "") {
		answers = append(answers, result)
	}
	r := burst{elapsed: time.Since(start)}
	after, err := p.cpuTime()
	if err != nil {
		return burst{}, err
	}
	p.sent += sent.Load()
	switch {
	case ctx.Err() != nil:
		return burst{}, ctx.Err()
	case len(answers) == 0:
		return burst{}, errors.New("not one answer in time")
	}
	if err := verify(answers, first, p.sent, !w.denied(p.kind)); err != nil {
		return burst{}, err
	}
	r.cpu = after - before
	for _, a := range answers {
		r.latencies = append(r.latencies, a.Latency)
	}
	slices.Sort(r.latencies)
	return r, nil
}
