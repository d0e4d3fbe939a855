package tenancy

import (
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// dns lets all pods ask the cluster's DNS, by UDP and, for long answers, by TCP.
//
// One peer has both selectors: the DNS pods in kube-system. Two peers with one
// selector each, as examples often have it, would open all pods of kube-system,
// and the namespace's own that call themselves kube-dns. The namespace is named
// by the label that the API server sets, not by one that somebody may forget.
func dns() networkingv1.NetworkPolicySpec {
	port := intstr.FromInt32(53)
	ports := make([]networkingv1.NetworkPolicyPort, 0, 2)
	for _, protocol := range []corev1.Protocol{corev1.ProtocolUDP, corev1.ProtocolTCP} {
		ports = append(ports, networkingv1.NetworkPolicyPort{Protocol: &protocol, Port: &port})
	}
	return networkingv1.NetworkPolicySpec{
		PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeEgress},
		Egress: []networkingv1.NetworkPolicyEgressRule{{
			To: []networkingv1.NetworkPolicyPeer{{
				NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: "kube-system"}},
				PodSelector:       &metav1.LabelSelector{MatchLabels: map[string]string{"k8s-app": "kube-dns"}},
			}},
			Ports: ports,
		}},
	}
}
