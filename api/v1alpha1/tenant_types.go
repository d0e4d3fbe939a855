package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Tenant is one customer of the cluster: who it is, the namespaces that are its
// own and what stands in them, the nodes its pods may use and the GPUs they may
// ask for. A namespace belongs to the tenant that its tenant label names.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Cluster,categories=usher
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Namespaces",type=integer,JSONPath=`.status.namespaceCount`
// +kubebuilder:printcolumn:name="GPUs",type=string,JSONPath=`.status.gpu.used`
// +kubebuilder:printcolumn:name="GPU limit",type=string,JSONPath=`.spec.gpu.perTenant`
// +kubebuilder:printcolumn:name="Pool",type=string,JSONPath=`.spec.nodePool.isolation`
// +kubebuilder:printcolumn:name="Reason",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="self.metadata.name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$') && size(self.metadata.name) <= 63",message="the name of a Tenant is a label's value and part of other names: lower case letters, digits and -, at most 63"
type Tenant struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec is what the platform grants to the tenant.
	// +optional
	Spec TenantSpec `json:"spec,omitempty"`

	// Status is what usher-controller has made of it.
	// +optional
	Status TenantStatus `json:"status,omitempty"`
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
	// Owners are who works in the tenant's namespaces, and as what: each once.
	// +optional
	// +listType=map
	// +listMapKey=kind
	// +listMapKey=namespace
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=256
	Owners []Owner `json:"owners,omitempty"`

	// Namespaces are made for the tenant, and made again when they are gone. A
	// namespace that is there already is the tenant's once it bears its tenant
	// label; without the label it is left alone, and the Tenant is not Ready.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=256
	// +kubebuilder:validation:items:MaxLength=63
	// +kubebuilder:validation:items:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	// +kubebuilder:validation:XValidation:rule="self.all(n, !n.startsWith('kube-') && !(n in ['default', 'usher-system']))",message="namespaces of the cluster's own (kube-*, default, usher-system) can be no tenant's"
	Namespaces []string `json:"namespaces,omitempty"`

	// DeletionPolicy says what becomes of the namespaces when the Tenant is
	// deleted. Retain takes the owners' access away and leaves everything else,
	// quotas and isolation included. Delete deletes the namespaces that were
	// made for the tenant, and all that is in them; adopted ones stay.
	// +optional
	// +kubebuilder:default=Retain
	// +kubebuilder:validation:Enum=Retain;Delete
	DeletionPolicy DeletionPolicy `json:"deletionPolicy,omitempty"`

	// PodSecurity sets the Pod Security Standards of the tenant's namespaces.
	// +optional
	PodSecurity *PodSecurity `json:"podSecurity,omitempty"`

	// NodePool is the set of nodes that the tenant's pods run on. Without it
	// they may run on every node that is in no tenant's pool.
	// +optional
	NodePool *NodePool `json:"nodePool,omitempty"`

	// GPU bounds what the tenant, one namespace, one pod, one container and one
	// claim may hold. Without it the tenant may use no GPU.
	// +optional
	GPU *GPULimits `json:"gpu,omitempty"`

	// Quota bounds what all namespaces of the tenant hold together, of anything
	// that a ResourceQuota can bound: pods, requests.cpu, count/jobs.batch, ….
	// +optional
	// +kubebuilder:validation:MaxProperties=64
	// +kubebuilder:validation:XValidation:rule="self.all(name, type(self[name]) == int ? self[name] >= 0 : !self[name].startsWith('-'))",message="amounts cannot be negative"
	Quota corev1.ResourceList `json:"quota,omitempty"`

	// ResourceQuota is made in each of the tenant's namespaces.
	// +optional
	ResourceQuota *corev1.ResourceQuotaSpec `json:"resourceQuota,omitempty"`

	// LimitRange is made in each of the tenant's namespaces.
	// +optional
	LimitRange *corev1.LimitRangeSpec `json:"limitRange,omitempty"`

	// Network says whom the tenant's pods may talk to. Without it nothing is
	// denied and no NetworkPolicy is made.
	// +optional
	Network *NetworkIsolation `json:"network,omitempty"`

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

// DeletionPolicy says what becomes of a tenant's namespaces with it.
type DeletionPolicy string

// What becomes of a tenant's namespaces with it.
const (
	DeletionRetain DeletionPolicy = "Retain"
	DeletionDelete DeletionPolicy = "Delete"
)

// Owner is a user, a group or a service account that works for the tenant.
//
// +kubebuilder:validation:XValidation:rule="(self.kind == 'ServiceAccount') == (size(self.namespace) > 0)",message="a ServiceAccount has a namespace; users and groups have none"
// +kubebuilder:validation:XValidation:rule="self.kind == 'ServiceAccount' || !self.name.startsWith('system:')",message="names that begin with system: are Kubernetes' own; name a user or group of yours, or a ServiceAccount by kind and namespace"
type Owner struct {
	// +kubebuilder:validation:Enum=User;Group;ServiceAccount
	Kind OwnerKind `json:"kind"`
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
	// Namespace of the ServiceAccount.
	// +optional
	// +kubebuilder:default=""
	// +kubebuilder:validation:MaxLength=63
	Namespace string `json:"namespace,omitempty"`
	// Role is Admin (all of workloads and services, reads quotas and policies)
	// or Developer (creates pods and deployments, deletes none).
	// +kubebuilder:validation:Enum=Admin;Developer
	Role OwnerRole `json:"role"`
}

// OwnerKind is the kind of an owner, as in the subject of a RoleBinding.
type OwnerKind string

// OwnerRole is what an owner may do.
type OwnerRole string

// Kinds and roles of owners.
const (
	OwnerUser           OwnerKind = "User"
	OwnerGroup          OwnerKind = "Group"
	OwnerServiceAccount OwnerKind = "ServiceAccount"

	RoleAdmin     OwnerRole = "Admin"
	RoleDeveloper OwnerRole = "Developer"
)

// PodSecurity sets the labels pod-security.kubernetes.io/* of namespaces.
type PodSecurity struct {
	// Enforce is the level that pods must meet.
	// +optional
	// +kubebuilder:validation:Enum=privileged;baseline;restricted
	Enforce string `json:"enforce,omitempty"`
	// Audit is the level below which pods are noted in the audit log.
	// +optional
	// +kubebuilder:validation:Enum=privileged;baseline;restricted
	Audit string `json:"audit,omitempty"`
	// Warn is the level below which users are warned.
	// +optional
	// +kubebuilder:validation:Enum=privileged;baseline;restricted
	Warn string `json:"warn,omitempty"`
	// Version of the standards, for all three levels: latest, or v1.MINOR.
	// Unset: no version label, which Kubernetes reads as latest.
	// +optional
	// +kubebuilder:validation:Pattern=`^(latest|v1\.(0|[1-9][0-9]*))$`
	// +kubebuilder:validation:MaxLength=16
	Version string `json:"version,omitempty"`
}

// NetworkIsolation denies the tenant's pods all traffic, both ways, but what it
// names.
type NetworkIsolation struct {
	// Scope is with whom pods may talk freely: Namespace, or Tenant for all
	// namespaces of the tenant.
	// +optional
	// +kubebuilder:default=Namespace
	// +kubebuilder:validation:Enum=Namespace;Tenant
	Scope NetworkScope `json:"scope,omitempty"`

	// DNS lets every pod ask the cluster's DNS. Default: true.
	// +optional
	// +kubebuilder:default=true
	DNS *bool `json:"dns,omitempty"`

	// Egress lists what pods may reach outside the cluster. The metadata
	// service of clouds (169.254.169.254, fd00:ec2::254) is always left out.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	Egress []ExternalEgress `json:"egress,omitempty"`

	// Policies are further NetworkPolicies of the platform, made in each of the
	// tenant's namespaces, by name.
	// +optional
	// +kubebuilder:validation:MaxProperties=32
	// +kubebuilder:validation:XValidation:rule="self.all(name, size(name) <= 253 && name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$'))",message="the name of a NetworkPolicy is lower case letters, digits and -"
	// +kubebuilder:validation:XValidation:rule="self.all(name, !(name in ['default-deny-all', 'allow-same-namespace', 'allow-same-tenant', 'allow-dns']) && !name.startsWith('allow-external-egress'))",message="default-deny-all, allow-same-namespace, allow-same-tenant, allow-dns and allow-external-egress* are usher's own"
	Policies map[string]networkingv1.NetworkPolicySpec `json:"policies,omitempty"`
}

// NetworkScope is with whom a tenant's pods may talk freely.
type NetworkScope string

// With whom a tenant's pods may talk freely.
const (
	NetworkScopeNamespace NetworkScope = "Namespace"
	NetworkScopeTenant    NetworkScope = "Tenant"
)

// ExternalEgress is what some pods may reach outside the cluster.
//
// +kubebuilder:validation:XValidation:rule="!has(self.except) || !isCIDR(self.cidr) || self.except.all(e, isCIDR(e) && cidr(self.cidr).containsCIDR(e) && cidr(e).prefixLength() > cidr(self.cidr).prefixLength())",message="what is excepted must be CIDRs within cidr, and less than it"
// +kubebuilder:validation:XValidation:rule="!(self.cidr in ['169.254.169.254/32', 'fd00:ec2::254/128'])",message="the metadata service of clouds is nobody's to reach"
type ExternalEgress struct {
	// PodSelector selects the pods; empty: all.
	// +optional
	PodSelector metav1.LabelSelector `json:"podSelector,omitempty"`
	// CIDR that they may reach, such as 0.0.0.0/0 or ::/0.
	// +kubebuilder:validation:MaxLength=43
	// +kubebuilder:validation:XValidation:rule="isCIDR(self)",message="is no CIDR such as 0.0.0.0/0"
	CIDR string `json:"cidr"`
	// Except lists parts of it that they may not reach, beside the metadata service.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=43
	Except []string `json:"except,omitempty"`
	// Ports; empty: all.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	Ports []networkingv1.NetworkPolicyPort `json:"ports,omitempty"`
}

// TenantStatus is what usher-controller has made of a Tenant.
type TenantStatus struct {
	// ObservedGeneration is the generation of the spec that it speaks of.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// Conditions: Accepted (no other tenant claims the same namespace or pool;
	// False grants nothing), Ready (the cluster is as the spec says), and
	// WithinLimits (the tenant holds no more than it may).
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// NamespaceCount counts Namespaces.
	// +optional
	NamespaceCount int32 `json:"namespaceCount,omitempty"`

	// Namespaces are those that belong to the tenant, sorted.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=1024
	Namespaces []TenantNamespace `json:"namespaces,omitempty"`

	// GPU is what the tenant holds, of its ledger; coarse in time.
	// +optional
	GPU *GPUUse `json:"gpu,omitempty"`

	// Quota is what all namespaces hold together of what spec.quota bounds.
	// +optional
	Quota corev1.ResourceList `json:"quota,omitempty"`
}

// Condition types of a Tenant.
const (
	ConditionAccepted     = "Accepted"
	ConditionWithinLimits = "WithinLimits"
)

// TenantNamespace is one namespace of a tenant.
type TenantNamespace struct {
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name"`
	// Made says that usher-controller made the namespace; it was adopted otherwise.
	// +optional
	Made bool `json:"made,omitempty"`
}

// GPUUse is what a tenant holds, in GPU units as people write them, such as
// "12.428572".
type GPUUse struct {
	// +kubebuilder:validation:MaxLength=32
	Used string `json:"used"`
	// +kubebuilder:validation:MaxLength=32
	Reserved string `json:"reserved"`
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
//
// +kubebuilder:validation:XValidation:rule="!has(self.perContainer) || !has(self.perPod) || !quantity(string(self.perContainer)).isGreaterThan(quantity(string(self.perPod)))",message="perContainer cannot be more than perPod"
// +kubebuilder:validation:XValidation:rule="!has(self.perContainer) || !has(self.perNamespace) || !quantity(string(self.perContainer)).isGreaterThan(quantity(string(self.perNamespace)))",message="perContainer cannot be more than perNamespace"
// +kubebuilder:validation:XValidation:rule="!has(self.perContainer) || !has(self.perTenant) || !quantity(string(self.perContainer)).isGreaterThan(quantity(string(self.perTenant)))",message="perContainer cannot be more than perTenant"
// +kubebuilder:validation:XValidation:rule="!has(self.perPod) || !has(self.perNamespace) || !quantity(string(self.perPod)).isGreaterThan(quantity(string(self.perNamespace)))",message="perPod cannot be more than perNamespace"
// +kubebuilder:validation:XValidation:rule="!has(self.perPod) || !has(self.perTenant) || !quantity(string(self.perPod)).isGreaterThan(quantity(string(self.perTenant)))",message="perPod cannot be more than perTenant"
// +kubebuilder:validation:XValidation:rule="!has(self.perNamespace) || !has(self.perTenant) || !quantity(string(self.perNamespace)).isGreaterThan(quantity(string(self.perTenant)))",message="perNamespace cannot be more than perTenant"
type GPULimits struct {
	// PerTenant is the most that the tenant may hold in all, in GPU units.
	// Unset: no limit.
	// +optional
	// +kubebuilder:validation:XValidation:rule="type(self) == int ? self >= 0 : !self.startsWith('-')",message="amounts cannot be negative"
	PerTenant *resource.Quantity `json:"perTenant,omitempty"`

	// PerNamespace is the most that one namespace may hold, in GPU units.
	// Unset: no limit.
	// +optional
	// +kubebuilder:validation:XValidation:rule="type(self) == int ? self >= 0 : !self.startsWith('-')",message="amounts cannot be negative"
	PerNamespace *resource.Quantity `json:"perNamespace,omitempty"`

	// PerContainer is the most that one container may ask for, in GPU units.
	// Unset: as much as its pod.
	// +optional
	// +kubebuilder:validation:XValidation:rule="type(self) == int ? self >= 0 : !self.startsWith('-')",message="amounts cannot be negative"
	PerContainer *resource.Quantity `json:"perContainer,omitempty"`

	// PerPod is the most that one pod may ask for, in GPU units. Unset: no limit.
	// +optional
	// +kubebuilder:validation:XValidation:rule="type(self) == int ? self >= 0 : !self.startsWith('-')",message="amounts cannot be negative"
	PerPod *resource.Quantity `json:"perPod,omitempty"`

	// Caps is how many of one GPU resource the tenant may hold in all, such as
	// nvidia.com/mig-3g.20gb: 8; deviceclass.resource.kubernetes.io/CLASS for
	// the devices of a class.
	// +optional
	// +kubebuilder:validation:MaxProperties=64
	// +kubebuilder:validation:XValidation:rule="self.all(name, self[name] >= 0)",message="amounts cannot be negative"
	Caps map[string]int64 `json:"caps,omitempty"`

	// Models lists the GPU models that the tenant's pods may run on, as the
	// node label nvidia.com/gpu.product names them, such as
	// NVIDIA-H100-80GB-HBM3. A node whose GPUs are shared or divided into MIG
	// devices may bear another value, which counts as another model: NVIDIA's
	// feature discovery appends -SHARED, or -MIG-1g.5gb. Empty: every model.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=63
	// +kubebuilder:validation:items:Pattern=`^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$`
	Models []string `json:"models,omitempty"`

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
