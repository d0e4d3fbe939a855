package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/holdings"
)

// tenantsOptions say which Tenants are shown.
type tenantsOptions struct {
	source
	format string
}

func newTenants(s streams) *cobra.Command {
	var o tenantsOptions
	c := &cobra.Command{
		Use:   "tenants [NAME] [flags]",
		Short: "Show what tenants hold and what they may",
		Long: `Show Tenants and their ledgers: how many GPUs each may hold, how many its pods and
claims hold, how many are reserved for what was admitted and has not come to be
yet, and what is left. Of one that is named: the same by namespace and by
resource, the reservations, the largest holders, the tenant-wide quota and the
conditions.

Amounts are in GPU units: 1 is a whole GPU, parts of one count by their share.
They come from the cluster of the kubeconfig, or from files with Tenants and
QuotaLedgers. Exit code 0: all is well; 1: a tenant is not ready, not counted or
over a limit; 2: something could not be read.`,
		Example: `  usher tenants
  usher tenants team-a
  usher tenants --context prod -o json

  # What was written down earlier.
  kubectl get tenants,quotaledgers -o yaml > then.yaml
  usher tenants -f then.yaml team-a`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usagef("unexpected %q; name one tenant, or none for all", args[1])
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			if !slices.Contains([]string{"text", "json", "yaml"}, o.format) {
				return usagef("unknown format %q; -o takes one of text, json, yaml", o.format)
			}
			if err := o.validate("Tenants"); err != nil {
				return err
			}
			name := strings.Join(args, "")
			all, err := o.tenants(c.Context(), s, name)
			if err != nil {
				return err
			}
			return writeTenants(s.out, all, name != "", o.format)
		},
	}
	f := c.Flags()
	f.SortFlags = false
	o.addFlags(f, "Tenants and QuotaLedgers")
	f.StringVarP(&o.format, "output", "o", "text", "`FORMAT`: text, json, yaml")
	return c
}

// tenants describes the tenant of that name, or all by name.
func (o *tenantsOptions) tenants(ctx context.Context, s streams, name string) ([]*holdings.Description, error) {
	if len(o.files) > 0 {
		tenants, ledgers, err := holdings.Read(o.files, s.in)
		if err != nil {
			return nil, err
		}
		if name != "" {
			tenants = slices.DeleteFunc(tenants, func(t *v1alpha1.Tenant) bool { return t.Name != name })
		}
		if len(tenants) == 0 {
			return nil, fmt.Errorf("there is no Tenant %s in %s", name, strings.Join(o.files, ", "))
		}
		return describe(tenants, ledgers), nil
	}
	ctx, cancel := context.WithTimeout(ctx, askCluster)
	defer cancel()
	reader, err := o.connect()
	if err != nil {
		return nil, err
	}
	if name != "" {
		return tenantOf(ctx, reader, name)
	}
	return tenantsOf(ctx, reader)
}

// tenantOf describes one tenant of a cluster.
func tenantOf(ctx context.Context, reader client.Reader, name string) ([]*holdings.Description, error) {
	tenant, ledger := &v1alpha1.Tenant{}, &v1alpha1.QuotaLedger{}
	err := reader.Get(ctx, client.ObjectKey{Name: name}, tenant)
	switch {
	case apierrors.IsNotFound(err):
		return nil, fmt.Errorf("there is no Tenant %s; `usher tenants` lists those that there are", name)
	case err != nil:
		return nil, fmt.Errorf("get Tenant %s: %w", name, explainMissing("Tenants", err))
	}
	err = reader.Get(ctx, client.ObjectKey{Name: name}, ledger)
	switch {
	case apierrors.IsNotFound(err):
		ledger = nil
	case err != nil:
		return nil, fmt.Errorf("get QuotaLedger %s: %w", name, explainMissing("QuotaLedgers", err))
	}
	return []*holdings.Description{holdings.Describe(tenant, ledger)}, nil
}

// tenantsOf describes all tenants of a cluster.
func tenantsOf(ctx context.Context, reader client.Reader) ([]*holdings.Description, error) {
	var list v1alpha1.TenantList
	if err := reader.List(ctx, &list); err != nil {
		return nil, fmt.Errorf("list Tenants: %w", explainMissing("Tenants", err))
	}
	if len(list.Items) == 0 {
		return nil, errors.New("the cluster has no Tenant; `kubectl explain tenant.spec` says what one is")
	}
	var ledgers v1alpha1.QuotaLedgerList
	if err := reader.List(ctx, &ledgers); err != nil {
		return nil, fmt.Errorf("list QuotaLedgers: %w", explainMissing("QuotaLedgers", err))
	}
	tenants, byName := make([]*v1alpha1.Tenant, len(list.Items)), map[string]*v1alpha1.QuotaLedger{}
	for i := range list.Items {
		tenants[i] = &list.Items[i]
	}
	for i := range ledgers.Items {
		byName[ledgers.Items[i].Name] = &ledgers.Items[i]
	}
	return describe(tenants, byName), nil
}

// describe describes tenants in the order of their names.
func describe(tenants []*v1alpha1.Tenant, ledgers map[string]*v1alpha1.QuotaLedger) []*holdings.Description {
	slices.SortFunc(tenants, func(a, b *v1alpha1.Tenant) int { return strings.Compare(a.Name, b.Name) })
	all := make([]*holdings.Description, len(tenants))
	for i, t := range tenants {
		all[i] = holdings.Describe(t, ledgers[t.Name])
	}
	return all
}

// writeTenants prints tenants: a line of each, or all of one.
func writeTenants(w io.Writer, all []*holdings.Description, one bool, format string) error {
	if err := printTenants(w, all, one, format); err != nil {
		return fmt.Errorf("write the tenants: %w", err)
	}
	if slices.ContainsFunc(all, func(d *holdings.Description) bool { return !d.Well() }) {
		return errFound
	}
	return nil
}

func printTenants(w io.Writer, all []*holdings.Description, one bool, format string) error {
	switch {
	case format == "json":
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		return encoder.Encode(all)
	case format == "yaml":
		text, err := yaml.Marshal(all)
		if err != nil {
			return err
		}
		_, err = w.Write(text)
		return err
	case one:
		return all[0].WriteText(w, colored(w))
	default:
		return holdings.WriteList(w, all, colored(w))
	}
}
