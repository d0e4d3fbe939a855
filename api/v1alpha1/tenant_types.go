package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Tenant is one customer of the cluster: the nodes its pods may use and the
// GPUs they may ask for. A namespace belongs to the tenant that its tenant
// label names.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:scope=Cluster,categories=usher
// +kubebuilder:printcolumn:name="Pool",type=string,JSONPath=`.spec.nodePool.isolation`
// +kubebuilder:printcolumn:name="GPUs/Pod",type=string,JSONPath=`.spec.gpu.perPod`
// +kubebuilder:printcolumn:name="GPUs/Container",type=string,JSONPath=`.spec.gpu.perContainer`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type Tenant struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec is what the platform grants to the tenant.
	// +optional
	Spec TenantSpec `json:"spec,omitempty"`
}

// TenantList is a list of tenants.
//
// +kubebuilder:object:root=true
type TenantList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []Tenant `json:"items"`
}

// TenantSpec is what the platform grants to a tenant.
type TenantSpec struct {
	// NodePool is the set of nodes that the tenant's pods run on. Without it
	// they may run on every node that is in no tenant's pool.
	// +optional
	NodePool *NodePool `json:"nodePool,omitempty"`

	// GPU bounds what one container, one pod and one claim may ask for.
	// Without it the tenant may use no GPU.
	// +optional
	GPU *GPULimits `json:"gpu,omitempty"`

	// SchedulerNames lists the schedulers that the tenant's pods may name,
	// beside those that usher's configuration allows to everyone.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MaxLength=253
	SchedulerNames []string `json:"schedulerNames,omitempty"`

	// PriorityClassNames lists the priority classes that the tenant's pods may
	// name, beside those that usher's configuration allows to everyone.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=253
	PriorityClassNames []string `json:"priorityClassNames,omitempty"`

	// Parameters overrides policy parameters for this tenant: policy name,
	// then an object of parameters. It wins over usher's configuration.
	// +optional
	// +kubebuilder:validation:MaxProperties=64
	Parameters map[string]apiextensionsv1.JSON `json:"parameters,omitempty"`
}

// NodePool is a set of nodes, by a taint that keeps others out and labels that
// keep the tenant's pods in.
type NodePool struct {
	// Taint stands on every node of the pool. The default is key "tenant"
	// (the configured tenant label), the tenant's name, NoSchedule.
	// +optional
	Taint *PoolTaint `json:"taint,omitempty"`

	// NodeSelector are the labels of every node of the pool. The default is
	// the tenant label with the tenant's name.
	// +optional
	// +kubebuilder:validation:MaxProperties=16
	NodeSelector map[string]string `json:"nodeSelector,omitempty"`

	// Isolation is Hard (the tenant's pods run in the pool and nowhere else)
	// or Soft (they prefer the pool, may run on nodes of no tenant, and never
	// on those of another tenant).
	// +optional
	// +kubebuilder:default=Hard
	// +kubebuilder:validation:Enum=Hard;Soft
	Isolation Isolation `json:"isolation,omitempty"`
}

// PoolTaint is the taint of a tenant's nodes.
type PoolTaint struct {
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=316
	Key string `json:"key"`
	// +optional
	// +kubebuilder:validation:MaxLength=63
	Value string `json:"value,omitempty"`
	// +optional
	// +kubebuilder:default=NoSchedule
	// +kubebuilder:validation:Enum=NoSchedule;PreferNoSchedule;NoExecute
	Effect corev1.TaintEffect `json:"effect,omitempty"`
}

// Isolation says how strictly a pool binds its tenant's pods.
type Isolation string

// The ways in which a pool binds its tenant's pods.
const (
	IsolationHard Isolation = "Hard"
	IsolationSoft Isolation = "Soft"
)

// GPULimits bounds what the tenant's pods and claims may ask for. Amounts are
// in GPU units: 1 is one whole GPU, 428572u three sevenths of one, rounded up.
type GPULimits struct {
	// PerContainer is the most that one container may ask for, in GPU units.
	// Unset: as much as its pod.
	// +optional
	PerContainer *resource.Quantity `json:"perContainer,omitempty"`

	// PerPod is the most that one pod may ask for, in GPU units. Unset: no limit.
	// +optional
	PerPod *resource.Quantity `json:"perPod,omitempty"`

	// Resources lists the GPU resources that the tenant may ask for, such as
	// nvidia.com/gpu or nvidia.com/mig-3g.20gb; a trailing * matches the rest
	// of a name. Empty: nvidia.com/gpu alone.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=316
	Resources []string `json:"resources,omitempty"`

	// DeviceClasses lists the DRA device classes that the tenant's claims may
	// name. Empty: none.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=253
	DeviceClasses []string `json:"deviceClasses,omitempty"`
}
