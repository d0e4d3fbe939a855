package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// GPUNode is what usher-agent reports of the GPUs of one node: what they are,
// how they are linked, who holds them and whether they are well. It is named
// after its Node, and only that node's agent writes it (policy node_identity).
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Cluster,categories=usher,shortName=gn
// +kubebuilder:printcolumn:name="Model",type=string,JSONPath=`.status.gpus[0].model`
// +kubebuilder:printcolumn:name="GPUs",type=integer,JSONPath=`.status.summary.gpus`
// +kubebuilder:printcolumn:name="Free",type=integer,JSONPath=`.status.summary.free`
// +kubebuilder:printcolumn:name="Healthy",type=integer,JSONPath=`.status.summary.healthy`
// +kubebuilder:printcolumn:name="Links",type=string,JSONPath=`.status.summary.links`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Heartbeat",type=date,JSONPath=`.status.heartbeat`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type GPUNode struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Status is the newest report.
	// +optional
	Status GPUNodeStatus `json:"status,omitempty"`
}

// GPUNodeList is a list of GPUNodes.
//
// +kubebuilder:object:root=true
type GPUNodeList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []GPUNode `json:"items"`
}

// MaxGPUs is the most GPUs of one node that usher tells apart.
const MaxGPUs = 16

// GPUNodeStatus is one report of an agent.
//
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.bootID) || !has(self.bootID) || self.bootID != oldSelf.bootID || self.sequence >= oldSelf.sequence",message="sequence is lower than that of the stored report of the same boot: the report is an old one"
// +kubebuilder:validation:XValidation:rule="!has(self.gpus) || self.gpus.all(g, self.gpus.exists_one(h, h.uuid == g.uuid))",message="two GPUs have the same uuid"
// +kubebuilder:validation:XValidation:rule="!has(self.links) || self.links.all(l, l.a < l.b)",message="the first GPU of a link has the lower index"
// +kubebuilder:validation:XValidation:rule="!has(self.links) || (has(self.gpus) && self.links.all(l, l.b < size(self.gpus)))",message="a link names a GPU that is not reported"
// +kubebuilder:validation:XValidation:rule="!has(self.nics) || self.nics.all(n, !has(n.gpuPaths) || (has(self.gpus) && size(n.gpuPaths) == size(self.gpus)))",message="gpuPaths has one entry for each GPU"
type GPUNodeStatus struct {
	// BootID is the kernel's boot ID (/proc/sys/kernel/random/boot_id).
	// +optional
	// +kubebuilder:validation:MaxLength=64
	BootID string `json:"bootID,omitempty"`

	// Sequence grows with each report of one boot.
	// +optional
	// +kubebuilder:validation:Minimum=0
	Sequence int64 `json:"sequence,omitempty"`

	// Heartbeat is when the agent made the report, by the node's clock.
	// +optional
	Heartbeat *metav1.Time `json:"heartbeat,omitempty"`

	// HeartbeatSeconds is how often the agent reports at least.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=3600
	HeartbeatSeconds int32 `json:"heartbeatSeconds,omitempty"`

	// Conditions: Ready, and what it is made of, DriverResponsive (NVML answers
	// in time) and AllocationKnown (the kubelet says who holds what).
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=8
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// Driver is the version of the NVIDIA driver.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	Driver string `json:"driver,omitempty"`

	// CUDA is the newest CUDA version that the driver serves, such as 12.8.
	// +optional
	// +kubebuilder:validation:MaxLength=16
	CUDA string `json:"cuda,omitempty"`

	// GPUs are the node's GPUs by index, from 0.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	GPUs []GPU `json:"gpus,omitempty"`

	// Links are the pairs of GPUs, each once.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=120
	Links []GPULink `json:"links,omitempty"`

	// NICs are the node's network interfaces that GPUs can send through.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	NICs []NIC `json:"nics,omitempty"`

	// Resources say which devices each of the node's resources hands out.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=32
	Resources []DeviceResource `json:"resources,omitempty"`

	// Allocations say which devices the kubelet has given to whom, sorted by
	// device, replica, namespace, pod and container.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=1024
	Allocations []Allocation `json:"allocations,omitempty"`

	// Summary counts, for people.
	// +optional
	Summary *GPUNodeSummary `json:"summary,omitempty"`
}

// Condition types of a GPUNode.
const (
	// ConditionReady: the report is whole, so that pods may be placed by it.
	ConditionReady = "Ready"
	// ConditionDriverResponsive: NVML answered every question in time.
	ConditionDriverResponsive = "DriverResponsive"
	// ConditionAllocationKnown: the kubelet said who holds which device.
	ConditionAllocationKnown = "AllocationKnown"
)

// DeviceResource is one extended resource of the node and its devices.
type DeviceResource struct {
	// Name, such as nvidia.com/gpu or nvidia.com/mig-3g.20gb.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=316
	Name string `json:"name"`

	// Devices are the UUIDs of GPUs or MIG devices that the resource hands out,
	// sorted: those that its device plugin calls healthy, free or held. While a
	// plugin is away, its resource hands out nothing and is not listed.
	// +listType=set
	// +kubebuilder:validation:MaxItems=128
	// +kubebuilder:validation:items:MaxLength=96
	Devices []string `json:"devices"`

	// Replicas is into how many shares each device is divided; 1 where devices
	// are not shared.
	// +kubebuilder:default=1
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1024
	Replicas int32 `json:"replicas"`
}

// Allocation is one device, or one share of it, in a container's hands.
type Allocation struct {
	// Device is the UUID of a GPU or MIG device.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=96
	Device string `json:"device"`

	// Replica is the share, as the device plugin numbers it; absent where the
	// device is not shared.
	// +optional
	// +kubebuilder:validation:MaxLength=16
	Replica string `json:"replica,omitempty"`

	// Resource is the extended resource that was asked for; with DRA the name
	// of the driver.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=316
	Resource string `json:"resource"`

	// Namespace, Pod and Container name the holder.
	// +kubebuilder:validation:MaxLength=63
	Namespace string `json:"namespace"`
	// +kubebuilder:validation:MaxLength=253
	Pod string `json:"pod"`
	// +kubebuilder:validation:MaxLength=63
	Container string `json:"container"`

	// Claim is the ResourceClaim, with DRA.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	Claim string `json:"claim,omitempty"`
}

// GPUNodeSummary counts, for `kubectl get gpunodes`.
type GPUNodeSummary struct {
	// GPUs, Healthy (not Unhealthy) and Free (of those, held by nobody) count
	// physical GPUs.
	GPUs    int32 `json:"gpus"`
	Healthy int32 `json:"healthy"`
	Free    int32 `json:"free"`

	// Links names what connects most pairs of GPUs, such as NV18, PIX or SYS.
	// +optional
	// +kubebuilder:validation:MaxLength=16
	Links string `json:"links,omitempty"`
}
