package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"golang.org/x/sync/errgroup"
	"k8s.io/utils/clock"
	"sigs.k8s.io/yaml"

	"usher.dev/usher/agent"
	"usher.dev/usher/agent/nvml"
	"usher.dev/usher/internal/apiserver"
	"usher.dev/usher/internal/logging"
	"usher.dev/usher/internal/version"
)

// bootIDFile is where the kernel tells its boot ID.
const bootIDFile = "/proc/sys/kernel/random/boot_id"

// execute runs the command and returns its exit code: 0 after a signal or a
// printed report, 1 when reporting failed, 2 when the flags or files are wrong.
func execute(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parseOptions(args, stderr)
	if err != nil {
		fmt.Fprintf(stderr, "usher-agent: %v\nRun `usher-agent --help` for the flags.\n", err)
		return 2
	}
	if o.help {
		return 0
	}
	logs := logging.New(stderr, o.verbose)
	defer logs.Sync()
	registry := newRegistry()
	a, err := setup(o, registry, logs.Log)
	if err != nil {
		fmt.Fprintf(stderr, "usher-agent: %v\n", err)
		return 2
	}
	if o.once {
		return once(ctx, a, o.output, stdout, stderr)
	}
	store, err := connect(o)
	if err != nil {
		fmt.Fprintf(stderr, "usher-agent: %v\n", err)
		return 2
	}
	group, ctx := errgroup.WithContext(ctx)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if o.probeListen != "" {
		server := &agent.Server{Listen: o.probeListen, Agent: a, Metrics: registry}
		group.Go(func() error { return server.Run(ctx) })
	}
	group.Go(func() error {
		defer stop()
		return a.Run(ctx, store)
	})
	if err := group.Wait(); err != nil {
		logs.Log.Error(err, "stopped")
		return 1
	}
	logs.Log.Info("stopped")
	return 0
}

// newRegistry has the metrics of Go, of the process and of its version.
func newRegistry() *prometheus.Registry {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), version.Collector())
	return registry
}

// setup wires the parts together.
func setup(o *options, registry prometheus.Registerer, log logr.Logger) (*agent.Agent, error) {
	boot, err := os.ReadFile(bootIDFile)
	if err != nil {
		return nil, fmt.Errorf("read boot ID: %w", err)
	}
	machine, err := machineOf(o, log)
	if err != nil {
		return nil, err
	}
	if o.once {
		log = logr.Discard() // the report says it all
	}
	return &agent.Agent{
		NodeName:  o.nodeName,
		BootID:    strings.TrimSpace(string(boot)),
		Machine:   machine,
		Interval:  o.interval,
		Heartbeat: o.heartbeat,
		Clock:     clock.RealClock{},
		Log:       log.WithValues("node", o.nodeName),
		Metrics:   agent.NewMetrics(registry),
	}, nil
}

// machineOf returns where facts are read.
func machineOf(o *options, log logr.Logger) (*agent.Machine, error) {
	machine := &agent.Machine{Pod: o.pod}
	kind, value, _ := strings.Cut(o.source, ":")
	switch kind {
	case "file":
		machine.Snapshot = value
	case "mock":
		mock, err := nvml.NewMock(value, o.nodeName)
		if err != nil {
			return nil, err
		}
		if o.mockScript != "" {
			if err := mock.Follow(o.mockScript, func(err error) { log.Error(err, "script not played again") }); err != nil {
				return nil, fmt.Errorf("--mock-script: %w", err)
			}
		}
		machine.Driver, machine.Sysfs = mock.Driver(o.driverTimeout), mock.Sysfs()
	default:
		machine.Driver = nvml.New(o.driverTimeout)
	}
	if o.sysfs != "" {
		machine.Sysfs = os.DirFS(o.sysfs)
	}
	if o.kubeletSocket != "" {
		kubelet, err := agent.NewPodResources(o.kubeletSocket)
		if err != nil {
			return nil, err
		}
		machine.Kubelet = kubelet
	}
	return machine, nil
}

// once prints one report. What it could not find out, it says itself.
func once(ctx context.Context, a *agent.Agent, format string, stdout, stderr io.Writer) int {
	node := a.Node(a.Round(ctx))
	if a.Machine.Driver != nil {
		a.Machine.Driver.Close()
	}
	text, err := yaml.Marshal(node)
	if format == "json" {
		text, err = json.MarshalIndent(node, "", "  ")
		text = append(text, '\n')
	}
	if err == nil {
		_, err = stdout.Write(text)
	}
	if err != nil {
		fmt.Fprintf(stderr, "usher-agent: print report: %v\n", err)
		return 1
	}
	return 0
}

func connect(o *options) (*agent.APIServer, error) {
	cfg, err := apiserver.Find(o.kubeconfig, "usher-agent", "--once")
	if err != nil {
		return nil, err
	}
	return agent.NewAPIServer(cfg, o.nodeName)
}
