package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/cmd/usher/review"
	"usher.dev/usher/internal/report"
	"usher.dev/usher/internal/version"
)

func newReview(s streams) *cobra.Command {
	var o review.Options
	var format string
	c := &cobra.Command{
		Use:   "review -f FILE|DIR|- [flags]",
		Short: "Say what the cluster would say of manifests",
		Long: `Review manifests as usher's webhook would: pods are mutated, then everything that
holds pods is judged, and so are Namespaces, ResourceClaims and their templates.

Manifests are YAML of one or many documents, or JSON. Kinds of Kubernetes are
read as strictly as an API server reads them. Namespaces, Tenants and QuotaLedgers
among the manifests are taken to be in the cluster; --objects names more. A
namespace that is in neither has no labels and no tenant. Each object is decided on
the ledger as it stands there; a tenant without one holds no GPU yet.

Each violation is printed with its place. Exit code 0: nothing would be denied;
1: something would; 2: something could not be reviewed.`,
		Example: `  # One file, a folder with all below it, or what a tool renders.
  usher review -f pod.yaml
  usher review -f deploy/ --objects cluster/
  helm template ./chart | usher review -f - --namespace team-a

  # As the CI system that will apply them: it may label namespaces.
  usher review -f deploy/ --as system:serviceaccount:ci:deployer --as-group system:masters

  # Annotate a pull request, or feed code scanning.
  usher review -f deploy/ -o github
  usher review -f deploy/ -o sarif > usher.sarif

  # Ask a running webhook instead of judging here.
  usher review -f pod.yaml --server https://127.0.0.1:9443 --server-ca ca.pem`,
		Args: noArgs("name manifests by -f FILE"),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := checkReview(o, format); err != nil {
				return err
			}
			o.Stdin, o.Rules = s.in, format == "sarif"
			return runReview(c, s, o, format)
		},
	}
	f := c.Flags()
	f.SortFlags = false
	f.StringArrayVarP(&o.Files, "file", "f", nil, "manifests: a `FILE`, a folder, or - for standard input; may be repeated")
	f.StringVar(&o.ObjectsDir, "objects", "", "`DIR` of YAML files with the Namespaces, Tenants and QuotaLedgers of the cluster")
	f.StringVar(&o.Config, "config", "", "the webhook's configuration `FILE` (kind AdmissionConfiguration)")
	f.StringVar(&o.PolicyDir, "policy-dir", "", "`DIR` of Rego policies over the embedded ones")
	f.StringVarP(&o.Requester.Namespace, "namespace", "n", "default", "`NAMESPACE` of the objects that name none")
	f.StringVar(&o.Requester.User, "as", "", "`USER` who applies the manifests (default system:anonymous)")
	f.StringArrayVar(&o.Requester.Groups, "as-group", nil, "`GROUP` of that user; may be repeated")
	f.StringVarP(&format, "output", "o", "text", "`FORMAT`: "+strings.Join(report.Formats, ", "))
	f.StringVar(&o.Server, "server", "", "`URL` of a running usher-webhook to ask instead of judging here")
	f.StringVar(&o.ServerCA, "server-ca", "", "with --server: PEM `FILE` with the authority of its certificate")
	return c
}

func checkReview(o review.Options, format string) error {
	switch {
	case len(o.Files) == 0:
		return usagef("nothing to review; name a file, a folder or - for standard input by -f")
	case !slices.Contains(report.Formats, format):
		return usagef("unknown format %q; -o takes one of %s", format, strings.Join(report.Formats, ", "))
	case o.Server == "" && o.ServerCA != "":
		return usagef("--server-ca needs --server")
	}
	for flag, value := range map[string]string{"--objects": o.ObjectsDir, "--config": o.Config, "--policy-dir": o.PolicyDir} {
		if o.Server != "" && value != "" {
			return usagef("%s is for reviews without --server: a server has its own", flag)
		}
	}
	return nil
}

func runReview(c *cobra.Command, s streams, o review.Options, format string) error {
	line := newProgress(s.err)
	o.Progress = func(done, total int) { line.show("reviewing %d/%d", done, total) }
	r, err := review.Run(c.Context(), o)
	line.done()
	if err != nil {
		return err
	}
	r.Version = version.String()
	if err := report.Write(s.out, r, format, colored(s.out)); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	if err := report.WriteProblems(s.err, r.Problems, colored(s.err)); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	if format == "text" && o.Requester.User == "" && asksWho(r) {
		fmt.Fprintln(s.err, "Who applies a Namespace matters: it was reviewed as if by nobody in particular. Name the user by --as and --as-group.")
	}
	switch {
	case len(r.Problems) > 0:
		return errPrinted
	case r.Count(v1alpha1.ModeEnforce) > 0:
		return errFound
	}
	return nil
}

// asksWho reports whether the verdict may depend on who applies the manifests.
func asksWho(r *report.Report) bool {
	return slices.ContainsFunc(r.Violations, func(v report.Violation) bool {
		return v.Object.Kind == "Namespace" && v.Denies()
	})
}
