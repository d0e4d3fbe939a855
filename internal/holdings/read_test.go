package holdings

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReadTellsWhatIsWrongAndWhere(t *testing.T) {
	for _, tt := range []struct{ name, yaml, want string }{
		{"no tenant", "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n", "read Tenants: there is none in "},
		{"a field that is not there", "apiVersion: usher.dev/v1alpha1\nkind: Tenant\nmetadata: {name: a}\nspec:\n  gpus: {}\n", "tenant.yaml:5:"},
		{"a ledger's field that is not there", "apiVersion: usher.dev/v1alpha1\nkind: QuotaLedger\nmetadata: {name: a}\nspec:\n  soft: {}\n", "tenant.yaml:5:"},
		{"a tenant twice", "apiVersion: usher.dev/v1alpha1\nkind: Tenant\nmetadata: {name: a}\n---\napiVersion: usher.dev/v1alpha1\nkind: Tenant\nmetadata: {name: a}\n", "Tenant a is defined twice, first in "},
		{"a ledger twice", strings.Repeat("apiVersion: usher.dev/v1alpha1\nkind: QuotaLedger\nmetadata: {name: a}\n---\n", 2), "QuotaLedger a is defined twice, first in "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "tenant.yaml")
			if err := os.WriteFile(file, []byte(tt.yaml), 0o600); err != nil {
				t.Fatal(err)
			}
			tenants, ledgers, err := Read([]string{file}, nil)
			if err == nil || !strings.Contains(err.Error(), tt.want) || tenants != nil || ledgers != nil {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

func TestReadTakesListsApart(t *testing.T) {
	const list = `{apiVersion: v1, kind: List, items: [
{apiVersion: usher.dev/v1alpha1, kind: QuotaLedger, metadata: {name: a}, spec: {hard: {microUnits: 1}}},
{apiVersion: usher.dev/v1alpha1, kind: Tenant, metadata: {name: a}}]}`
	tenants, ledgers, err := Read([]string{"-"}, strings.NewReader(list))
	if err != nil || len(tenants) != 1 || ledgers["a"] == nil || *ledgers["a"].Spec.Hard.MicroUnits != 1 {
		t.Errorf("%v, %v, %v", tenants, ledgers, err)
	}
}
