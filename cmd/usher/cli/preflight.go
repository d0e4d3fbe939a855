package cli

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"usher.dev/usher/cmd/usher/preflight"
)

// preflightOptions say what is about to be installed, and where.
type preflightOptions struct {
	cluster
	preflight.Options
	occasion, mode string
}

func newPreflight(s streams) *cobra.Command {
	var o preflightOptions
	c := &cobra.Command{
		Use:   "preflight [flags]",
		Short: "Say what would go wrong with installing or upgrading usher",
		Long: `Look at a cluster before usher is installed or upgraded there: whether the API
server knows what usher's manifests say, whether what is stored of usher's kinds
can be read by this release, whether another usher is registered, whose
certificates there are, whether the namespace admits the agent, and whether
network policies let usher reach the API server. Nothing is changed.

The Helm chart runs it before every install and upgrade. Exit code 0: nothing is
in the way; 1: something is; 2: the cluster could not be looked at.`,
		Example: `  usher preflight
  usher preflight --for upgrade --cert-mode cert-manager --agent`,
		Args: noArgs("`usher preflight` looks at the cluster of the kubeconfig"),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := o.complete(); err != nil {
				return err
			}
			return o.run(c.Context(), s)
		},
	}
	f := c.Flags()
	f.SortFlags = false
	o.cluster.addFlags(f)
	f.StringVar(&o.occasion, "for", string(preflight.Install), "what is about to be done: install, upgrade")
	f.StringVarP(&o.Namespace, "namespace", "n", installedIn(), "`NAMESPACE` that usher runs in")
	f.StringVar(&o.mode, "cert-mode", string(preflight.CertSelf), "who makes the certificates: self, cert-manager, files")
	f.BoolVar(&o.Agent, "agent", false, "the agent is to run as well")
	f.BoolVar(&o.Monitoring, "monitoring", false, "objects of the Prometheus operator are to be made as well")
	f.Int32SliceVar(&o.APIServerPorts, "api-server-ports", nil, "`PORTS` that network policies let usher reach; none: all")
	return c
}

func (o *preflightOptions) complete() error {
	o.For, o.CertMode, o.Now = preflight.Occasion(o.occasion), preflight.CertMode(o.mode), time.Now()
	if !slices.Contains(preflight.Occasions, o.For) {
		return usagef("unknown occasion %q; --for takes one of install, upgrade", o.occasion)
	}
	if !slices.Contains(preflight.CertModes, o.CertMode) {
		return usagef("unknown mode %q; --cert-mode takes one of self, cert-manager, files", o.mode)
	}
	return nil
}

func (o *preflightOptions) run(ctx context.Context, s streams) error {
	ctx, cancel := context.WithTimeout(ctx, askCluster)
	defer cancel()
	config, err := o.config()
	if err != nil {
		return err
	}
	facts, err := preflight.Gather(ctx, o.Options, config)
	if err != nil {
		return err
	}
	findings := preflight.Compare(o.Options, facts)
	for _, finding := range findings {
		if _, err := fmt.Fprintln(s.out, finding); err != nil {
			return err
		}
	}
	if preflight.Worst(findings) == preflight.Wrong {
		return errFound
	}
	return nil
}
