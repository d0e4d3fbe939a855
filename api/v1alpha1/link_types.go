package v1alpha1

// PCIePath is the closest PCIe ancestor of two devices, as nvidia-smi topo -m
// names it: SYS crosses the interconnect between CPU sockets, NODE that between
// host bridges of one NUMA node, PHB one host bridge, PXB several PCIe switches,
// PIX one PCIe switch, PSB the switch of one board.
//
// +kubebuilder:validation:Enum=SYS;NODE;PHB;PXB;PIX;PSB
type PCIePath string

// GPULink is how two GPUs of one node reach each other.
type GPULink struct {
	// A and B are positions in gpus, A the lower.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=15
	A int32 `json:"a"`
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=15
	B int32 `json:"b"`

	// Path is their PCIe path; absent where the driver does not say.
	// +optional
	Path PCIePath `json:"path,omitempty"`

	// NVLinkLanes is the number of active NVLinks between them, through an
	// NVSwitch the lower number of lanes of the two.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=72
	NVLinkLanes int32 `json:"nvlinkLanes,omitempty"`

	// NVSwitch says that the lanes lead through NVSwitches.
	// +optional
	NVSwitch bool `json:"nvSwitch,omitempty"`
}

// NIC is a network interface.
type NIC struct {
	// Name of the device, such as mlx5_0.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	Name string `json:"name"`

	// PCIBusID, such as 0000:0c:00.0.
	// +optional
	// +kubebuilder:validation:MaxLength=32
	PCIBusID string `json:"pciBusID,omitempty"`

	// NUMANode is absent where the machine does not say.
	// +optional
	// +kubebuilder:validation:Minimum=0
	NUMANode *int32 `json:"numaNode,omitempty"`

	// RDMA says that the device has RDMA verbs (InfiniBand or RoCE).
	// +optional
	RDMA bool `json:"rdma,omitempty"`

	// GPUPaths are the PCIe paths to each GPU, in the order of gpus.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	GPUPaths []PCIePath `json:"gpuPaths,omitempty"`

	// NICPaths are the PCIe paths to the NICs before this one, in their order.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	NICPaths []PCIePath `json:"nicPaths,omitempty"`
}
