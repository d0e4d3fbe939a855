package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"golang.org/x/sync/errgroup"
	ctrl "sigs.k8s.io/controller-runtime"

	"usher.dev/usher/internal/apiserver"
	"usher.dev/usher/internal/certs"
	"usher.dev/usher/internal/config"
	"usher.dev/usher/internal/logging"
	"usher.dev/usher/internal/serving"
	extender "usher.dev/usher/scheduler-extender"
)

// execute runs the command and returns its exit code: 0 after a signal, 1 when
// serving failed, 2 when the flags or files are wrong.
func execute(ctx context.Context, args []string, stderr io.Writer) int {
	o, err := parseOptions(args, stderr)
	if err != nil {
		fmt.Fprintf(stderr, "usher-extender: %v\nRun `usher-extender --help` for the flags.\n", err)
		return 2
	}
	if o.help {
		return 0
	}
	logs := logging.New(stderr, o.verbose)
	defer logs.Sync()
	ctrl.SetLogger(logs.Log)
	server, background, err := setup(o, logs)
	if err != nil {
		fmt.Fprintf(stderr, "usher-extender: %v\n", err)
		return 2
	}
	group, serving := errgroup.WithContext(ctx)
	// The watches outlive the signal: questions are answered while draining.
	watching, stopWatching := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWatching()
	for _, work := range background {
		group.Go(func() error { return work(watching) })
	}
	group.Go(func() error {
		defer stopWatching()
		return server.Run(serving)
	})
	if err := group.Wait(); err != nil {
		logs.Log.Error(err, "stopped")
		return 1
	}
	logs.Log.Info("stopped")
	return 0
}

// setup wires the parts together; background is what runs beside the server.
func setup(o *options, logs *logging.Logs) (server *serving.Server, background []func(context.Context) error, err error) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	cfg, err := config.LoadExtender(o.config)
	if err != nil {
		return nil, nil, err
	}
	if o.standalone {
		cfg.StaleAfter.Duration, cfg.LostAfter.Duration = math.MaxInt64, math.MaxInt64
	}
	store, err := extender.NewStore(cfg, extender.SystemClock(), extender.NewMetrics(registry))
	if err != nil {
		return nil, nil, fmt.Errorf("configuration %s: %w", o.config, err)
	}
	registry.MustRegister(store.Collectors()...)
	if o.standalone {
		err = store.LoadObjects(o.objects)
	} else {
		var feed *extender.Feed
		feed, err = connect(o.kubeconfig, store, logs.Log)
		background = append(background, feed.Run)
	}
	if err != nil {
		return nil, nil, err
	}
	server = &serving.Server{
		What:        "the verbs",
		Handlers:    map[string]http.Handler{"/": extender.NewHandler(store, logs.Log, logs.Sampled)},
		Listen:      o.listen,
		Plain:       o.plain(),
		ProbeListen: o.probeListen,
		Drain:       o.drain,
		Ready:       func() (string, error) { return "", store.Synced() },
		Metrics:     registry,
		Log:         logs.Log,
	}
	if !server.Plain {
		served := certs.NewServed(certs.ServedOptions{Dir: o.certDir, Name: o.certName, ClientCAFile: o.clientCAFile}, logs.Log.WithName("certificates"))
		registry.MustRegister(served.Collectors()...)
		server.TLS = served.TLS
		server.Ready = func() (string, error) {
			detail, err := served.Check()
			return detail, errors.Join(err, store.Synced())
		}
		background = append(background, served.Run)
	}
	return server, background, nil
}

func connect(kubeconfig string, store *extender.Store, log logr.Logger) (*extender.Feed, error) {
	cfg, err := apiserver.Find(kubeconfig, "usher-extender", "--standalone")
	if err != nil {
		return nil, err
	}
	cfg.Timeout = 0 // watches last
	return extender.NewFeed(cfg, store, log.WithName("watch"))
}
