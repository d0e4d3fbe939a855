package main

import (
	"context"
	"fmt"
	"io"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"usher.dev/usher/internal/apiserver"
	"usher.dev/usher/internal/config"
	"usher.dev/usher/internal/logging"
	"usher.dev/usher/internal/serving"
)

// execute runs the command and returns its exit code: 0 after a signal, 1 when
// the work failed or the lease was lost, 2 when the flags or files are wrong.
func execute(ctx context.Context, args []string, stderr io.Writer) int {
	o, err := parseOptions(args, stderr)
	if err != nil {
		fmt.Fprintf(stderr, "usher-controller: %v\nRun `usher-controller --help` for the flags.\n", err)
		return 2
	}
	if o.help {
		return 0
	}
	logs := logging.New(stderr, o.verbose)
	defer logs.Sync()
	ctrl.SetLogger(logs.Log)
	klog.SetLogger(logs.Log)
	c, err := setup(o, logs.Log)
	if err != nil {
		fmt.Fprintf(stderr, "usher-controller: %v\n", err)
		return 2
	}
	if err := c.serve(ctx); err != nil {
		logs.Log.Error(err, "stopped")
		return 1
	}
	logs.Log.Info("stopped")
	return 0
}

// controller is the process.
type controller struct {
	options  *options
	kube     *rest.Config
	scheme   *runtime.Scheme
	mapper   meta.RESTMapper
	parts    []part
	progress progress
	registry *prometheus.Registry
	log      logr.Logger
}

// setup wires the parts together, without asking the API server for anything.
func setup(o *options, log logr.Logger) (*controller, error) {
	cfg, err := config.Load(o.config)
	if err != nil {
		return nil, err
	}
	kube, err := apiserver.Find(o.kubeconfig, "usher-controller", "")
	if err != nil {
		return nil, err
	}
	connection, err := rest.HTTPClientFor(kube)
	if err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	mapper, err := apiutil.NewDynamicRESTMapper(kube, connection)
	if err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	c := &controller{options: o, kube: kube, scheme: newScheme(), mapper: mapper, registry: prometheus.NewRegistry(), log: log}
	if c.parts, err = parts(cfg, o, c.registry); err != nil {
		return nil, err
	}
	if keeping := newCertificates(o, c.registry); keeping != nil {
		c.parts = append(c.parts, keeping)
		c.progress.certificates = keeping.state
	}
	return c, nil
}

// serve answers probes and works until the context ends.
func (c *controller) serve(ctx context.Context) error {
	group, working := errgroup.WithContext(ctx)
	// The probes outlive the signal: the work takes a while to end.
	probing, stopProbes := context.WithCancel(context.WithoutCancel(ctx))
	defer stopProbes()
	if c.options.probeListen != "" {
		probes := &serving.Probes{
			Listen: c.options.probeListen,
			Ready:  c.progress.ready,
			// controller-runtime counts in a registry of its own, which has the
			// metrics of Go and of the process too.
			Metrics: prometheus.Gatherers{c.registry, metrics.Registry},
		}
		serve, err := probes.Serve(probing)
		if err != nil {
			return err
		}
		group.Go(serve)
	}
	group.Go(func() error {
		defer stopProbes()
		return c.work(working)
	})
	return group.Wait()
}
