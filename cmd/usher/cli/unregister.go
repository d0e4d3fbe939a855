package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"usher.dev/usher/cmd/usher/unregister"
)

// unregisterOptions say what is taken away, and for how long it is waited.
type unregisterOptions struct {
	cluster
	namespace      string
	releaseTenants bool
	timeout        time.Duration
}

func newUnregister(s streams) *cobra.Command {
	var o unregisterOptions
	c := &cobra.Command{
		Use:   "unregister [flags]",
		Short: "Take usher's webhooks out of the API server's way",
		Long: `Delete usher's webhook configurations and wait until they are gone, so that the
API server asks nobody: before usher is uninstalled, or when the cluster has to
be opened by hand. Nothing is judged from then on. usher's kinds, Tenants and
ledgers stay.

The Helm chart runs it before uninstall, and afterwards with --release-tenants,
since the finalizer of Tenants is taken off by usher-controller alone.`,
		Example: `  usher unregister
  usher unregister --release-tenants`,
		Args: noArgs("`usher unregister` works on the cluster of the kubeconfig"),
		RunE: func(c *cobra.Command, _ []string) error {
			if o.timeout <= 0 {
				return usagef("--timeout must be more than nothing")
			}
			return o.run(c.Context(), s)
		},
	}
	f := c.Flags()
	f.SortFlags = false
	o.cluster.addFlags(f)
	f.StringVarP(&o.namespace, "namespace", "n", installedIn(), "`NAMESPACE` of the usher that is to go")
	f.BoolVar(&o.releaseTenants, "release-tenants", false, "also take the finalizer off Tenants; only once usher-controller is gone, or it puts it on again")
	f.DurationVar(&o.timeout, "timeout", time.Minute, "how long to wait in all")
	return c
}

func (o *unregisterOptions) run(ctx context.Context, s streams) error {
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	config, err := o.config()
	if err != nil {
		return err
	}
	u, err := unregister.New(config, o.namespace, s.out)
	if err != nil {
		return err
	}
	if err := u.Unregister(ctx); err != nil {
		return err
	}
	if o.releaseTenants {
		return u.ReleaseTenants(ctx)
	}
	return nil
}
