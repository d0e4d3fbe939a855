package doctor

import (
	"slices"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// another is a webhook of somebody else's, in a namespace of its own, that is asked
// about these.
func another(s *Snapshot, rules ...admissionregistrationv1.RuleWithOperations) *admissionregistrationv1.ValidatingWebhook {
	d := deployment("others", "guard")
	s.Deployments = append(s.Deployments, d)
	s.Services = append(s.Services, &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "others", Name: "guard"}, Spec: corev1.ServiceSpec{Selector: map[string]string{"app": "guard"}}})
	s.Slices = append(s.Slices, &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{Namespace: "others", Name: "guard", Labels: map[string]string{"kubernetes.io/service-name": "guard"}},
		Endpoints:  []discoveryv1.Endpoint{{Addresses: []string{"10.0.0.9"}}},
	})
	c := &admissionregistrationv1.ValidatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: "guard"},
		Webhooks: []admissionregistrationv1.ValidatingWebhook{{
			Name:         "guard.example.com",
			ClientConfig: admissionregistrationv1.WebhookClientConfig{Service: &admissionregistrationv1.ServiceReference{Namespace: "others", Name: "guard"}, CABundle: s.Validating[0].Webhooks[0].ClientConfig.CABundle},
			Rules:        rules, TimeoutSeconds: new(int32(5)),
		}},
	}
	s.Validating = append(s.Validating, c)
	return &c.Webhooks[0]
}

func rule(group, resource string, operations ...admissionregistrationv1.OperationType) admissionregistrationv1.RuleWithOperations {
	return admissionregistrationv1.RuleWithOperations{Operations: operations, Rule: admissionregistrationv1.Rule{
		APIGroups: []string{group}, APIVersions: []string{"v1"}, Resources: []string{resource},
	}}
}

func notIn(namespaces ...string) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: corev1.LabelMetadataName, Operator: metav1.LabelSelectorOpNotIn, Values: namespaces}}}
}

func hooksOf(s *Snapshot) []*admissionregistrationv1.ValidatingWebhook {
	var all []*admissionregistrationv1.ValidatingWebhook
	for _, c := range s.Validating {
		for i := range c.Webhooks {
			all = append(all, &c.Webhooks[i])
		}
	}
	return all
}

const (
	created = admissionregistrationv1.Create
	updated = admissionregistrationv1.Update
)

var webhookFaults = map[string][]fault{
	"cold-start": {
		{name: "a webhook is asked about its own pods", plant: func(_ *testing.T, s *Snapshot) {
			another(s, rule("", "pods", created)).NamespaceSelector = notIn("kube-system", "usher-system")
		}, want: []string{"error ValidatingWebhookConfiguration guard: webhook guard.example.com locks the cluster out: before Deployment others/guard can run, the API server asks guard.example.com when a pod of it is created, and guard.example.com is served by Deployment others/guard. Once no pod of it runs, none can be started."}},
		{name: "a webhook that is asked about its own pods is not asked about those with a label", plant: func(_ *testing.T, s *Snapshot) {
			another(s, rule("", "pods", created)).ObjectSelector = &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{
				{Key: "app", Operator: metav1.LabelSelectorOpNotIn, Values: []string{"guard", "network"}}, {Key: appLabel, Operator: metav1.LabelSelectorOpDoesNotExist},
			}}
		}},
		{name: "a condition leaves the webhook's own pods out", plant: func(_ *testing.T, s *Snapshot) {
			another(s, rule("", "pods", created)).MatchConditions = []admissionregistrationv1.MatchCondition{{Name: "not-its-own", Expression: "!(request.namespace in ['others', 'kube-system', 'usher-system'])"}}
		}},
		{name: "a webhook is asked about the pods of the network", plant: func(_ *testing.T, s *Snapshot) {
			another(s, rule("", "pods", created)).NamespaceSelector = notIn("others", "usher-system")
		}, want: []string{"error ValidatingWebhookConfiguration guard: webhook guard.example.com locks the cluster out: before DaemonSet kube-system/network can run, the API server asks guard.example.com when a pod of it is created, and guard.example.com is served by Deployment others/guard; Deployment others/guard runs only after DaemonSet kube-system/network. …"}},
		{name: "a webhook is asked about leases of nodes", plant: func(_ *testing.T, s *Snapshot) {
			another(s, rule("coordination.k8s.io", "leases", updated))
		}, want: []string{"error ValidatingWebhookConfiguration guard: webhook guard.example.com locks the cluster out: before the cluster's nodes can run, the API server asks guard.example.com when a node renews its Lease, and guard.example.com is served by Deployment others/guard; Deployment others/guard runs only on the cluster's nodes. …"}},
		{name: "a webhook is asked about tokens", plant: func(_ *testing.T, s *Snapshot) {
			another(s, rule("", "serviceaccounts/token", created)).NamespaceSelector = notIn("kube-system", "usher-system")
		}, want: []string{"error ValidatingWebhookConfiguration guard: …its kubelet asks for a token…"}},
		{name: "a webhook that may be passed by locks nobody out", plant: func(_ *testing.T, s *Snapshot) {
			another(s, rule("", "pods", created)).FailurePolicy = new(admissionregistrationv1.Ignore)
		}},
		{name: "two webhooks wait for each other", plant: func(_ *testing.T, s *Snapshot) {
			another(s, rule("", "pods", created)).NamespaceSelector = notIn("others", "kube-system")
		}, want: []string{
			"error ValidatingWebhookConfiguration guard: webhook guard.example.com locks the cluster out: before Deployment usher-system/usher-webhook can run, …; Deployment others/guard waits for mutate.usher.dev of Deployment usher-system/usher-webhook when a pod of it is created…",
		}},
		{name: "usher is asked about ledgers, which it writes while it judges", plant: func(_ *testing.T, s *Snapshot) {
			for _, h := range hooksOf(s) {
				if h.Name == "validate.usher.dev" {
					h.Rules = append(h.Rules, rule("usher.dev", "quotaledgers/status", updated))
					h.MatchConditions = nil
				}
			}
		}, want: []string{"error ValidatingWebhookConfiguration usher-webhook: webhook validate.usher.dev locks the cluster out: …usher reserves GPUs in a QuotaLedger…"}},
		{name: "usher's webhook is asked about usher's own pods", plant: func(_ *testing.T, s *Snapshot) {
			for _, h := range hooksOf(s) {
				if h.Name == "validate.usher.dev" {
					h.NamespaceSelector = notIn("kube-system")
					h.MatchConditions = slices.DeleteFunc(h.MatchConditions, func(c admissionregistrationv1.MatchCondition) bool { return c.Name == "namespace-is-judged" })
				}
			}
		}, want: []string{"error ValidatingWebhookConfiguration usher-webhook: webhook validate.usher.dev locks the cluster out: before Deployment usher-system/usher-webhook can run, …"}},
		{name: "cert-manager waits for usher, and usher has its certificate", plant: certManagerWaits, want: []string{
			"warning MutatingWebhookConfiguration usher-webhook: webhook mutate.usher.dev locks the cluster out once the Secret usher-system/usher-webhook-tls is lost or its certificate has expired: …gets its certificate from Deployment cert-manager/cert-manager",
			"warning ValidatingWebhookConfiguration usher-webhook: webhook validate.usher.dev locks the cluster out once …",
		}},
		{name: "cert-manager waits for usher, which waits for its certificate", plant: func(t *testing.T, s *Snapshot) {
			certManagerWaits(t, s)
			s.Secrets = nil
		}, want: []string{"error MutatingWebhookConfiguration usher-webhook: …", "error ValidatingWebhookConfiguration usher-webhook: …"}},
	},
	"webhook-registered": {
		{name: "nothing is registered", plant: func(_ *testing.T, s *Snapshot) { s.Mutating, s.Validating = nil, nil }, want: []string{
			"error MutatingWebhookConfiguration usher-webhook: it is not there: …", "error ValidatingWebhookConfiguration usher-webhook: it is not there: nothing is judged",
		}},
		{name: "no endpoint is ready", plant: func(_ *testing.T, s *Snapshot) { s.Slices[0].Endpoints[0].Conditions.Ready = new(false) }, want: []string{
			"error MutatingWebhookConfiguration usher-webhook: Service usher-system/usher-webhook has no ready endpoint: every request that webhook mutate.usher.dev is asked about is refused",
			"error ValidatingWebhookConfiguration usher-webhook: …validate.usher.dev is asked about is refused",
			"error ValidatingWebhookConfiguration usher-webhook: …managed.validate.usher.dev is asked about is refused",
			"error ValidatingWebhookConfiguration usher-webhook: …tenants.validate.usher.dev is asked about is refused",
		}},
		{name: "the Service of another webhook is gone", plant: func(_ *testing.T, s *Snapshot) {
			another(s, rule("", "configmaps", created))
			s.Services = s.Services[:1]
		}, want: []string{"error ValidatingWebhookConfiguration guard: Service others/guard is not there: every request that webhook guard.example.com is asked about is refused"}},
		{name: "the Service of another webhook that may be passed by is gone", plant: func(_ *testing.T, s *Snapshot) {
			another(s, rule("", "configmaps", created)).FailurePolicy = new(admissionregistrationv1.Ignore)
			s.Services = s.Services[:1]
		}, want: []string{"warning ValidatingWebhookConfiguration guard: …passes unjudged"}},
	},
	"webhook-settings": {{name: "everything is set otherwise", plant: func(_ *testing.T, s *Snapshot) {
		w := &s.Mutating[0].Webhooks[0]
		w.FailurePolicy, w.TimeoutSeconds = new(admissionregistrationv1.Ignore), new(int32(30))
		w.MatchPolicy, w.ReinvocationPolicy = new(admissionregistrationv1.Exact), new(admissionregistrationv1.NeverReinvocationPolicy)
		w.SideEffects = new(admissionregistrationv1.SideEffectClassNone)
		hooksOf(s)[0].TimeoutSeconds = new(int32(1))
	}, want: []string{
		"error MutatingWebhookConfiguration usher-webhook: webhook mutate.usher.dev has failurePolicy Ignore: …",
		"warning MutatingWebhookConfiguration usher-webhook: webhook mutate.usher.dev has timeoutSeconds 30: …",
		"error MutatingWebhookConfiguration usher-webhook: webhook mutate.usher.dev has matchPolicy Exact: …",
		"warning MutatingWebhookConfiguration usher-webhook: webhook mutate.usher.dev is not asked again …",
		"error MutatingWebhookConfiguration usher-webhook: webhook mutate.usher.dev is said to have no side effects…",
		"warning ValidatingWebhookConfiguration usher-webhook: webhook validate.usher.dev has timeoutSeconds 1: …",
	}}},
	"webhook-doors": {
		{name: "a rule forgets subresources", plant: func(_ *testing.T, s *Snapshot) {
			hooksOf(s)[0].Rules[0].Resources = []string{"pods", "pods/resize", "replicationcontrollers", "podtemplates"}
		}, want: []string{"error ValidatingWebhookConfiguration usher-webhook: usher is not asked about 2 ways in, which this release judges: CREATE pods/ephemeralcontainers, UPDATE pods/ephemeralcontainers"}},
		{name: "an operation is forgotten", plant: func(_ *testing.T, s *Snapshot) {
			s.Mutating[0].Webhooks[0].Rules[1].Operations = []admissionregistrationv1.OperationType{updated}
		}, want: []string{"error MutatingWebhookConfiguration usher-webhook: usher is not asked about 1 way in, which this release judges: CREATE resourceclaims.resource.k8s.io"}},
		{name: "a condition lets a kind pass", plant: func(_ *testing.T, s *Snapshot) {
			hooksOf(s)[0].MatchConditions = append(hooksOf(s)[0].MatchConditions, admissionregistrationv1.MatchCondition{Name: "no-bindings", Expression: "request.kind.kind != 'Binding'"})
		}, want: []string{"error ValidatingWebhookConfiguration usher-webhook: usher is not asked about 2 ways in, which this release judges: CREATE bindings, CREATE pods/binding"}},
		{name: "further rules and exempt namespaces open none", plant: func(_ *testing.T, s *Snapshot) {
			h := hooksOf(s)[0]
			h.Rules = append(h.Rules, rule("example.com", "jobs", created))
			h.NamespaceSelector = notIn("kube-system", "kube-node-lease", "usher-system", "cert-manager")
		}},
		{name: "another tenant label", plant: func(_ *testing.T, s *Snapshot) {
			s.ConfigMaps[1].Data[configFile] += "\ntenantLabel: team\n"
			for _, h := range hooksOf(s) {
				if h.Name == "tenants.validate.usher.dev" {
					h.NamespaceSelector.MatchExpressions[1].Key = "team"
				}
			}
		}},
	},
	"namespace-judged": {
		{name: "a tenant's namespace is left out", plant: func(_ *testing.T, s *Snapshot) {
			hooksOf(s)[0].NamespaceSelector = notIn("kube-system", "usher-system", "team-a")
			s.Mutating[0].Webhooks[0].NamespaceSelector = notIn("kube-system", "usher-system", "team-a")
		}, want: []string{
			`error Namespace team-a: it belongs to tenant "research", but no webhook of MutatingWebhookConfiguration usher-webhook is asked about its pods`,
			`error Namespace team-a: it belongs to tenant "research", but no webhook of ValidatingWebhookConfiguration usher-webhook is asked about its pods`,
		}},
		{name: "the configuration exempts it", plant: func(_ *testing.T, s *Snapshot) {
			s.ConfigMaps[1].Data[configFile] = "apiVersion: usher.dev/v1alpha1\nkind: AdmissionConfiguration\nexemptNamespaces: [kube-system, team-a]\n"
		}, want: []string{`error Namespace team-a: it belongs to tenant "research", but usher's configuration exempts it`}},
	},
	"system-pods": {{name: "CoreDNS waits", plant: func(_ *testing.T, s *Snapshot) {
		another(s, rule("", "pods", created)).ObjectSelector = &metav1.LabelSelector{MatchLabels: map[string]string{"app": "coredns"}}
	}, want: []string{"warning ValidatingWebhookConfiguration guard: webhook guard.example.com is asked before 1 workload of kube-system can start: Deployment kube-system/coredns"}}},
}

// certManagerWaits has cert-manager issue usher's certificate from a namespace that
// usher judges.
func certManagerWaits(_ *testing.T, s *Snapshot) {
	d := deployment("cert-manager", "cert-manager")
	s.Deployments = append(s.Deployments, d)
	annotate(s, injectFrom, "usher-system/usher-webhook")
}
