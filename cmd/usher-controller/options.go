package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/spf13/pflag"

	"usher.dev/usher/internal/tracing"
	"usher.dev/usher/quota"
)

const usage = `usher-controller makes what each Tenant says true: its namespaces, and the quotas,
limits, network policies and role bindings in them. It keeps a QuotaLedger for
every Tenant with GPUs, in which usher-webhook reserves what it admits: what
came to be is counted there, what never came is dropped, what ended is freed.

In a cluster, several replicas run and one leads; it takes part in no request:
  usher-controller --config /etc/usher/config/config.yaml

Outside, on a cluster where no other replica runs:
  usher-controller --kubeconfig ~/.kube/config --leader-elect=false

Flags:
`

// options are the command's flags.
type options struct {
	config         string
	kubeconfig     string
	probeListen    string
	leaderElect    bool
	reservationTTL time.Duration
	traces         tracing.Options
	verbose        bool
	help           bool

	// namespace is where the Lease is, by which replicas take turns.
	namespace string
}

func parseOptions(args []string, out io.Writer) (*options, error) {
	o := &options{namespace: cmp.Or(os.Getenv("POD_NAMESPACE"), "usher-system")}
	f := pflag.NewFlagSet("usher-controller", pflag.ContinueOnError)
	f.SetOutput(out)
	f.SortFlags = false
	f.StringVar(&o.config, "config", "", "configuration file, the webhook's own (kind AdmissionConfiguration): what names a tenant, and what a GPU resource counts")
	f.StringVar(&o.kubeconfig, "kubeconfig", "", "kubeconfig file; default: $KUBECONFIG, else the pod's service account")
	f.StringVar(&o.probeListen, "probe-listen", "127.0.0.1:8083", "address of /startupz, /livez, /readyz and /metrics (plain HTTP); empty for none")
	f.BoolVar(&o.leaderElect, "leader-elect", true, "work only while this replica holds the Lease usher-controller, in $POD_NAMESPACE or else usher-system; without, no other replica may run")
	f.DurationVar(&o.reservationTTL, "reservation-ttl", quota.DefaultTTL, fmt.Sprintf("how long a reservation waits for its pod or claim; at least %s, since until then the API server may make what it was asked for", quota.LeastTTL))
	o.traces.AddFlags(f)
	f.BoolVarP(&o.verbose, "verbose", "v", false, "log every change and more")
	f.BoolVarP(&o.help, "help", "h", false, "show this")
	f.Usage = func() { fmt.Fprint(out, usage+f.FlagUsages()) }
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	if o.help {
		f.Usage()
		return o, nil
	}
	return o, o.validate(f.Args())
}

func (o *options) validate(rest []string) error {
	var errs []error
	if len(rest) > 0 {
		errs = append(errs, fmt.Errorf("unexpected arguments %q", rest))
	}
	if o.probeListen != "" {
		if _, _, err := net.SplitHostPort(o.probeListen); err != nil {
			errs = append(errs, fmt.Errorf("--probe-listen %q: want host:port: %w", o.probeListen, err))
		}
	}
	errs = append(errs, o.traces.Validate())
	if o.reservationTTL < quota.LeastTTL {
		errs = append(errs, fmt.Errorf("--reservation-ttl must be at least %s: until then the API server may make what it was asked for", quota.LeastTTL))
	}
	return errors.Join(errs...)
}
