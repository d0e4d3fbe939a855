package tenancy

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"usher.dev/usher/api/v1alpha1"
)

var bothWays = []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress}

// networkPolicies are those of one namespace, in the order in which they are
// made: what denies comes first. None where the Tenant does not isolate.
func networkPolicies(t *v1alpha1.Tenant, tenantLabel, namespace string) []*networkingv1.NetworkPolicy {
	network := t.Spec.Network
	if network == nil {
		return nil
	}
	policy := func(name string, spec networkingv1.NetworkPolicySpec) *networkingv1.NetworkPolicy {
		return &networkingv1.NetworkPolicy{ObjectMeta: meta(t.Name, namespace, name), Spec: spec}
	}
	policies := []*networkingv1.NetworkPolicy{
		policy("default-deny-all", networkingv1.NetworkPolicySpec{PolicyTypes: bothWays}),
	}
	if network.Scope == v1alpha1.NetworkScopeTenant {
		policies = append(policies, policy("allow-same-tenant", among(networkingv1.NetworkPolicyPeer{
			NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{tenantLabel: t.Name}},
		})))
	} else {
		policies = append(policies, policy("allow-same-namespace", among(networkingv1.NetworkPolicyPeer{
			PodSelector: &metav1.LabelSelector{},
		})))
	}
	if network.DNS == nil || *network.DNS {
		policies = append(policies, policy("allow-dns", dns()))
	}
	for i, egress := range network.Egress {
		if spec, ok := externalEgress(egress); ok {
			policies = append(policies, policy(externalEgressName(i), spec))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(network.Policies)) {
		spec := network.Policies[name]
		spec = *spec.DeepCopy()
		defaultPolicy(&spec)
		policies = append(policies, policy(name, spec))
	}
	return policies
}

// among lets all pods talk to a peer, both ways.
func among(peer networkingv1.NetworkPolicyPeer) networkingv1.NetworkPolicySpec {
	return networkingv1.NetworkPolicySpec{
		PolicyTypes: bothWays,
		Ingress:     []networkingv1.NetworkPolicyIngressRule{{From: []networkingv1.NetworkPolicyPeer{peer}}},
		Egress:      []networkingv1.NetworkPolicyEgressRule{{To: []networkingv1.NetworkPolicyPeer{peer}}},
	}
}

// defaultPolicy fills in what the API server would (SetDefaults_NetworkPolicy and
// SetDefaults_NetworkPolicyPort), so that the object that it stores compares equal.
func defaultPolicy(spec *networkingv1.NetworkPolicySpec) {
	if len(spec.PolicyTypes) == 0 {
		spec.PolicyTypes = bothWays[:1]
		if len(spec.Egress) > 0 {
			spec.PolicyTypes = bothWays
		}
	}
	for i := range spec.Ingress {
		defaultPorts(spec.Ingress[i].Ports)
	}
	for i := range spec.Egress {
		defaultPorts(spec.Egress[i].Ports)
	}
}

func defaultPorts(ports []networkingv1.NetworkPolicyPort) {
	for i := range ports {
		if ports[i].Protocol == nil {
			tcp := corev1.ProtocolTCP
			ports[i].Protocol = &tcp
		}
	}
}
