package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"usher.dev/usher/internal/doctor"
)

// doctorOptions say what is examined and what counts.
type doctorOptions struct {
	source
	namespace string
	format    string
	strict    bool
	timeout   time.Duration
}

func newDoctor(s streams) *cobra.Command {
	var o doctorOptions
	c := &cobra.Command{
		Use:   "doctor [-f FILE|DIR|-] [flags]",
		Short: "Find what will hurt a cluster that runs usher",
		Long: `Look at a cluster that runs usher, or at rendered manifests, and find what will
hurt: webhooks that can lock the cluster out, CA bundles and certificates that do
not fit or expire, doors that nobody stands at, replicas that disagree or judge by
what is old, policies that are not in force, tenants and ledgers in trouble, GPU
nodes without reports, a scheduler without the extender.

Of every webhook with failurePolicy Fail, usher's or not, it works out by the API
server's own matching what must be admitted before the webhook can run (nodes, their
leases, the network's pods, its own pods), starts the cluster from nothing in its
head, and shows the cycle where one can never start.

It only reads. What it may not read it leaves out, and says so; a right to get, list
and watch everything is not needed (docs/doctor.md has a ClusterRole). With -f the
cluster is not asked, and checks that only a cluster can tell are left out.

Exit code 0: nothing, or warnings alone; 1: an error, or with --strict a warning; 2:
it could not look.`,
		Example: `  usher doctor
  usher doctor --context prod -o json

  # Before manifests are applied, in CI.
  helm template usher manifests/chart | usher doctor -f -
  kustomize build manifests/overlays/production | usher doctor --strict -f -`,
		Args: noArgs("usher doctor takes no names; -f reads files"),
		RunE: func(c *cobra.Command, _ []string) error { return o.run(c.Context(), s) },
	}
	f := c.Flags()
	f.SortFlags = false
	o.addFlags(f, "manifests")
	f.StringVarP(&o.namespace, "namespace", "n", "", "`NAMESPACE` that usher is in (default where its webhook configurations lead, else usher-system)")
	f.StringVarP(&o.format, "output", "o", "text", "`FORMAT`: text, json")
	f.BoolVar(&o.strict, "strict", false, "warnings give exit code 1 too")
	f.DurationVar(&o.timeout, "timeout", time.Minute, "how long to look at the cluster")
	return c
}

func (o *doctorOptions) run(ctx context.Context, s streams) error {
	if o.format != "text" && o.format != "json" {
		return usagef("unknown format %q; -o takes one of text, json", o.format)
	}
	if o.timeout <= 0 {
		return usagef("--timeout %s: want more than 0", o.timeout)
	}
	if err := o.validate("manifests"); err != nil {
		return err
	}
	snapshot, err := o.snapshot(ctx, s)
	if err != nil {
		return err
	}
	report := doctor.Examine(snapshot)
	write := func() error { return report.WriteText(s.out, colored(s.out)) }
	if o.format == "json" {
		write = func() error { return report.WriteJSON(s.out) }
	}
	if err := write(); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	switch {
	case report.Count(doctor.Error) > 0, o.strict && report.Count(doctor.Warning) > 0:
		return errFound
	case report.Blind():
		return errors.New("no check could be made")
	}
	return nil
}

// snapshot reads the files, or the cluster.
func (o *doctorOptions) snapshot(ctx context.Context, s streams) (*doctor.Snapshot, error) {
	if len(o.files) > 0 {
		return doctor.ReadFiles(o.files, s.in, o.namespace, time.Now())
	}
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	cfg, err := o.config()
	if err != nil {
		return nil, fmt.Errorf("connect to the cluster: %w; name files by -f to do without one", err)
	}
	cluster, err := doctor.NewCluster(cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to the cluster: %w", err)
	}
	return cluster.Gather(ctx, o.namespace, time.Now())
}
