package doctor

import (
	"strings"
	"testing"

	"usher.dev/usher/test/e2e/controlplane"
	"usher.dev/usher/test/e2e/webhook"
)

// fault is something to plant, the check that finds it, and what it says.
type fault struct {
	id, name, severity, says string
	plant, repair            func(t *testing.T, s *site)
}

// faults are planted one after the other.
func faults() []fault {
	restore := func(kind, name string) func(*testing.T, *site) {
		return func(t *testing.T, s *site) { s.restore(t, kind, name) }
	}
	changed := func(kind, name string, change func(o map[string]any)) func(*testing.T, *site) {
		return func(t *testing.T, s *site) { s.change(t, kind, name, change) }
	}
	gone := func(kind, name string) func(*testing.T, *site) {
		return func(t *testing.T, s *site) { s.kubectl(t, "delete", kind, name, "-n", webhook.Namespace) }
	}
	const validating = "ValidatingWebhookConfiguration"
	return []fault{
		{
			"cold-start", "usher judges its own namespace", "error", "before Deployment usher-system/usher-webhook can run",
			changed(validating, webhook.Name, func(o map[string]any) {
				hook := first(o["webhooks"])
				delete(hook, "namespaceSelector")
				hook["matchConditions"] = hook["matchConditions"].([]any)[1:]
			}), restore(validating, webhook.Name),
		},
		{
			"cold-start", "somebody's webhook is asked about leases", "error", "when a node renews its Lease",
			func(t *testing.T, s *site) { must(t, s.ApplyYAML(t.Context(), guard)) },
			func(t *testing.T, s *site) {
				s.kubectl(t, "delete", validating, "guard")
				s.kubectl(t, "delete", "namespace", "others", "--wait=false")
				s.kubectl(t, "delete", "deployment,service", "--all", "-n", "others")
			},
		},
		{
			"webhook-doors", "ephemeral containers are not judged", "error", "UPDATE pods/ephemeralcontainers",
			changed(validating, webhook.Name, func(o map[string]any) {
				first(first(o["webhooks"])["rules"])["resources"] = []any{"pods", "pods/resize", "replicationcontrollers", "podtemplates"}
			}), restore(validating, webhook.Name),
		},
		{
			"webhook-settings", "pods pass unjudged while usher is away", "error", "failurePolicy Ignore",
			changed("MutatingWebhookConfiguration", webhook.Name, func(o map[string]any) {
				first(o["webhooks"])["failurePolicy"] = "Ignore"
			}), restore("MutatingWebhookConfiguration", webhook.Name),
		},
		{
			"webhook-registered", "no endpoint is ready", "error", "has no ready endpoint",
			func(t *testing.T, s *site) { must(t, s.ApplyYAML(t.Context(), s.slice(false))) },
			func(t *testing.T, s *site) { must(t, s.ApplyYAML(t.Context(), s.slice(true))) },
		},
		{
			"namespace-judged", "a tenant's namespace is left out", "error", `it belongs to tenant "lab"`,
			changed(validating, webhook.Name, func(o map[string]any) {
				selector := first(o["webhooks"])["namespaceSelector"].(map[string]any)
				e := first(selector["matchExpressions"])
				e["values"] = append(e["values"].([]any), "lab")
			}), restore(validating, webhook.Name),
		},
		{
			"ca-bundle", "a bundle is empty", "error", "the CA bundle is empty",
			func(t *testing.T, s *site) {
				s.kubectl(t, "patch", validating, webhook.Name, "--type=json", "-p", `[{"op": "remove", "path": "/webhooks/1/clientConfig/caBundle"}]`)
			}, restore(validating, webhook.Name),
		},
		{
			"serving-certificate", "the certificate is for another host", "error", "the API server asks for usher-webhook.usher-system.svc",
			func(t *testing.T, s *site) {
				other, err := s.authority.Serving("usher.example.com")
				must(t, err)
				must(t, s.storeCertificate(t.Context(), other))
			}, func(t *testing.T, s *site) { must(t, s.storeCertificate(t.Context(), s.serving)) },
		},
		{
			"serving-certificate", "another authority issued the certificate", "error", "the CA bundle does not verify",
			func(t *testing.T, s *site) {
				stranger, err := controlplane.NewAuthority("stranger")
				must(t, err)
				pair, err := stranger.Serving("usher-webhook.usher-system.svc")
				must(t, err)
				must(t, s.storeCertificate(t.Context(), pair))
			}, func(t *testing.T, s *site) { must(t, s.storeCertificate(t.Context(), s.serving)) },
		},
		{
			"crds", "an older CRD", "error", "status.over",
			changed("CustomResourceDefinition", "quotaledgers.usher.dev", func(o map[string]any) {
				version := first(o["spec"].(map[string]any)["versions"])
				status := at(version, "schema", "openAPIV3Schema", "properties", "status")
				delete(at(status, "properties"), "over")
				delete(status, "x-kubernetes-validations")
			}), restore("CustomResourceDefinition", "quotaledgers.usher.dev"),
		},
		{
			"rbac", "a right is missing", "error", "update quotaledgers/status",
			changed("ClusterRole", webhook.Name, func(o map[string]any) {
				rules := o["rules"].([]any)
				o["rules"] = rules[:len(rules)-1]
			}),
			restore("ClusterRole", webhook.Name),
		},
		{
			"ledger-writers", "the binding only audits", "error", "it refuses nothing",
			changed("ValidatingAdmissionPolicyBinding", "usher-ledger-writers", func(o map[string]any) {
				o["spec"].(map[string]any)["validationActions"] = []any{"Audit"}
			}), restore("ValidatingAdmissionPolicyBinding", "usher-ledger-writers"),
		},
		{
			"flow-schema", "usher has no seats", "warning", "no FlowSchema",
			gone("flowschema", "usher"), restore("FlowSchema", "usher"),
		},
		{
			"configuration", "an unknown field", "error", "tenantlabel",
			func(t *testing.T, s *site) {
				s.change(t, "ConfigMap", s.configMap("usher-webhook-config"), func(o map[string]any) {
					data := o["data"].(map[string]any)
					data["config.yaml"] = data["config.yaml"].(string) + "\ntenantlabel: x\n"
				})
			}, func(t *testing.T, s *site) { s.restore(t, "ConfigMap", s.configMap("usher-webhook-config")) },
		},
		{
			"policies-enforced", "a namespace loosens a policy", "warning", "pod_security (off)",
			func(t *testing.T, s *site) {
				s.kubectl(t, "label", "namespace", "lab", "policy.usher.dev/pod_security=off")
			},
			func(t *testing.T, s *site) {
				s.kubectl(t, "label", "namespace", "lab", "policy.usher.dev/pod_security-")
			},
		},
		{
			"replicas", "none is ready", "error", "none of 2 replicas is ready",
			func(t *testing.T, s *site) { s.available(t, webhook.Name, 0) },
			func(t *testing.T, s *site) { s.available(t, webhook.Name, 2) },
		},
		{
			"disruption-budget", "no budget", "warning", "no PodDisruptionBudget guards it",
			gone("poddisruptionbudget", webhook.Name), restore("PodDisruptionBudget", webhook.Name),
		},
		{
			"readiness", "a replica is gone", "warning", "it does not answer",
			func(_ *testing.T, s *site) { s.webhooks[1].Kill() },
			func(t *testing.T, s *site) { must(t, s.webhooks[1].Start(t.Context())) },
		},
		{
			"agreement", "the controller reads another configuration", "error", "it reads the configuration other",
			changed("Deployment", "usher-controller", func(o map[string]any) {
				first(at(o, "spec", "template", "spec")["volumes"])["configMap"].(map[string]any)["name"] = "other"
			}), restore("Deployment", "usher-controller"),
		},
		{
			"controller-leader", "no controller runs", "error", "no usher-controller leads",
			func(_ *testing.T, s *site) {
				for _, c := range s.controllers {
					c.Kill()
				}
			},
			func(t *testing.T, s *site) {
				for _, c := range s.controllers {
					must(t, c.Start(t.Context()))
				}
			},
		},
		{
			"tenants-ready", "two tenants claim one namespace", "error", "it is not accepted and grants nothing",
			func(t *testing.T, s *site) {
				must(t, s.ApplyYAML(t.Context(), "{apiVersion: usher.dev/v1alpha1, kind: Tenant, metadata: {name: late}, spec: {namespaces: [late]}}"))
				s.eventually(t, "the tenant's namespace", func() error {
					_, _, err := s.Kubectl(t.Context(), "", "get", "namespace", "late")
					return err
				})
				s.conflict(t)
			},
			func(t *testing.T, s *site) {
				s.kubectl(t, "delete", "tenant", "late", "newer", "--ignore-not-found", "--timeout=60s")
			},
		},
		{
			"gpus-outside-tenants", "a pod with GPUs from before usher", "error", "it belongs to no tenant, and 1 pod holds GPUs in spite of it: early",
			func(t *testing.T, s *site) {
				s.kubectl(t, "delete", "mutatingwebhookconfiguration,validatingwebhookconfiguration", webhook.Name)
				must(t, s.ApplyYAML(t.Context(), gpuPod))
				s.restore(t, "MutatingWebhookConfiguration", webhook.Name)
				s.restore(t, validating, webhook.Name)
			},
			func(t *testing.T, s *site) {
				s.kubectl(t, "delete", "pod", "early", "-n", "default", "--force", "--grace-period=0")
			},
		},
		{
			"tenant-rights", "an owner administers the cluster", "error", "its owner User ada may change webhook configurations",
			func(t *testing.T, s *site) {
				s.kubectl(t, "create", "clusterrolebinding", "too-much", "--clusterrole=cluster-admin", "--user=ada")
			},
			func(t *testing.T, s *site) { s.kubectl(t, "delete", "clusterrolebinding", "too-much") },
		},
		{
			"gpu-reports", "a node with GPUs has no report", "error", "no GPUNode",
			func(t *testing.T, s *site) {
				must(t, s.ApplyYAML(t.Context(), strings.ReplaceAll(nodes[strings.LastIndex(nodes, "---"):], "gpu-1", "gpu-2")))
			},
			func(t *testing.T, s *site) { s.kubectl(t, "delete", "node", "gpu-2") },
		},
		{
			"agents", "a node that no agent comes to", "error", "its nodeSelector leaves 1 node with GPUs out: gpu-1",
			func(t *testing.T, s *site) { s.kubectl(t, "label", "node", "gpu-1", "nvidia.com/gpu.present-") },
			func(t *testing.T, s *site) { s.kubectl(t, "label", "node", "gpu-1", "nvidia.com/gpu.present=true") },
		},
		{
			"scheduler", "pods are sent to a scheduler that is not there", "warning", "pods with GPUs are sent to gpu-topology-scheduler",
			gone("deployment", schedulerName),
			func(t *testing.T, s *site) {
				s.restore(t, "Deployment", schedulerName)
				s.available(t, schedulerName, 2)
			},
		},
		{
			"scheduler-extender", "the scheduler goes on without the extender", "error", "its extender is ignorable",
			func(t *testing.T, s *site) {
				s.change(t, "ConfigMap", s.configMap("gpu-topology-scheduler-config"), func(o map[string]any) {
					data := o["data"].(map[string]any)
					data["scheduler-config.yaml"] = strings.Replace(data["scheduler-config.yaml"].(string), "ignorable: false", "ignorable: true", 1)
				})
			}, func(t *testing.T, s *site) {
				s.restore(t, "ConfigMap", s.configMap("gpu-topology-scheduler-config"))
			},
		},
	}
}

// guard is a webhook of somebody else's, of which no pod runs.
const guard = `
apiVersion: v1
kind: Namespace
metadata: {name: others}
---
apiVersion: v1
kind: Service
metadata: {name: guard, namespace: others}
spec: {selector: {app: guard}, ports: [{port: 443}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: guard, namespace: others}
spec:
  selector: {matchLabels: {app: guard}}
  template:
    metadata: {labels: {app: guard}}
    spec: {containers: [{name: guard, image: "guard:1", resources: {requests: {cpu: 1, memory: 1Gi}, limits: {cpu: 1, memory: 1Gi}}}]}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: guard}
webhooks:
  - name: guard.example.com
    admissionReviewVersions: [v1]
    sideEffects: None
    clientConfig: {service: {namespace: others, name: guard}}
    namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-node-lease}}
    rules: [{apiGroups: [coordination.k8s.io], apiVersions: [v1], operations: [UPDATE], resources: [leases]}]
`

const gpuPod = `
apiVersion: v1
kind: Pod
metadata: {name: early, namespace: default}
spec: {nodeName: gpu-1, containers: [{name: main, image: "app:1", resources: {limits: {nvidia.com/gpu: 1}}}]}
`

// conflict makes a Tenant that claims the namespace of an older one.
func (s *site) conflict(t *testing.T) {
	t.Helper()
	// usher refuses such a Tenant; one from a backup may be there all the same.
	s.kubectl(t, "delete", "validatingwebhookconfiguration", webhook.Name)
	must(t, s.ApplyYAML(t.Context(), "{apiVersion: usher.dev/v1alpha1, kind: Tenant, metadata: {name: newer}, spec: {namespaces: [late]}}"))
	s.restore(t, "ValidatingWebhookConfiguration", webhook.Name)
}
