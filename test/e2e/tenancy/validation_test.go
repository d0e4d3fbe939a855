package tenancy

import (
	"fmt"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

// validate asks the API server whether it would take a Tenant.
func validate(t *testing.T, name, spec string) error {
	t.Helper()
	object := map[string]any{}
	if err := yaml.Unmarshal([]byte(spec), &object); err != nil {
		t.Fatal(err)
	}
	tenant := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "usher.dev/v1alpha1", "kind": "Tenant", "metadata": map[string]any{"name": name}, "spec": object,
	}}
	return shared.Create(t.Context(), tenant, client.DryRunAll, client.FieldValidation("Strict"))
}

func TestTenantsThatAreTaken(t *testing.T) {
	for what, spec := range map[string]string{
		"nothing":                   "{}",
		"one person in two kinds":   "owners: [{kind: User, name: a, role: Admin}, {kind: Group, name: a, role: Admin}]",
		"a service account":         "owners: [{kind: ServiceAccount, namespace: ci, name: builder, role: Developer}]",
		"limits that fit":           `gpu: {perContainer: "0.5", perPod: 1, perNamespace: "2", perTenant: 4000m}`,
		"a limit of nothing":        "gpu: {perTenant: 0, caps: {nvidia.com/gpu: 0}}",
		"container and tenant only": "gpu: {perContainer: 8, perTenant: 8}",
		"exceptions within":         "network: {egress: [{cidr: 10.0.0.0/8, except: [10.1.0.0/16, 10.2.3.4/32]}, {cidr: '::/0', except: ['fd00::/8']}]}",
		"a policy of the platform":  "network: {policies: {allow-monitoring: {podSelector: {}, ingress: [{}]}}}",
		"parameters":                "parameters: {gpu_quota: {shared_replicas: 4}, resource_limits: {}}",
		"quota of several kinds":    "quota: {pods: 10, requests.cpu: 500m, count/jobs.batch: '3', requests.storage: 1Ti}",
		"all that there is room for": fmt.Sprintf("owners: [%s]\nnamespaces: [%s]\nquota: {%s}\nnetwork: {egress: [%s]}", many(256, "{kind: User, name: u%d, role: Admin}"), many(256, "n%d"),
			many(64, "count/k%d.example.com: '1'"), many(64, "{cidr: 0.0.0.0/0, except: ["+many(64, "10.%%d.0.0/16")+"], podSelector: {matchLabels: {n: 'n%d'}}}")),
	} {
		t.Run(what, func(t *testing.T) {
			if err := validate(t, "valid", spec); err != nil {
				t.Error(err)
			}
		})
	}
}

// many repeats a pattern with numbers, joined by commas.
func many(n int, pattern string) string {
	var all []string
	for i := range n {
		all = append(all, strings.ReplaceAll(strings.ReplaceAll(pattern, "%%d", fmt.Sprint(i)), "%d", fmt.Sprint(i)))
	}
	return strings.Join(all, ", ")
}

// TestTenantsThatAreRefused breaks each rule once, and each alone.
func TestTenantsThatAreRefused(t *testing.T) {
	for what, c := range map[string]struct{ spec, want string }{
		"an owner twice":                       {"owners: [{kind: User, name: a, role: Admin}, {kind: User, name: a, role: Developer}]", "Duplicate value"},
		"a service account without namespace":  {"owners: [{kind: ServiceAccount, name: a, role: Admin}]", "a ServiceAccount has a namespace"},
		"a user in a namespace":                {"owners: [{kind: User, name: a, namespace: b, role: Admin}]", "users and groups have none"},
		"a group of Kubernetes' own":           {"owners: [{kind: Group, name: 'system:masters', role: Admin}]", "names that begin with system:"},
		"a kind of owner that there is not":    {"owners: [{kind: Robot, name: a, role: Admin}]", "Unsupported value"},
		"a role that there is not":             {"owners: [{kind: User, name: a, role: King}]", "Unsupported value"},
		"kube-system":                          {"namespaces: [kube-system]", "can be no tenant's"},
		"default":                              {"namespaces: [default]", "can be no tenant's"},
		"usher's own namespace":                {"namespaces: [usher-system]", "can be no tenant's"},
		"a namespace twice":                    {"namespaces: [a, a]", "Duplicate value"},
		"a namespace that can have no name":    {"namespaces: [A_b]", "spec.namespaces[0]"},
		"a policy of deletion":                 {"deletionPolicy: Forget", "Unsupported value"},
		"a level of security":                  {"podSecurity: {enforce: some}", "Unsupported value"},
		"a version of security":                {"podSecurity: {version: '1.30'}", "spec.podSecurity.version"},
		"a negative quota":                     {"quota: {pods: '-1'}", "amounts cannot be negative"},
		"a negative quota as a number":         {"quota: {pods: -1}", "amounts cannot be negative"},
		"a quota that is no amount":            {"quota: {pods: many}", "spec.quota.pods"},
		"a negative limit of the tenant":       {"gpu: {perTenant: '-1'}", "amounts cannot be negative"},
		"a negative limit of the namespace":    {"gpu: {perNamespace: -1}", "amounts cannot be negative"},
		"a negative limit of the pod":          {"gpu: {perPod: -1m}", "amounts cannot be negative"},
		"a negative limit of the container":    {"gpu: {perContainer: -1}", "amounts cannot be negative"},
		"a container above its pod":            {"gpu: {perContainer: 2, perPod: 1}", "perContainer cannot be more than perPod"},
		"a container above its namespace":      {"gpu: {perContainer: 2, perNamespace: 1}", "perContainer cannot be more than perNamespace"},
		"a container above its tenant":         {"gpu: {perContainer: 2, perTenant: 1}", "perContainer cannot be more than perTenant"},
		"a pod above its namespace":            {"gpu: {perPod: 1001m, perNamespace: 1}", "perPod cannot be more than perNamespace"},
		"a pod above its tenant":               {"gpu: {perPod: 2, perTenant: 1}", "perPod cannot be more than perTenant"},
		"a namespace above its tenant":         {"gpu: {perNamespace: 2, perTenant: 1}", "perNamespace cannot be more than perTenant"},
		"a negative cap":                       {"gpu: {caps: {nvidia.com/gpu: -1}}", "amounts cannot be negative"},
		"a scope of the network":               {"network: {scope: World}", "Unsupported value"},
		"egress to no CIDR":                    {"network: {egress: [{cidr: example.com}]}", "is no CIDR"},
		"an exception that is no CIDR":         {"network: {egress: [{cidr: 10.0.0.0/8, except: [10.1.2.3]}]}", "what is excepted must be CIDRs within cidr"},
		"an exception elsewhere":               {"network: {egress: [{cidr: 10.0.0.0/8, except: [11.0.0.0/16]}]}", "what is excepted must be CIDRs within cidr"},
		"an exception of all":                  {"network: {egress: [{cidr: 10.0.0.0/8, except: [10.0.0.0/8]}]}", "and less than it"},
		"an exception of the other kind":       {"network: {egress: [{cidr: 0.0.0.0/0, except: ['fd00::/8']}]}", "what is excepted must be CIDRs within cidr"},
		"egress to the metadata service":       {"network: {egress: [{cidr: 169.254.169.254/32}]}", "the metadata service of clouds"},
		"egress to the metadata service, IPv6": {"network: {egress: [{cidr: 'fd00:ec2::254/128'}]}", "the metadata service of clouds"},
		"a policy of usher's name":             {"network: {policies: {default-deny-all: {podSelector: {}}}}", "are usher's own"},
		"a policy of usher's numbers":          {"network: {policies: {allow-external-egress-2: {podSelector: {}}}}", "are usher's own"},
		"a policy that can have no name":       {"network: {policies: {Allow_All: {podSelector: {}}}}", "the name of a NetworkPolicy"},
		"a pool's isolation":                   {"nodePool: {isolation: Some}", "Unsupported value"},
		"a taint without a key":                {"nodePool: {taint: {key: ''}}", "spec.nodePool.taint.key"},
		"parameters that are a list":           {"parameters: {gpu_quota: [1]}", "spec.parameters.gpu_quota"},
		"parameters that are a number":         {"parameters: {gpu_quota: 1}", "spec.parameters.gpu_quota"},
		"a field that there is not":            {"gpus: {}", `unknown field "spec.gpus"`},
	} {
		t.Run(what, func(t *testing.T) {
			err := validate(t, "refused", c.spec)
			if err == nil || !apierrors.IsInvalid(err) && !apierrors.IsBadRequest(err) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want it to say %q", err, c.want)
			}
			// Nothing beside is wrong with it.
			if err != nil && strings.Contains(err.Error(), "runtime error") {
				t.Errorf("a rule failed to evaluate: %v", err)
			}
		})
	}
	for _, name := range []string{"a.b", strings.Repeat("a", 64)} {
		if err := validate(t, name, "{}"); !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), "the name of a Tenant") {
			t.Errorf("name %s: %v", name, err)
		}
	}
}
