package cli

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	extender "usher.dev/usher/scheduler-extender"
)

// askExtender bounds a question to the extender, maxExplanation its answer.
const (
	askExtender    = 30 * time.Second
	maxExplanation = 64 << 20
)

// explainOptions say whom to ask.
type explainOptions struct {
	server, serverCA      string
	clientCert, clientKey string
	format                string
}

func newExplain(s streams) *cobra.Command {
	var o explainOptions
	c := &cobra.Command{
		Use:   "explain NAMESPACE/POD [flags]",
		Short: "Show how usher-extender ranked the nodes for a pod",
		Long: `Show what usher-extender answered when kube-scheduler last asked about a pod: for
every node that will do its score, the GPUs that the device plugin is predicted
to pick and what each term made of them, for every other why it was filtered.
The node that the pod is bound to is marked by *. docs/extender.md explains the
terms.

The extender listens on loopback beside its scheduler and remembers some hundred
answers. Exit code 0: some node will do; 1: none will; 2: nothing could be told.`,
		Example: `  kubectl port-forward -n usher-system deploy/gpu-topology-scheduler 9444 &
  usher explain team-a/distributed-training
  usher explain team-a/distributed-training -o json`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("name one pod, as NAMESPACE/POD")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			namespace, pod, ok := strings.Cut(args[0], "/")
			switch {
			case !ok || namespace == "" || pod == "" || strings.Contains(pod, "/"):
				return usagef("%q names no pod; write NAMESPACE/POD", args[0])
			case o.format != "text" && o.format != "json":
				return usagef("unknown format %q; -o takes text or json", o.format)
			case (o.clientCert == "") != (o.clientKey == ""):
				return usagef("--client-cert and --client-key need each other")
			}
			e, err := o.ask(c.Context(), namespace, pod)
			if err != nil {
				return err
			}
			return writeExplanation(s.out, e, o.format)
		},
	}
	f := c.Flags()
	f.SortFlags = false
	f.StringVar(&o.server, "server", "http://127.0.0.1:9444", "`URL` of usher-extender")
	f.StringVar(&o.serverCA, "server-ca", "", "PEM `FILE` with the authority of its certificate")
	f.StringVar(&o.clientCert, "client-cert", "", "PEM `FILE` with a certificate that it accepts")
	f.StringVar(&o.clientKey, "client-key", "", "PEM `FILE` with the key of that certificate")
	f.StringVarP(&o.format, "output", "o", "text", "`FORMAT`: text, json")
	return c
}

// ask gets an explanation.
func (o *explainOptions) ask(ctx context.Context, namespace, pod string) (*extender.Explanation, error) {
	fail := func(err error) (*extender.Explanation, error) { return nil, fmt.Errorf("ask the extender: %w", err) }
	client, err := o.client()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, askExtender)
	defer cancel()
	address := strings.TrimSuffix(o.server, "/") + "/v1/explain/" + url.PathEscape(namespace) + "/" + url.PathEscape(pod)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return fail(err)
	}
	response, err := client.Do(request)
	if err != nil {
		return fail(err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(response.Body, maxExplanation))
	if err != nil {
		return fail(err)
	}
	if response.StatusCode != http.StatusOK {
		return fail(errors.New(strings.TrimSpace(string(raw))))
	}
	e := &extender.Explanation{}
	if err := json.Unmarshal(raw, e); err != nil {
		return fail(err)
	}
	return e, nil
}

func (o *explainOptions) client() (*http.Client, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if o.serverCA != "" {
		pem, err := os.ReadFile(o.serverCA)
		if err != nil {
			return nil, fmt.Errorf("--server-ca: %w", err)
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("--server-ca: %s holds no certificate in PEM", o.serverCA)
		}
	}
	if o.clientCert != "" {
		pair, err := tls.LoadX509KeyPair(o.clientCert, o.clientKey)
		if err != nil {
			return nil, fmt.Errorf("--client-cert: %w", err)
		}
		cfg.Certificates = []tls.Certificate{pair}
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: cfg, Proxy: http.ProxyFromEnvironment}}, nil
}
