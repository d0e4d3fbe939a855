package cli

import (
	"path/filepath"
	"strings"
	"testing"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/golden"
	"usher.dev/usher/internal/holdings"
)

const ledgers = "../../../testdata/ledgers"

func TestTenantsTranscripts(t *testing.T) {
	for _, tt := range []struct {
		name string
		args []string
	}{
		{"tenants", []string{"-f", ledgers}},
		{"tenants-one", []string{"-f", ledgers, "research"}},
		{"tenants-over", []string{"-f", ledgers, "vision"}},
		{"tenants-not-counted", []string{"-f", ledgers, "newcomers"}},
		{"tenants-no-gpus", []string{"-f", ledgers, "web"}},
		{"tenants-json", []string{"-f", ledgers, "-o", "json"}},
		{"tenants-yaml", []string{"-f", ledgers, "research", "-o", "yaml"}},
		{"tenants-unknown", []string{"-f", ledgers, "no-such-tenant"}},
		{"tenants-two", []string{"-f", ledgers, "research", "vision"}},
		{"tenants-unknown-format", []string{"-f", ledgers, "-o", "xml"}},
		{"tenants-files-and-cluster", []string{"-f", ledgers, "--context", "prod"}},
		{"tenants-none", []string{"-f", "../../../testdata/gpunodes/pcie-only.yaml"}},
		{"help-tenants", []string{"--help"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			golden.Check(t, filepath.Join("transcripts", tt.name), transcript(t, "", append([]string{"tenants"}, tt.args...)...))
		})
	}
}

// tenantCluster serves the sample tenants and ledgers.
func tenantCluster(t *testing.T) string {
	t.Helper()
	tenants, byName, err := holdings.Read([]string{ledgers}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var all []v1alpha1.Tenant
	var kept []v1alpha1.QuotaLedger
	for _, tenant := range tenants {
		all = append(all, *tenant)
		if l := byName[tenant.Name]; l != nil {
			kept = append(kept, *l)
		}
	}
	return clusterOf(t, served[v1alpha1.Tenant]("Tenant", "tenants", all), served[v1alpha1.QuotaLedger]("QuotaLedger", "quotaledgers", kept))
}

func TestTenantsOfACluster(t *testing.T) {
	kubeconfig := tenantCluster(t)
	for _, name := range []string{"", "research", "newcomers", "web"} {
		args := []string{"-o", "text"}
		if name != "" {
			args = append(args, name)
		}
		code, stdout, stderr := usher(t, "", append([]string{"tenants", "--kubeconfig", kubeconfig, "--context", "test"}, args...)...)
		wantCode, want, _ := usher(t, "", append([]string{"tenants", "-f", ledgers}, args...)...)
		if code != wantCode || stdout != want || stderr != "" {
			t.Errorf("%q: exit %d, want %d\n%s\n%s\nof the files:\n%s", name, code, wantCode, stderr, stdout, want)
		}
	}
}

func TestTenantsOfAClusterThatLacksThem(t *testing.T) {
	none := served[v1alpha1.Tenant]("Tenant", "tenants", nil)
	some := served[v1alpha1.Tenant]("Tenant", "tenants", []v1alpha1.Tenant{{}})
	some.names = []string{"a"}
	for _, tt := range []struct {
		name      string
		resources []resource
		args      []string
		want      string
	}{
		{"no such tenant", []resource{none}, []string{"team-z"}, "usher: there is no Tenant team-z; `usher tenants` lists those that there are\n"},
		{"no tenant at all", []resource{none}, nil, "usher: the cluster has no Tenant; `kubectl explain tenant.spec` says what one is\n"},
		{"no such kind", nil, nil, "usher: list Tenants: the cluster does not know Tenants; install usher's CRDs (manifests/crd)\n"},
		{"no such kind, by name", nil, []string{"a"}, "usher: get Tenant a: the cluster does not know Tenants; install usher's CRDs (manifests/crd)\n"},
		{"no ledgers", []resource{some}, nil, "usher: list QuotaLedgers: the cluster does not know QuotaLedgers; install usher's CRDs (manifests/crd)\n"},
		{"no ledgers, by name", []resource{some}, []string{"a"}, "usher: get QuotaLedger a: the cluster does not know QuotaLedgers; install usher's CRDs (manifests/crd)\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			code, stdout, stderr := usher(t, "", append([]string{"tenants", "--kubeconfig", clusterOf(t, tt.resources...)}, tt.args...)...)
			if code != 2 || stdout != "" || stderr != tt.want {
				t.Errorf("exit %d\n%s%s", code, stdout, stderr)
			}
		})
	}
}

func TestTenantsWithoutACluster(t *testing.T) {
	t.Setenv("KUBECONFIG", filepath.Join(t.TempDir(), "nothing"))
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	code, stdout, stderr := usher(t, "", "tenants")
	if code != 2 || stdout != "" || !strings.HasPrefix(stderr, "usher: connect to the cluster: ") || !strings.HasSuffix(stderr, "; name files by -f to do without one\n") {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
}
