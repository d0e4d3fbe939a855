package tenancy

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// objects are the items of a list.
func objects(t testing.TB, list client.ObjectList) []client.Object {
	t.Helper()
	items, err := apimeta.ExtractList(list)
	if err != nil {
		t.Fatal(err)
	}
	out := make([]client.Object, 0, len(items))
	for _, item := range items {
		o, ok := item.(client.Object)
		if !ok {
			t.Fatalf("%T is no object", item)
		}
		out = append(out, o)
	}
	return out
}

func copied(o client.Object) client.Object {
	out, _ := o.DeepCopyObject().(client.Object)
	return out
}

// managedLists are lists of the kinds of which usher makes objects in namespaces.
func managedLists() []client.ObjectList {
	return []client.ObjectList{&corev1.ResourceQuotaList{}, &corev1.LimitRangeList{}, &networkingv1.NetworkPolicyList{}, &rbacv1.RoleBindingList{}}
}
