package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"golang.org/x/sync/errgroup"
	ctrl "sigs.k8s.io/controller-runtime"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/apiserver"
	"usher.dev/usher/internal/certs"
	"usher.dev/usher/internal/cluster"
	"usher.dev/usher/internal/config"
	"usher.dev/usher/internal/engine"
	"usher.dev/usher/internal/logging"
	"usher.dev/usher/internal/serving"
	"usher.dev/usher/policies"
	"usher.dev/usher/quota"
	"usher.dev/usher/webhook"
)

// inMemoryLifetime is how long a certificate that is made at the start lasts.
const inMemoryLifetime = 365 * 24 * time.Hour

// execute runs the command and returns its exit code: 0 after a signal, 1 when
// serving failed, 2 when the flags or files are wrong.
func execute(ctx context.Context, args []string, stderr io.Writer) int {
	o, err := parseOptions(args, stderr)
	if err != nil {
		fmt.Fprintf(stderr, "usher-webhook: %v\nRun `usher-webhook --help` for the flags.\n", err)
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
		fmt.Fprintf(stderr, "usher-webhook: %v\n", err)
		return 2
	}
	group, serving := errgroup.WithContext(ctx)
	workers, stopWorkers := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWorkers()
	for _, work := range background {
		group.Go(func() error {
			// The workers outlive the signal: draining requests still need them.
			if err := work(workers); err != nil && workers.Err() == nil {
				return err
			}
			return nil
		})
	}
	group.Go(func() error {
		defer stopWorkers()
		return server.Run(serving)
	})
	if err := group.Wait(); err != nil {
		logs.Log.Error(err, "stopped")
		return 1
	}
	logs.Log.Info("stopped")
	return 0
}

// setup wires the parts together.
func setup(o *options, logs *logging.Logs) (*serving.Server, []func(context.Context) error, error) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	registry.MustRegister(engine.Collectors()...)

	cfg, err := config.Load(o.config)
	if err != nil {
		return nil, nil, err
	}
	judges, watcher, err := policySet(o.policyDir, cfg, logs.Log)
	if err != nil {
		return nil, nil, err
	}
	var background []func(context.Context) error
	ready := readiness{engine: judges, watcher: watcher}
	if watcher != nil {
		background = append(background, watcher.Run)
	}

	var surroundings webhook.Cluster
	var ledger webhook.Ledger
	if o.standalone {
		files, err := objects(o.objects)
		if err != nil {
			return nil, nil, err
		}
		surroundings, ledger = files, quota.NewFixed(files)
	} else {
		informers, reserver, err := connect(o.kubeconfig, logs.Log)
		if err != nil {
			return nil, nil, err
		}
		surroundings, ledger = informers, reserver
		registry.MustRegister(informers.Collectors()...)
		registry.MustRegister(reserver.Collectors()...)
		ready.informers, ready.reserver = informers, reserver
		background = append(background, informers.Start, reserver.Start)
	}

	reviewer, err := webhook.NewReviewer(judges.Current, surroundings, ledger, cfg)
	if err != nil {
		return nil, nil, err
	}
	served, err := certificate(o, logs.Log)
	if err != nil {
		return nil, nil, err
	}
	registry.MustRegister(served.Collectors()...)
	ready.served = served
	mutate, validate := webhook.NewHandlers(reviewer, logs.Log, logs.Sampled, webhook.NewMetrics(registry))
	server := &serving.Server{
		Listen:      o.listen,
		ProbeListen: o.probeListen,
		Drain:       o.drain,
		What:        "the webhooks",
		Handlers:    map[string]http.Handler{"/mutate": mutate, "/validate": validate},
		TLS:         served.TLS,
		Ready:       ready.check,
		Metrics:     registry,
		Log:         logs.Log,
	}
	return server, append(background, served.Run), nil
}

// policySet compiles the embedded policies and those of a folder, if any, over
// them, and returns what holds them and what watches the folder.
func policySet(dir string, cfg *v1alpha1.AdmissionConfiguration, log logr.Logger) (*engine.Engine, *engine.Watcher, error) {
	load := func() (*engine.Set, error) { return engine.Compile(cfg, policies.FS) }
	var watcher *engine.Watcher
	if dir != "" {
		watcher = &engine.Watcher{
			Dir: dir, Log: log.WithName("policies"), Reloaded: engine.CountReload,
			Compile: func(folder fs.FS) (*engine.Set, error) { return engine.Compile(cfg, policies.FS, folder) },
		}
		load = watcher.Load
	}
	set, err := load()
	if err != nil {
		return nil, nil, err
	}
	log.Info("policies in force", "count", len(set.Policies()), "policies", set.Digest())
	judges := engine.New(set)
	if watcher != nil {
		watcher.Engine = judges
	}
	return judges, watcher, nil
}

func objects(dir string) (*cluster.Objects, error) {
	if dir == "" {
		return cluster.NewObjects(), nil
	}
	return cluster.Load(dir)
}

func connect(kubeconfig string, log logr.Logger) (*cluster.Informers, *quota.Reserver, error) {
	cfg, err := apiserver.Find(kubeconfig, "usher-webhook", "--standalone")
	if err != nil {
		return nil, nil, err
	}
	informers, err := cluster.NewInformers(cfg, log.WithName("watch"))
	if err != nil {
		return nil, nil, err
	}
	reserver, err := quota.NewReserver(cfg, log.WithName("ledger"))
	return informers, reserver, err
}

// certificate returns what the webhook shows and whom it lets in.
func certificate(o *options, log logr.Logger) (*certs.Served, error) {
	served := certs.ServedOptions{Dir: o.certDir, Name: o.certName, ClientCAFile: o.clientCAFile}
	if o.certDir == "" {
		var err error
		if served.Made, err = makeCertificate(o); err != nil {
			return nil, err
		}
	}
	return certs.NewServed(served, log.WithName("certificates")), nil
}

// makeCertificate makes a certificate for the address that is listened on, and
// for the names of this machine.
func makeCertificate(o *options) (*tls.Certificate, error) {
	host, _, err := net.SplitHostPort(o.listen)
	if err != nil {
		return nil, fmt.Errorf("--listen %q: %w", o.listen, err)
	}
	hosts := []string{"localhost", "127.0.0.1", "::1"}
	if host != "" && !slices.Contains(hosts, host) {
		hosts = append(hosts, host)
	}
	cert, authority, err := certs.SelfSigned(hosts, inMemoryLifetime)
	if err != nil {
		return nil, err
	}
	if o.writeCA != "" {
		if err := os.WriteFile(o.writeCA, authority, 0o644); err != nil { //nolint:gosec // a certificate is public
			return nil, fmt.Errorf("--write-ca: %w", err)
		}
	}
	return &cert, nil
}

// readiness says whether the webhook can judge.
type readiness struct {
	engine    *engine.Engine
	informers *cluster.Informers
	reserver  *quota.Reserver
	watcher   *engine.Watcher
	served    *certs.Served
}

// check is the readiness probe. Policies that could not be reloaded do not make
// the webhook unready, since the last good set is in force; they are in detail.
func (r *readiness) check() (detail string, err error) {
	detail = "policies " + r.engine.Set().Digest()
	if r.watcher != nil && r.watcher.Err() != nil {
		detail += "\npolicies not reloaded, the last good set is in force: " + r.watcher.Err().Error()
	}
	certificate, err := r.served.Check()
	if certificate != "" {
		detail += "\n" + certificate
	}
	if r.informers != nil {
		err = errors.Join(err, r.informers.Current(), r.reserver.Current())
	}
	return detail, err
}
