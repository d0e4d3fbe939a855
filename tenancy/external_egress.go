package tenancy

import (
	"net/netip"
	"slices"
	"strconv"

	networkingv1 "k8s.io/api/networking/v1"

	"usher.dev/usher/api/v1alpha1"
)

// metadataServices are the addresses where clouds tell a machine who it is, and
// hand out its credentials: AWS, Azure, GCP and others, and AWS by IPv6.
var metadataServices = []netip.Prefix{
	netip.MustParsePrefix("169.254.169.254/32"),
	netip.MustParsePrefix("fd00:ec2::254/128"),
}

// externalEgressName is that of the n-th egress, counted from 0.
func externalEgressName(n int) string {
	const name = "allow-external-egress"
	if n == 0 {
		return name
	}
	return name + "-" + strconv.Itoa(n+1)
}

// externalEgress lets some pods out to a CIDR, but for the metadata services
// in it; not ok where nothing would be left.
func externalEgress(e v1alpha1.ExternalEgress) (spec networkingv1.NetworkPolicySpec, ok bool) {
	except := slices.Clone(e.Except)
	if cidr, err := netip.ParsePrefix(e.CIDR); err == nil {
		for _, service := range metadataServices {
			switch {
			case !cidr.Contains(service.Addr()):
			case cidr.Bits() == service.Bits():
				return spec, false
			case !slices.Contains(except, service.String()):
				except = append(except, service.String())
			}
		}
	}
	e = *e.DeepCopy()
	spec = networkingv1.NetworkPolicySpec{
		PodSelector: e.PodSelector,
		PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeEgress},
		Egress: []networkingv1.NetworkPolicyEgressRule{{
			To:    []networkingv1.NetworkPolicyPeer{{IPBlock: &networkingv1.IPBlock{CIDR: e.CIDR, Except: except}}},
			Ports: e.Ports,
		}},
	}
	defaultPolicy(&spec)
	return spec, true
}
