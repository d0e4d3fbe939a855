package cluster

import (
	"fmt"
	"io"
	"net/http"
	"path"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Patience is how long a watch may be silent before what it brought counts as
// old. The API server sends a bookmark about every minute on a watch on which
// nothing happens, and now and then leaves one out.
const Patience = 4 * time.Minute

// pulse notes when the API server last sent something on each watch. A watch
// that stalls, or cannot be begun again, falls silent; nothing else tells of it,
// since what it brought stays in memory.
type pulse struct {
	mu    sync.Mutex
	heard map[string]time.Time // by resource, as in namespaces
}

func newPulse() *pulse { return &pulse{heard: map[string]time.Time{}} }

// wrap listens to the watches of a client.
func (p *pulse) wrap(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		response, err := next.RoundTrip(r)
		if err != nil || response.StatusCode != http.StatusOK || r.URL.Query().Get("watch") == "" {
			return response, err
		}
		resource := path.Base(r.URL.Path)
		p.note(resource)
		response.Body = &heardBody{response.Body, func() { p.note(resource) }}
		return response, nil
	})
}

func (p *pulse) note(resource string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.heard[resource] = time.Now()
}

// last returns when a resource's watch was last heard, the zero time if never.
func (p *pulse) last(resource string) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.heard[resource]
}

// check names a watch that has been silent for longer than patience.
func (p *pulse) check(patience time.Duration, resources ...string) error {
	for _, resource := range resources {
		if silence := time.Since(p.last(resource)); silence > patience {
			return fmt.Errorf("the watch on %s has been silent for %s; what it brought may be old", resource, silence.Round(time.Second))
		}
	}
	return nil
}

// collectors are the metrics of the watches on the resources.
func (p *pulse) collectors(resources ...string) []prometheus.Collector {
	out := make([]prometheus.Collector, len(resources))
	for i, resource := range resources {
		out[i] = prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name:        "usher_watch_heard_timestamp_seconds",
			Help:        "When the API server last sent something on a watch, in seconds since 1970, by resource; 0: never.",
			ConstLabels: prometheus.Labels{"resource": resource},
		}, func() float64 {
			last := p.last(resource)
			if last.IsZero() {
				return 0
			}
			return float64(last.UnixMilli()) / 1000
		})
	}
	return out
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// heardBody tells of every part of a body that arrives.
type heardBody struct {
	io.ReadCloser
	heard func()
}

func (b *heardBody) Read(into []byte) (int, error) {
	n, err := b.ReadCloser.Read(into)
	if n > 0 {
		b.heard()
	}
	return n, err
}
