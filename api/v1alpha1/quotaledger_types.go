package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// ReservationLabel names the reservation that a pod or claim was admitted with.
// usher writes it, over whatever a user brings, and it never changes.
const ReservationLabel = "usher.dev/reservation"

// QuotaLedger is who holds how much of one tenant's GPUs. It is named after its
// Tenant. Admission writes reservations into the status, usher-controller settles
// them, each by compare-and-swap on the version that it decided by; nobody else
// writes it.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Cluster,categories=usher,shortName=ql
// +kubebuilder:printcolumn:name="Limit",type=integer,format=int64,JSONPath=`.spec.hard.microUnits`
// +kubebuilder:printcolumn:name="Used",type=integer,format=int64,JSONPath=`.status.used`
// +kubebuilder:printcolumn:name="Reserved",type=integer,format=int64,JSONPath=`.status.reserved`
// +kubebuilder:printcolumn:name="Counted",type=date,JSONPath=`.status.counted`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type QuotaLedger struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec is what the tenant may hold, copied from its Tenant by usher-controller.
	// +optional
	Spec QuotaLedgerSpec `json:"spec,omitempty"`

	// Status is what it holds.
	// +optional
	Status QuotaLedgerStatus `json:"status,omitempty"`
}

// QuotaLedgerList is a list of ledgers.
//
// +kubebuilder:object:root=true
type QuotaLedgerList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []QuotaLedger `json:"items"`
}

// QuotaLedgerSpec is what a tenant may hold.
type QuotaLedgerSpec struct {
	// +optional
	Hard QuotaHard `json:"hard,omitempty"`
}

// QuotaHard are the limits of a tenant; what is absent is not limited.
type QuotaHard struct {
	// MicroUnits is the limit of the tenant, in millionths of a GPU.
	// +optional
	// +kubebuilder:validation:Minimum=0
	MicroUnits *int64 `json:"microUnits,omitempty"`

	// NamespaceMicroUnits is the limit of each namespace, in millionths of a GPU.
	// +optional
	// +kubebuilder:validation:Minimum=0
	NamespaceMicroUnits *int64 `json:"namespaceMicroUnits,omitempty"`

	// Resources are limits of single GPU resources, in devices.
	// +optional
	// +kubebuilder:validation:MaxProperties=64
	Resources map[string]int64 `json:"resources,omitempty"`
}

// QuotaLedgerStatus is who holds what. Used is the sum over holders, reserved the
// sum over reservations.
//
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.version) || self.version == oldSelf.version || self.over == oldSelf.version",message="the ledger has changed since it was read: read it again"
type QuotaLedgerStatus struct {
	// Version is a name that each write gives to its result, and Over that of
	// the version that it was written over. The resource version alone would
	// not do: a restored etcd counts the same ones again, with other content.
	// +optional
	// +kubebuilder:validation:MaxLength=32
	Version string `json:"version,omitempty"`
	// +optional
	// +kubebuilder:validation:MaxLength=32
	Over string `json:"over,omitempty"`

	// Counted is when usher-controller last counted all that lives. Until it
	// has, nothing is reserved.
	// +optional
	Counted *metav1.Time `json:"counted,omitempty"`

	// Used is what live pods and claims hold, in millionths of a GPU.
	// +optional
	// +kubebuilder:validation:Minimum=0
	Used int64 `json:"used,omitempty"`

	// Reserved is what was admitted and not seen yet, in millionths of a GPU.
	// +optional
	// +kubebuilder:validation:Minimum=0
	Reserved int64 `json:"reserved,omitempty"`

	// Holders are the live pods and claims with GPUs, sorted by kind, namespace,
	// name and UID.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=6000
	Holders []LedgerEntry `json:"holders,omitempty"`

	// Reservations are what was admitted and not seen yet, in order of admission.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=2000
	Reservations []LedgerEntry `json:"reservations,omitempty"`
}

// LedgerEntry is a pod or claim that holds GPUs, or is about to. In a ledger it is
// one line: kind, namespace/name, millionths of a GPU, devices by GPU resource
// (deviceclass.resource.kubernetes.io/CLASS for those of a class), then the
// reservation, the UID of a holder, and times:
// Pod team-a/train-0 1000000 nvidia.com/gpu=1 reservation=x7k uid=0b5c.
//
// +kubebuilder:validation:Type=string
type LedgerEntry struct {
	// Reservation is the value of the label usher.dev/reservation; empty for
	// what came to be without one.
	Reservation string

	// Kind is Pod or ResourceClaim.
	Kind string

	Namespace string

	// Name, or the generateName of a reservation that has no name yet.
	Name string

	// UID of a holder; unknown of a reservation.
	UID types.UID

	// MicroUnits is what it holds, in millionths of a GPU.
	MicroUnits int64

	// Resources are the devices that it holds by GPU resource;
	// deviceclass.resource.kubernetes.io/CLASS for those of a class. A pod may
	// name any number of them, so nothing bounds them but the object's size: an
	// entry that is refused would keep out all that are written with it.
	Resources map[string]int64

	// Expires is about when a reservation lapses unless its pod is seen.
	Expires *metav1.Time

	// FreeBy is when a holder that is being deleted should be gone.
	FreeBy *metav1.Time

	// Further is what a newer version of usher has noted and this one does not
	// know, each as KEY=VALUE, in its order. It counts for nothing, and stays.
	Further []string
}

// Kinds of ledger entries.
const (
	KindPod   = "Pod"
	KindClaim = "ResourceClaim"
)
