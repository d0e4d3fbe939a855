package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/pflag"
)

const usage = `usher-webhook answers the API server's admission reviews at /mutate and /validate.

In a cluster it reads Namespaces and Tenants through the API server:
  usher-webhook --cert-dir /etc/usher/tls

On a laptop it needs no cluster; they come from files, QuotaLedgers among them,
which are judged by and never written, and the certificate is made in memory:
  usher-webhook --standalone --objects testdata/objects --listen 127.0.0.1:9443

Flags:
`

// options are the command's flags.
type options struct {
	listen       string
	probeListen  string
	certDir      string
	certName     string
	writeCA      string
	clientCAFile string
	config       string
	policyDir    string
	standalone   bool
	objects      string
	kubeconfig   string
	drain        time.Duration
	verbose      bool
	help         bool
}

func parseOptions(args []string, out io.Writer) (*options, error) {
	o := &options{}
	f := pflag.NewFlagSet("usher-webhook", pflag.ContinueOnError)
	f.SetOutput(out)
	f.SortFlags = false
	f.StringVar(&o.listen, "listen", ":9443", "address of the webhooks (TLS)")
	f.StringVar(&o.probeListen, "probe-listen", "127.0.0.1:8081", "address of /startupz, /livez, /readyz and /metrics (plain HTTP); empty for none")
	f.StringVar(&o.certDir, "cert-dir", "", "folder with tls.crt and tls.key, read again when they change")
	f.StringVar(&o.certName, "cert-name", "", "with --cert-dir: name that the API server comes for, such as usher-webhook.usher-system.svc: with a certificate that is not for it the webhook is not ready; empty: not checked")
	f.StringVar(&o.clientCAFile, "client-ca-file", "", "PEM file of authorities; only clients with a certificate of one may ask; read again when it changes")
	f.StringVar(&o.config, "config", "", "configuration file (kind AdmissionConfiguration)")
	f.StringVar(&o.policyDir, "policy-dir", "", "folder of Rego policies over the embedded ones, compiled anew when it changes")
	f.BoolVar(&o.standalone, "standalone", false, "run without a cluster")
	f.StringVar(&o.objects, "objects", "", "with --standalone: folder of YAML files with Namespaces, Tenants and QuotaLedgers")
	f.StringVar(&o.writeCA, "write-ca", "", "with --standalone and no --cert-dir: file to write the made authority's certificate to")
	f.StringVar(&o.kubeconfig, "kubeconfig", "", "kubeconfig file; default: $KUBECONFIG, else the pod's service account")
	f.DurationVar(&o.drain, "drain", 5*time.Second, "how long to go on answering after SIGTERM, so that the API server finds out")
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

func (o *options) validate(rest []string) error {
	var errs []error
	if len(rest) > 0 {
		errs = append(errs, fmt.Errorf("unexpected arguments %q", rest))
	}
	if o.standalone && o.kubeconfig != "" {
		errs = append(errs, errors.New("--standalone and --kubeconfig exclude each other"))
	}
	if !o.standalone {
		if o.objects != "" {
			errs = append(errs, errors.New("--objects needs --standalone: in a cluster, Namespaces, Tenants and QuotaLedgers come from the API server"))
		}
		if o.certDir == "" {
			errs = append(errs, errors.New("--cert-dir is missing: in a cluster the API server must be able to verify the certificate; --standalone makes one in memory"))
		}
	}
	if o.certName != "" && o.certDir == "" {
		errs = append(errs, errors.New("--cert-name needs --cert-dir: a certificate that is made is for the address of --listen"))
	}
	if o.writeCA != "" && (!o.standalone || o.certDir != "") {
		errs = append(errs, errors.New("--write-ca needs --standalone without --cert-dir: only then is an authority made"))
	}
	if o.drain < 0 {
		errs = append(errs, errors.New("--drain is negative"))
	}
	return errors.Join(errs...)
}
