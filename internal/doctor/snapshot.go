package doctor

import (
	"cmp"
	"slices"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	flowcontrolv1 "k8s.io/api/flowcontrol/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"usher.dev/usher/api/v1alpha1"
)

// Snapshot is what checks compute on: the objects of a cluster or of files as they
// were at one time, each kind sorted by namespace and name.
type Snapshot struct {
	// Now is when it was taken.
	Now time.Time
	// Live says that it is of a cluster; of files otherwise.
	Live bool
	// Namespace is where usher is installed.
	Namespace string

	Mutating     []*admissionregistrationv1.MutatingWebhookConfiguration
	Validating   []*admissionregistrationv1.ValidatingWebhookConfiguration
	Policies     []*admissionregistrationv1.ValidatingAdmissionPolicy
	Bindings     []*admissionregistrationv1.ValidatingAdmissionPolicyBinding
	CRDs         []*apiextensionsv1.CustomResourceDefinition
	Namespaces   []*corev1.Namespace
	Nodes        []*corev1.Node
	Pods         []*corev1.Pod // usher's own, and those with extended resources
	Services     []*corev1.Service
	Slices       []*discoveryv1.EndpointSlice // of usher's namespace and of those with webhooks
	ConfigMaps   []*corev1.ConfigMap          // of usher's namespace
	Secrets      []*corev1.Secret             // those that usher serves with, without keys
	Deployments  []*appsv1.Deployment
	DaemonSets   []*appsv1.DaemonSet
	StatefulSets []*appsv1.StatefulSet
	Leases       []*coordinationv1.Lease         // of usher's namespace
	Budgets      []*policyv1.PodDisruptionBudget // of usher's namespace
	ClusterRoles []*rbacv1.ClusterRole
	RoleBindings []*rbacv1.ClusterRoleBinding // cluster-wide
	FlowSchemas  []*flowcontrolv1.FlowSchema
	Tenants      []*v1alpha1.Tenant
	Ledgers      []*v1alpha1.QuotaLedger
	GPUNodes     []*v1alpha1.GPUNode

	// Answers are those of usher's pods to their probes.
	Answers []Answer
	// Rights are what owners of tenants may do that they should not.
	Rights []Right

	// unread says of each kind that could not be read why.
	unread map[Kind]string
	// want is what usher's manifests say, once it has been read.
	want *Snapshot
}

// Kind names a kind of objects as RBAC does.
type Kind string

// Kinds of a snapshot, and what a cluster is asked beside them.
const (
	kindMutating     Kind = "mutatingwebhookconfigurations"
	kindValidating   Kind = "validatingwebhookconfigurations"
	kindPolicies     Kind = "validatingadmissionpolicies"
	kindBindings     Kind = "validatingadmissionpolicybindings"
	kindCRDs         Kind = "customresourcedefinitions"
	kindNamespaces   Kind = "namespaces"
	kindNodes        Kind = "nodes"
	kindPods         Kind = "pods"
	kindServices     Kind = "services"
	kindSlices       Kind = "endpointslices"
	kindConfigMaps   Kind = "configmaps"
	kindSecrets      Kind = "secrets"
	kindDeployments  Kind = "deployments"
	kindDaemonSets   Kind = "daemonsets"
	kindStatefulSets Kind = "statefulsets"
	kindLeases       Kind = "leases"
	kindBudgets      Kind = "poddisruptionbudgets"
	kindClusterRoles Kind = "clusterroles"
	kindRoleBindings Kind = "clusterrolebindings"
	kindFlowSchemas  Kind = "flowschemas"
	kindTenants      Kind = "tenants"
	kindLedgers      Kind = "quotaledgers"
	kindGPUNodes     Kind = "gpunodes"
	kindAnswers      Kind = "pods/proxy"
	kindRights       Kind = "subjectaccessreviews"
)

// add takes an object in, and reports its kind; "" for one that no check reads.
func (s *Snapshot) add(object any) Kind {
	switch o := object.(type) {
	case *admissionregistrationv1.MutatingWebhookConfiguration:
		return put(&s.Mutating, o, kindMutating)
	case *admissionregistrationv1.ValidatingWebhookConfiguration:
		return put(&s.Validating, o, kindValidating)
	case *admissionregistrationv1.ValidatingAdmissionPolicy:
		return put(&s.Policies, o, kindPolicies)
	case *admissionregistrationv1.ValidatingAdmissionPolicyBinding:
		return put(&s.Bindings, o, kindBindings)
	case *apiextensionsv1.CustomResourceDefinition:
		return put(&s.CRDs, o, kindCRDs)
	case *corev1.Namespace:
		return put(&s.Namespaces, o, kindNamespaces)
	case *corev1.Node:
		return put(&s.Nodes, o, kindNodes)
	case *corev1.Pod:
		return put(&s.Pods, o, kindPods)
	case *corev1.Service:
		return put(&s.Services, o, kindServices)
	case *discoveryv1.EndpointSlice:
		return put(&s.Slices, o, kindSlices)
	case *corev1.ConfigMap:
		return put(&s.ConfigMaps, o, kindConfigMaps)
	case *corev1.Secret:
		return put(&s.Secrets, public(o), kindSecrets)
	case *appsv1.Deployment:
		return put(&s.Deployments, o, kindDeployments)
	case *appsv1.DaemonSet:
		return put(&s.DaemonSets, o, kindDaemonSets)
	case *appsv1.StatefulSet:
		return put(&s.StatefulSets, o, kindStatefulSets)
	case *coordinationv1.Lease:
		return put(&s.Leases, o, kindLeases)
	case *policyv1.PodDisruptionBudget:
		return put(&s.Budgets, o, kindBudgets)
	case *rbacv1.ClusterRole:
		return put(&s.ClusterRoles, o, kindClusterRoles)
	case *rbacv1.ClusterRoleBinding:
		return put(&s.RoleBindings, o, kindRoleBindings)
	case *flowcontrolv1.FlowSchema:
		return put(&s.FlowSchemas, o, kindFlowSchemas)
	case *v1alpha1.Tenant:
		return put(&s.Tenants, o, kindTenants)
	case *v1alpha1.QuotaLedger:
		return put(&s.Ledgers, o, kindLedgers)
	case *v1alpha1.GPUNode:
		return put(&s.GPUNodes, o, kindGPUNodes)
	}
	return ""
}

func put[T any](list *[]T, object T, kind Kind) Kind {
	*list = append(*list, object)
	return kind
}

// public is the Secret without what is secret.
func public(secret *corev1.Secret) *corev1.Secret {
	secret = secret.DeepCopy()
	for key := range secret.Data {
		if key != corev1.TLSCertKey && key != caKey {
			secret.Data[key] = nil
		}
	}
	secret.StringData = nil
	return secret
}

// caKey is where a Secret holds the authorities beside a certificate, as
// cert-manager and usher write it.
const caKey = "ca.crt"

// sort brings every kind into the order of namespaces and names.
func (s *Snapshot) sort() {
	byName(s.Mutating)
	byName(s.Validating)
	byName(s.Policies)
	byName(s.Bindings)
	byName(s.CRDs)
	byName(s.Namespaces)
	byName(s.Nodes)
	byName(s.Pods)
	byName(s.Services)
	byName(s.Slices)
	byName(s.ConfigMaps)
	byName(s.Secrets)
	byName(s.Deployments)
	byName(s.DaemonSets)
	byName(s.StatefulSets)
	byName(s.Leases)
	byName(s.Budgets)
	byName(s.ClusterRoles)
	byName(s.RoleBindings)
	byName(s.FlowSchemas)
	byName(s.Tenants)
	byName(s.Ledgers)
	byName(s.GPUNodes)
	slices.SortFunc(s.Answers, func(a, b Answer) int { return cmp.Compare(a.Pod, b.Pod) })
}

func byName[T client.Object](objects []T) {
	slices.SortStableFunc(objects, func(a, b T) int {
		return cmp.Or(cmp.Compare(a.GetNamespace(), b.GetNamespace()), cmp.Compare(a.GetName(), b.GetName()))
	})
}

// find returns the object of that namespace and name, nil if there is none.
func find[T client.Object](objects []T, namespace, name string) (found T) {
	for _, o := range objects {
		if o.GetName() == name && o.GetNamespace() == namespace {
			return o
		}
	}
	return found
}
