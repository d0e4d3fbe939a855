package storm

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"usher.dev/usher/tenancy"
	"usher.dev/usher/test/e2e/await"
)

// keepsakeManifest is a tenant that has everything that the controller makes.
const keepsakeManifest = `
apiVersion: usher.dev/v1alpha1
kind: Tenant
metadata: {name: keepsake}
spec:
  owners:
    - {kind: User, name: ada, role: Admin}
    - {kind: Group, name: keepsake-developers, role: Developer}
  namespaces: [keepsake-a, keepsake-b]
  podSecurity: {enforce: baseline}
  gpu: {perTenant: 8, perNamespace: 4, caps: {nvidia.com/mig-3g.20gb: 2}}
  quota: {pods: 10, requests.cpu: 20}
  resourceQuota: {hard: {services: 5}}
  limitRange: {limits: [{type: Container, default: {cpu: 100m, memory: 64Mi}}]}
  network: {scope: Tenant, egress: [{cidr: 0.0.0.0/0}]}
`

// keepsake is that tenant, and what the controllers of two versions make of it.
type keepsake struct{ *cluster }

func newKeepsake(t *testing.T, c *cluster) *keepsake {
	t.Helper()
	// A tenant is ready once its quotas are counted.
	m, err := c.NewControllerManager([]string{"resourcequota-controller"})
	must(t, err)
	t.Cleanup(m.Release)
	must(t, m.Start(t.Context()))
	must(t, c.ApplyYAML(t.Context(), keepsakeManifest))
	return &keepsake{c}
}

// look waits until the tenant is as it says, and returns all that was made for it
// by kind, namespace and name. Whatever version wrote it must have done so under
// the one name, or neither could take back what the other has given.
func (k *keepsake) look(t *testing.T) map[string]map[string]any {
	t.Helper()
	made := await.Success(t, patience, "what a tenant consists of", func() (map[string]map[string]any, error) {
		ready, _, err := k.Kubectl(t.Context(), "", "get", "tenant", "keepsake", "-o", `jsonpath={.status.conditions[?(@.type=="Ready")].status}`)
		if err != nil || ready != "True" {
			return nil, errors.Join(err, fmt.Errorf("ready is %q", ready))
		}
		text, _, err := k.Kubectl(t.Context(), "", "get", "--show-managed-fields", "-A", "-o", "json", "-l", tenancy.TenantLabel+"=keepsake",
			"namespaces,resourcequotas,limitranges,networkpolicies,rolebindings")
		if err != nil {
			return nil, err
		}
		list := &unstructured.UnstructuredList{}
		if err := list.UnmarshalJSON([]byte(text)); err != nil {
			return nil, err
		}
		made := map[string]map[string]any{}
		for i := range list.Items {
			object := &list.Items[i]
			made[fmt.Sprintf("%s %s/%s", object.GetKind(), object.GetNamespace(), object.GetName())] = object.Object
		}
		return made, nil
	})
	for name, object := range made {
		o := &unstructured.Unstructured{Object: object}
		for _, entry := range o.GetManagedFields() {
			if strings.Contains(entry.Manager, "usher") && entry.Manager != tenancy.FieldManager {
				t.Errorf("%s has fields of %q", name, entry.Manager)
			}
		}
		made[name] = plain(o).Object
		delete(made[name], "status")
	}
	if len(made) == 0 {
		t.Error("nothing was made for the tenant")
	}
	return made
}

// same fails the test unless what was made once is again as it was.
func (k *keepsake) same(t *testing.T, before, after map[string]map[string]any) {
	t.Helper()
	t.Logf("%d objects of a tenant", len(before))
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("what a tenant consists of, before the upgrade and after it was taken back (-before +after):\n%s", diff)
	}
}
