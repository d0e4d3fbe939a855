package cluster

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"path"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Patience is how long a watch may be silent before what it brought counts as
// old. The API server sends a bookmark about every minute on a watch on which
// nothing happens, and now and then leaves one out.
const Patience = 4 * time.Minute

// Pulse notes when the API server last sent something on each watch. A watch
// that stalls, or cannot be begun again, falls silent; nothing else tells of it,
// since what it brought stays in memory. It is also the metric of that.
type Pulse struct {
	mu    sync.Mutex
	heard map[string]time.Time // by resource, as in namespaces
}

var _ prometheus.Collector = (*Pulse)(nil)

// NewPulse listens for the watches on the resources that are expected, and on
// whatever else is watched.
func NewPulse(expected ...string) *Pulse {
	p := &Pulse{heard: map[string]time.Time{}}
	for _, resource := range expected {
		p.heard[resource] = time.Time{}
	}
	return p
}

// Wrap listens to the watches of a client, as rest.Config.Wrap wants it.
func (p *Pulse) Wrap(next http.RoundTripper) http.RoundTripper {
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

func (p *Pulse) note(resource string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.heard[resource] = time.Now()
}

// last returns when a resource's watch was last heard, the zero time if never.
func (p *Pulse) last(resource string) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.heard[resource]
}

// check names a watch that has been silent for longer than patience.
func (p *Pulse) check(patience time.Duration, resources ...string) error {
	for _, resource := range resources {
		if silence := time.Since(p.last(resource)); silence > patience {
			return fmt.Errorf("the watch on %s has been silent for %s; what it brought may be old", resource, silence.Round(time.Second))
		}
	}
	return nil
}

var heardDesc = prometheus.NewDesc(
	"usher_watch_heard_timestamp_seconds",
	"When the API server last sent something on a watch, in seconds since 1970, by resource; 0: never.",
	[]string{"resource"}, nil,
)

// Describe implements prometheus.Collector.
func (p *Pulse) Describe(out chan<- *prometheus.Desc) { out <- heardDesc }

// Collect implements prometheus.Collector.
func (p *Pulse) Collect(out chan<- prometheus.Metric) {
	p.mu.Lock()
	heard := maps.Clone(p.heard)
	p.mu.Unlock()
	for _, resource := range slices.Sorted(maps.Keys(heard)) {
		seconds := 0.0
		if last := heard[resource]; !last.IsZero() {
			seconds = float64(last.UnixMilli()) / 1000
		}
		out <- prometheus.MustNewConstMetric(heardDesc, prometheus.GaugeValue, seconds, resource)
	}
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
