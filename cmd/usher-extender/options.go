package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/spf13/pflag"

	"usher.dev/usher/internal/serving"
)

const usage = `usher-extender ranks nodes for kube-scheduler by their GPUs, at /v1/filter,
/v1/prioritize and /v1/preempt, and says why at /v1/explain/NAMESPACE/POD.

In a cluster it stands beside its kube-scheduler in one pod, which calls it over
loopback, and watches GPUNodes, pods, nodes, namespaces and tenants:
  usher-extender

On a laptop it needs no cluster; they come from files:
  usher-extender --standalone --objects testdata/gpunodes

Flags:
`

// options are the command's flags.
type options struct {
	listen       string
	probeListen  string
	certDir      string
	certName     string
	clientCAFile string
	config       string
	standalone   bool
	objects      string
	kubeconfig   string
	drain        time.Duration
	verbose      bool
	help         bool
}

func parseOptions(args []string, out io.Writer) (*options, error) {
	o := &options{}
	f := pflag.NewFlagSet("usher-extender", pflag.ContinueOnError)
	f.SetOutput(out)
	f.SortFlags = false
	f.StringVar(&o.listen, "listen", "127.0.0.1:9444", "address for kube-scheduler; plain HTTP without --cert-dir")
	f.StringVar(&o.probeListen, "probe-listen", "127.0.0.1:8082", "address of /startupz, /livez, /readyz and /metrics (plain HTTP); empty for none")
	f.StringVar(&o.certDir, "cert-dir", "", "folder with tls.crt and tls.key, read again when they change")
	f.StringVar(&o.certName, "cert-name", "", "with --cert-dir: name that kube-scheduler comes for, the host of its urlPrefix or its tlsConfig.serverName: with a certificate that is not for it the extender is not ready; empty: not checked")
	f.StringVar(&o.clientCAFile, "client-ca-file", "", "PEM file of authorities; only clients with a certificate of one may ask; read again when it changes")
	f.StringVar(&o.config, "config", "", "configuration file (kind ExtenderConfiguration)")
	f.BoolVar(&o.standalone, "standalone", false, "run without a cluster; reports from files do not age")
	f.StringVar(&o.objects, "objects", "", "with --standalone: folder of YAML files with GPUNodes, Nodes, Pods, Namespaces and Tenants")
	f.StringVar(&o.kubeconfig, "kubeconfig", "", "kubeconfig file; default: $KUBECONFIG, else the pod's service account")
	f.DurationVar(&o.drain, "drain", time.Second, "how long to go on answering after SIGTERM, so that the scheduler can finish")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "log every decision and more")
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

// plain says whether the scheduler is answered over plain HTTP.
func (o *options) plain() bool { return o.certDir == "" }

func (o *options) validate(rest []string) error {
	var errs []error
	if len(rest) > 0 {
		errs = append(errs, fmt.Errorf("unexpected arguments %q", rest))
	}
	host, _, err := net.SplitHostPort(o.listen)
	if err != nil {
		errs = append(errs, fmt.Errorf("--listen %q: want host:port: %w", o.listen, err))
	} else if !serving.IsLoopback(host) && (o.certDir == "" || o.clientCAFile == "") {
		errs = append(errs, fmt.Errorf("--listen %q is not a loopback address: others could ask and answer, so that --cert-dir and --client-ca-file are needed", o.listen))
	}
	if o.clientCAFile != "" && o.certDir == "" {
		errs = append(errs, errors.New("--client-ca-file needs --cert-dir: plain HTTP knows no client certificates"))
	}
	if o.certName != "" && o.certDir == "" {
		errs = append(errs, errors.New("--cert-name needs --cert-dir: plain HTTP knows no certificates"))
	}
	if o.standalone && o.kubeconfig != "" {
		errs = append(errs, errors.New("--standalone and --kubeconfig exclude each other"))
	}
	if o.standalone != (o.objects != "") {
		errs = append(errs, errors.New("--standalone and --objects need each other: without a cluster GPUNodes come from files, in one from the API server"))
	}
	if o.drain < 0 {
		errs = append(errs, errors.New("--drain is negative"))
	}
	return errors.Join(errs...)
}
