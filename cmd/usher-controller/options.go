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

	"usher.dev/usher/internal/certs"
	"usher.dev/usher/quota"
)

const usage = `usher-controller makes what each Tenant says true: its namespaces, and the quotas,
limits, network policies and role bindings in them. It keeps a QuotaLedger for
every Tenant with GPUs, in which usher-webhook reserves what it admits: what
came to be is counted there, what never came is dropped, what ended is freed.
With --cert-mode=self it makes and renews usher's own certificates too.

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
	certMode       string
	caSecret       string
	lifetimes      certs.RotationOptions
	verbose        bool
	help           bool

	// namespace is where the Lease is, by which replicas take turns, and where
	// certificates are kept.
	namespace string
}

// Values of --cert-mode.
const (
	certModeFiles = "files"
	certModeSelf  = "self"
)

// certFlags are those that --cert-mode=self alone reads.
var certFlags = []string{"ca-secret", "ca-lifetime", "cert-lifetime", "cert-overlap"}

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
	f.StringVar(&o.certMode, "cert-mode", certModeFiles, "who makes the certificates of webhook and extender: files (others do, such as cert-manager) or self (this does, and writes its CA bundle into webhook configurations with the annotation "+certs.InjectAnnotation+": "+certs.InjectSelf+")")
	f.StringVar(&o.caSecret, "ca-secret", certs.AuthoritySecret, "with --cert-mode=self: name of the Secret of the authority")
	f.DurationVar(&o.lifetimes.Lifetime, "ca-lifetime", certs.DefaultAuthorityLifetime, "with --cert-mode=self: how long an authority lasts; the next one is made when two thirds are over")
	f.DurationVar(&o.lifetimes.LeafLifetime, "cert-lifetime", certs.DefaultLeafLifetime, "with --cert-mode=self: how long a certificate lasts; renewed when two thirds are over")
	f.DurationVar(&o.lifetimes.Overlap, "cert-overlap", certs.DefaultOverlap, "with --cert-mode=self: how long a new authority is trusted before it signs what is served, and an old one after; longer than a CA bundle or a Secret takes to arrive")
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
	return o, errors.Join(o.validate(f.Args()), o.validateCertificates(f.Changed))
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
	if o.reservationTTL < quota.LeastTTL {
		errs = append(errs, fmt.Errorf("--reservation-ttl must be at least %s: until then the API server may make what it was asked for", quota.LeastTTL))
	}
	return errors.Join(errs...)
}

// validateCertificates checks what --cert-mode=self reads; given says whether a
// flag was.
func (o *options) validateCertificates(given func(flag string) bool) error {
	var errs []error
	switch o.certMode {
	case certModeFiles:
		for _, flag := range certFlags {
			if given(flag) {
				errs = append(errs, fmt.Errorf("--%s needs --cert-mode=self: otherwise others make the certificates", flag))
			}
		}
	case certModeSelf:
		errs = append(errs, o.keeper().Validate())
	default:
		errs = append(errs, fmt.Errorf("--cert-mode %q: want files or self", o.certMode))
	}
	return errors.Join(errs...)
}

// keeper is what --cert-mode=self keeps.
func (o *options) keeper() certs.KeeperOptions {
	return certs.KeeperOptions{Namespace: o.namespace, Secret: o.caSecret, Leaves: certs.OwnLeaves(o.namespace), RotationOptions: o.lifetimes}
}
