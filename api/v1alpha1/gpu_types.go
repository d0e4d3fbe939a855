package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// GPU is one physical GPU.
type GPU struct {
	// Index is NVML's index.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=15
	Index int32 `json:"index"`

	// UUID names the GPU for good, as in GPU-8f6d….
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=96
	UUID string `json:"uuid"`

	// Model is the product name, such as NVIDIA H100 80GB HBM3.
	// +optional
	// +kubebuilder:validation:MaxLength=96
	Model string `json:"model,omitempty"`

	// Architecture, such as Hopper.
	// +optional
	// +kubebuilder:validation:MaxLength=32
	Architecture string `json:"architecture,omitempty"`

	// MemoryMiB is the GPU's memory in MiB.
	// +optional
	// +kubebuilder:validation:Minimum=0
	MemoryMiB int64 `json:"memoryMiB,omitempty"`

	// PCIBusID, such as 0000:07:00.0.
	// +optional
	// +kubebuilder:validation:MaxLength=32
	PCIBusID string `json:"pciBusID,omitempty"`

	// NUMANode is the NUMA node that the GPU's PCIe root belongs to; absent
	// where the machine does not say.
	// +optional
	// +kubebuilder:validation:Minimum=0
	NUMANode *int32 `json:"numaNode,omitempty"`

	// MemoryNUMANode is the NUMA node that the GPU's own memory is, on machines
	// such as Grace Hopper where the kernel manages it; absent elsewhere.
	// +optional
	// +kubebuilder:validation:Minimum=0
	MemoryNUMANode *int32 `json:"memoryNUMANode,omitempty"`

	// CPUAffinity lists the CPUs near the GPU, as in 0-47,96-143.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	CPUAffinity string `json:"cpuAffinity,omitempty"`

	// Fabric is the NVLink domain that the GPU has joined; absent on boards
	// without an NVLink fabric.
	// +optional
	Fabric *Fabric `json:"fabric,omitempty"`

	// MIG is absent on GPUs that cannot be partitioned.
	// +optional
	MIG *MIG `json:"mig,omitempty"`

	// Health says whether new pods may use the GPU.
	Health Health `json:"health"`

	// HealthReasons say why the GPU is not Healthy, sorted by code.
	// +optional
	// +listType=map
	// +listMapKey=code
	// +kubebuilder:validation:MaxItems=16
	HealthReasons []HealthReason `json:"healthReasons,omitempty"`

	// UtilizationPercent is how busy the GPU was, rounded down to steps of 25.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	UtilizationPercent int32 `json:"utilizationPercent,omitempty"`

	// MemoryUsedPercent is the share of memory in use, rounded down to steps of 25.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	MemoryUsedPercent int32 `json:"memoryUsedPercent,omitempty"`
}

// Health says whether new pods may use a GPU.
//
// +kubebuilder:validation:Enum=Healthy;Degraded;Unhealthy
type Health string

// The states of a GPU.
const (
	// Healthy: nothing is known against the GPU.
	Healthy Health = "Healthy"
	// Degraded: it works, but slower or not for long; it is used last.
	Degraded Health = "Degraded"
	// Unhealthy: no new pod may get it.
	Unhealthy Health = "Unhealthy"
)

// HealthReason is one thing that is wrong with a GPU.
type HealthReason struct {
	// Code is a word for programs, such as XID79, ECCUncorrectable,
	// RowRemapPending, RecoveryReset, NVLinkErrors, Lost, FabricNotReady.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[A-Za-z][A-Za-z0-9]*$`
	Code string `json:"code"`

	// Message is for people.
	// +optional
	// +kubebuilder:validation:MaxLength=512
	Message string `json:"message,omitempty"`

	// Since is when the agent saw it first.
	// +optional
	Since *metav1.Time `json:"since,omitempty"`
}

// Fabric is an NVLink domain: GPUs of one cluster and clique reach each other
// over NVLink, across nodes.
type Fabric struct {
	// ClusterUUID names the NVLink domain.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	ClusterUUID string `json:"clusterUUID"`

	// Clique is the partition of the domain.
	// +kubebuilder:validation:Minimum=0
	Clique int64 `json:"clique"`
}

// MIG is how a GPU is partitioned.
type MIG struct {
	// Enabled says that the GPU is handed out in parts only.
	Enabled bool `json:"enabled"`

	// Instances are the parts, by slice.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	Instances []MIGInstance `json:"instances,omitempty"`
}

// MIGInstance is one MIG device: a compute instance in a GPU instance.
type MIGInstance struct {
	// UUID, as in MIG-4f2c….
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=96
	UUID string `json:"uuid"`

	// Profile, such as 3g.20gb.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=48
	Profile string `json:"profile"`

	// Start is the first memory slice of the GPU instance, Size their number.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=15
	Start int32 `json:"start"`
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=16
	Size int32 `json:"size"`
}
