package doctor

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"usher.dev/usher/api/v1alpha1"
)

// maxOwners bounds how many owners of tenants are asked about.
const maxOwners = 200

// Right is something that an owner of a tenant may do and should not.
type Right struct {
	// Tenant is the first whose owner it is.
	Tenant string
	Owner  v1alpha1.Owner
	// Deed is what it may do.
	Deed string
}

// deed is what no owner of a tenant should be able to do.
type deed struct {
	what       string
	attributes authorizationv1.ResourceAttributes
}

// deeds get round usher, each by itself.
func deeds(namespace string) []deed {
	return []deed{
		{"change webhook configurations", authorizationv1.ResourceAttributes{Group: "admissionregistration.k8s.io", Resource: "validatingwebhookconfigurations", Verb: "update"}},
		{"delete webhook configurations", authorizationv1.ResourceAttributes{Group: "admissionregistration.k8s.io", Resource: "validatingwebhookconfigurations", Verb: "delete"}},
		{"change Tenants", authorizationv1.ResourceAttributes{Group: v1alpha1.GroupVersion.Group, Resource: "tenants", Verb: "update"}},
		{"delete QuotaLedgers", authorizationv1.ResourceAttributes{Group: v1alpha1.GroupVersion.Group, Resource: "quotaledgers", Verb: "delete"}},
		{"create pods in namespace " + namespace, authorizationv1.ResourceAttributes{Namespace: namespace, Resource: "pods", Verb: "create"}},
		{"read Secrets in namespace " + namespace, authorizationv1.ResourceAttributes{Namespace: namespace, Resource: "secrets", Verb: "get"}},
		{"change ConfigMaps in namespace " + namespace, authorizationv1.ResourceAttributes{Namespace: namespace, Resource: "configmaps", Verb: "update"}},
		{"create pods in kube-system", authorizationv1.ResourceAttributes{Namespace: metav1.NamespaceSystem, Resource: "pods", Verb: "create"}},
	}
}

// review asks the API server what owners of tenants may do.
func (c *Cluster) review(ctx context.Context, s *Snapshot) {
	if reason := s.unread[kindTenants]; reason != "" {
		s.unread[kindRights] = reason
		return
	}
	owned := owners(s.Tenants)
	if len(owned) > maxOwners {
		s.unread[kindRights] = fmt.Sprintf("there are %d owners of tenants, and at most %d are asked about", len(owned), maxOwners)
		owned = owned[:maxOwners]
	}
	found := make([][]Right, len(owned))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(askTogether)
	for i, o := range owned {
		group.Go(func() (err error) {
			found[i], err = c.rights(ctx, s.Namespace, o)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		s.unread[kindRights] = whyUnread("create", kindRights, "", err)
	}
	s.Rights = slices.Concat(found...)
}

func (c *Cluster) rights(ctx context.Context, namespace string, o Right) (found []Right, err error) {
	for _, d := range deeds(namespace) {
		user, groups := subject(o.Owner)
		answer, err := c.kube.AuthorizationV1().SubjectAccessReviews().Create(ctx, &authorizationv1.SubjectAccessReview{
			Spec: authorizationv1.SubjectAccessReviewSpec{User: user, Groups: groups, ResourceAttributes: &d.attributes},
		}, metav1.CreateOptions{})
		if err != nil {
			return nil, err
		}
		if answer.Status.Allowed {
			found = append(found, Right{o.Tenant, o.Owner, d.what})
		}
	}
	return found, nil
}

// subject is the user and the groups that an owner is. A group is asked about by
// a user of its own, of whom nothing else is known.
func subject(o v1alpha1.Owner) (user string, groups []string) {
	const everybody = "system:authenticated"
	switch o.Kind {
	case v1alpha1.OwnerServiceAccount:
		return "system:serviceaccount:" + o.Namespace + ":" + o.Name,
			[]string{"system:serviceaccounts", "system:serviceaccounts:" + o.Namespace, everybody}
	case v1alpha1.OwnerGroup:
		return "usher:doctor", []string{o.Name, everybody}
	default:
		return o.Name, []string{everybody}
	}
}

// owners are the owners of tenants, each once, in order.
func owners(tenants []*v1alpha1.Tenant) (all []Right) {
	for _, t := range tenants {
		for _, o := range t.Spec.Owners {
			o.Role = ""
			all = append(all, Right{Tenant: t.Name, Owner: o})
		}
	}
	slices.SortFunc(all, func(a, b Right) int {
		return cmp.Or(cmp.Compare(a.Owner.Kind, b.Owner.Kind), strings.Compare(a.Owner.Namespace, b.Owner.Namespace),
			strings.Compare(a.Owner.Name, b.Owner.Name), strings.Compare(a.Tenant, b.Tenant))
	})
	return slices.CompactFunc(all, func(a, b Right) bool { return a.Owner == b.Owner })
}
