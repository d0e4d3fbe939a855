package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupVersion names the API group and version of this package.
var GroupVersion = schema.GroupVersion{Group: "usher.dev", Version: "v1alpha1"}

// AddToScheme registers the kinds that the API server stores.
func AddToScheme(s *runtime.Scheme) error {
	s.AddKnownTypes(GroupVersion, &Tenant{}, &TenantList{}, &GPUNode{}, &GPUNodeList{}, &QuotaLedger{}, &QuotaLedgerList{})
	metav1.AddToGroupVersion(s, GroupVersion)
	return nil
}
