package tenancy

import "testing"

// TestUsherKnowsWhatTheAPIServerFillsIn gives specs that leave out all that the
// API server has defaults for. Each object is written once: were a default
// unknown, it would differ from what is wanted and be written again.
func TestUsherKnowsWhatTheAPIServerFillsIn(t *testing.T) {
	r := shared.run(t)
	shared.tenant(t, `
metadata: {name: brief}
spec:
  owners:
    - {kind: User, name: a, role: Admin}
    - {kind: Group, name: b, role: Admin}
    - {kind: ServiceAccount, name: c, namespace: ci, role: Admin}
  namespaces: [brief]
  resourceQuota:
    hard: {pods: 10, requests.cpu: 1000m, requests.memory: 1024Mi}
    scopeSelector: {matchExpressions: [{scopeName: PriorityClass, operator: In, values: [high]}]}
  limitRange:
    limits:
      - {type: Container, max: {cpu: 2000m, nvidia.com/gpu: 1, example.com/nic: "4"}, min: {memory: 1Mi, example.com/nic: "1"}, default: {ephemeral-storage: 1Gi}, maxLimitRequestRatio: {cpu: "2"}}
      - {type: Pod, max: {cpu: "4", nvidia.com/gpu: 4}}
      - {type: PersistentVolumeClaim, max: {storage: 1024Mi}}
  network:
    egress:
      - {cidr: 0.0.0.0/0, except: [169.254.169.254/32], ports: [{port: 443}, {port: 8000, endPort: 9000}, {}]}
      - {cidr: "::/0"}
    policies:
      allow-nothing: {podSelector: {}}
      allow-ingress: {podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {a: b}}}], ports: [{port: http}]}]}
      allow-egress: {podSelector: {matchExpressions: [{key: a, operator: Exists}]}, egress: [{ports: [{port: 53, protocol: UDP}, {port: 53}]}]}
`)
	out, _, err := shared.Kubectl(t.Context(), "", "get", "tenant", "brief", "-o", "yaml")
	if err != nil {
		t.Fatal(err)
	}
	r.awaitIdle(t, patience)
	for verb, want := range map[string]int{
		"patch resourcequotas": 1, "patch limitranges": 1, "patch networkpolicies": 8, "patch rolebindings": 1,
	} {
		if got := r.calls.snapshot()[verb]; got != want {
			t.Errorf("%d times %q, want %d; the Tenant is\n%s", got, verb, want, out)
		}
	}
}
