package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ExtenderConfiguration is the configuration file of usher-extender. It is read
// strictly: an unknown field is an error.
type ExtenderConfiguration struct {
	metav1.TypeMeta `json:",inline"`

	// TenantLabel is the label of a namespace that names its tenant, and the
	// default key of a tenant's taint and node label. Default: "tenant". As in
	// AdmissionConfiguration.
	TenantLabel string `json:"tenantLabel,omitempty"`

	// TenantlessPodsMayEnterPools says whether pods in namespaces without a
	// tenant may go to tenants' pools. Default: false. As the parameter of the
	// policy tenant_isolation.
	TenantlessPodsMayEnterPools bool `json:"tenantlessPodsMayEnterPools,omitempty"`

	// RequireReservation says whether a pod that asks for GPUs in the namespace of
	// a tenant with spec.gpu is refused everywhere unless it bears the label
	// usher.dev/reservation, by which usher-webhook has counted it. Default: true.
	// False lets pods be scheduled that were admitted before usher-webhook was
	// there, or while it was not asked.
	RequireReservation *bool `json:"requireReservation,omitempty"`

	// RackLabel is the label of a node that names its rack. Default:
	// "topology.kubernetes.io/rack".
	RackLabel string `json:"rackLabel,omitempty"`

	// JobLabels are labels of pods that name their job, the first that a pod has
	// counting; pods without one belong to the job of their controller. A
	// configured list replaces the default, which has those of JobSet,
	// LeaderWorkerSet, Kubeflow, Ray and Kubernetes' own Jobs.
	JobLabels []string `json:"jobLabels,omitempty"`

	// StaleAfter is the age of a report from which on its node's score fades.
	// Default: 2m.
	StaleAfter *metav1.Duration `json:"staleAfter,omitempty"`

	// LostAfter is the age of a report at which its node's score has faded to 0
	// and the node is refused. Default: 10m.
	LostAfter *metav1.Duration `json:"lostAfter,omitempty"`

	// DecisionWait is how long after a decision at most the next pod waits to
	// see where the pod before was bound, where all would be refused otherwise.
	// Default: 200ms.
	DecisionWait *metav1.Duration `json:"decisionWait,omitempty"`

	// DecisionLease is for how long a pod counts as on its way to the nodes that
	// it was let to, if it is not seen bound. Default: 30s.
	DecisionLease *metav1.Duration `json:"decisionLease,omitempty"`

	// Weights of the terms of a score, from 0 to 1000, by name; terms that are
	// not named have the defaults in docs/extender.md. Only their relation
	// counts.
	Weights map[string]int32 `json:"weights,omitempty"`
}
