package tenancy

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr/funcr"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/config"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"usher.dev/usher/tenancy"
)

// running is a tenancy controller in this process, and the requests that it makes.
type running struct {
	calls *calls
	stop  func()
}

// run starts the controller as its service account. It ends with the test, or
// before by stop.
func (c *cluster) run(t testing.TB) *running {
	t.Helper()
	return c.runAsked(t, nil)
}

// runAsked is run with every request asked about first.
func (c *cluster) runAsked(t testing.TB, before func(*http.Request) error) *running {
	t.Helper()
	r := &running{calls: &calls{byVerb: map[string]int{}, before: before}}
	config := rest.CopyConfig(c.account)
	config.Wrap(r.calls.wrap)
	mgr := newManager(t, config)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	r.stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("the controller ended: %v", err)
			}
		case <-time.After(time.Minute):
			t.Error("the controller does not end")
		}
	})
	t.Cleanup(r.stop)
	soon, done := context.WithTimeout(ctx, patience)
	defer done()
	if !mgr.GetCache().WaitForCacheSync(soon) {
		t.Fatal("the controller's caches are not in sync")
	}
	return r
}

// complaints are the controllers' errors, which outlive the test that caused them.
var complaints = funcr.New(func(_, arguments string) {
	if testing.Verbose() && !strings.HasPrefix(arguments, `"level"`) {
		fmt.Fprintln(os.Stderr, arguments)
	}
}, funcr.Options{})

func newManager(t testing.TB, cfg *rest.Config) ctrl.Manager {
	t.Helper()
	mgr, err := ctrl.NewManager(cfg, ctrl.Options{
		Scheme:  scheme,
		Logger:  complaints,
		Cache:   cache.Options{ByObject: tenancy.CacheByObject()},
		Metrics: metricsserver.Options{BindAddress: "0"},
		// Tests start several, one after the other.
		Controller: config.Controller{SkipNameValidation: new(true)},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := tenancy.NewReconciler(tenancy.Options{}).SetupWithManager(mgr); err != nil {
		t.Fatal(err)
	}
	return mgr
}

// calls counts requests to the API server.
type calls struct {
	mu     sync.Mutex
	byVerb map[string]int
	// before, where set, is asked about every request and may fail it.
	before func(*http.Request) error
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func (c *calls) wrap(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		if err := c.ask(r); err != nil {
			return nil, err
		}
		return next.RoundTrip(r)
	})
}

// ask counts a request. One is asked about at a time.
func (c *calls) ask(r *http.Request) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.byVerb[verb(r)]++
	if c.before == nil {
		return nil
	}
	return c.before(r)
}

// verb names a request as RBAC does, with what it is about: "patch namespaces".
func verb(r *http.Request) string {
	verbs := map[string]string{http.MethodPost: "create", http.MethodPut: "update", http.MethodPatch: "patch", http.MethodDelete: "delete"}
	verb, write := verbs[r.Method]
	if !write {
		verb = "get"
		if r.URL.Query().Get("watch") != "" {
			verb = "watch"
		}
	}
	path := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	// api/v1 or apis/GROUP/VERSION, then namespaces/NAME where there is more.
	path = path[min(len(path), map[string]int{"api": 2, "apis": 3}[path[0]]):]
	if len(path) > 2 && path[0] == "namespaces" {
		path = path[2:]
	}
	if len(path) > 2 {
		path = []string{path[0] + "/" + path[2]}
	}
	if len(path) == 0 {
		return verb
	}
	return verb + " " + path[0]
}

func (c *calls) snapshot() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.byVerb)
}
