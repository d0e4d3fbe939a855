package v1alpha1

import (
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// AdmissionConfiguration is usher's configuration file: which policies are in
// force and how strictly, and what is judged. It is read strictly: an unknown
// field is an error.
type AdmissionConfiguration struct {
	metav1.TypeMeta `json:",inline"`

	// TenantLabel is the label of a namespace that names its tenant, and the
	// default key of a tenant's taint and node label. Default: "tenant".
	TenantLabel string `json:"tenantLabel,omitempty"`

	// ExemptNamespaces lists the namespaces that usher never judges. Default:
	// kube-system, kube-node-lease, usher-system. A configured list replaces
	// the default.
	ExemptNamespaces []string `json:"exemptNamespaces,omitempty"`

	// Policies sets the mode and the parameters of policies by name. A policy
	// that is not named is in DefaultMode with its own parameters.
	Policies map[string]PolicyConfiguration `json:"policies,omitempty"`

	// DefaultMode is the mode of policies that Policies does not name.
	// Default: enforce.
	DefaultMode Mode `json:"defaultMode,omitempty"`

	// PodTemplates lists further kinds that hold pod templates, such as Argo
	// Rollouts and Kubeflow jobs. The kinds of Kubernetes itself are known.
	PodTemplates []PodTemplatePaths `json:"podTemplates,omitempty"`
}

// PolicyConfiguration is the mode and the parameters of one policy.
type PolicyConfiguration struct {
	// Mode is enforce, warn, audit or off. Default: DefaultMode.
	Mode Mode `json:"mode,omitempty"`

	// NamespaceOverride says whether the label policy.usher.dev/<policy> of a
	// namespace may set another mode there. Default: true.
	NamespaceOverride *bool `json:"namespaceOverride,omitempty"`

	// Parameters are merged over the policy's own defaults, key by key. A key
	// that the policy does not declare is an error.
	Parameters map[string]apiextensionsv1.JSON `json:"parameters,omitempty"`
}

// Mode says what becomes of a policy's verdict.
type Mode string

// The modes of a policy.
const (
	// ModeEnforce denies the request.
	ModeEnforce Mode = "enforce"
	// ModeWarn allows the request with a warning to its user.
	ModeWarn Mode = "warn"
	// ModeAudit allows the request with a note in the API server's audit log.
	ModeAudit Mode = "audit"
	// ModeOff does not evaluate the policy.
	ModeOff Mode = "off"
)

// Modes lists every mode, the strictest first.
var Modes = []Mode{ModeEnforce, ModeWarn, ModeAudit, ModeOff}

// PodTemplatePaths says where the objects of one kind hold pod templates.
type PodTemplatePaths struct {
	// Group and Kind name the kind in every version.
	Group string `json:"group"`
	Kind  string `json:"kind"`

	// Paths are dotted field paths to a pod template (an object with spec);
	// "*" stands for every key of a map or element of a list, as in
	// spec.pytorchReplicaSpecs.*.template.
	Paths []string `json:"paths"`
}

// GroupKind returns the kind that the paths belong to.
func (p PodTemplatePaths) GroupKind() schema.GroupKind {
	return schema.GroupKind{Group: p.Group, Kind: p.Kind}
}
