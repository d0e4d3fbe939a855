package doctor

import (
	"context"
	"errors"
	"fmt"
	"maps"
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
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"usher.dev/usher/api/v1alpha1"
)

const (
	// pageSize is how many objects one list brings.
	pageSize = 500
	// maxPages bounds how many pages of one kind are read: a quarter of a million
	// objects.
	maxPages = 500
)

// Cluster is a cluster that is looked at, with the rights of a connection.
type Cluster struct {
	config *rest.Config
	reader client.Reader
	kube   kubernetes.Interface
}

// NewCluster prepares a look; nothing is asked yet.
func NewCluster(cfg *rest.Config) (*Cluster, error) {
	cfg = rest.CopyConfig(cfg)
	// What the API server can bear, its own fairness says.
	cfg.QPS = -1
	// Deprecated versions are no business of whoever looks.
	cfg.WarningHandler = rest.NoWarnings{}
	reader, err := client.New(cfg, client.Options{Scheme: Scheme()})
	if err != nil {
		return nil, err
	}
	kube, err := kubernetes.NewForConfig(cfg)
	return &Cluster{cfg, reader, kube}, err
}

// Gather takes a snapshot. What may not be read is left out, and said. It fails
// where nothing can be read. namespace is where usher is, "" for where its webhook
// configurations lead.
func (c *Cluster) Gather(ctx context.Context, namespace string, now time.Time) (*Snapshot, error) {
	s := &Snapshot{Now: now, Live: true, unread: map[Kind]string{}}
	everything := func(client.Object) bool { return true }
	for _, l := range []listing{
		{kindMutating, &admissionregistrationv1.MutatingWebhookConfigurationList{}, "", everything},
		{kindValidating, &admissionregistrationv1.ValidatingWebhookConfigurationList{}, "", everything},
		{kindDeployments, &appsv1.DeploymentList{}, "", everything},
	} {
		c.read(ctx, s, l)
	}
	// The namespace must be known for the rest.
	s.Namespace = s.namespaceOr(namespace)
	listings := []listing{
		{kindPolicies, &admissionregistrationv1.ValidatingAdmissionPolicyList{}, "", everything},
		{kindBindings, &admissionregistrationv1.ValidatingAdmissionPolicyBindingList{}, "", everything},
		{kindCRDs, &apiextensionsv1.CustomResourceDefinitionList{}, "", isUshersCRD},
		{kindNamespaces, &corev1.NamespaceList{}, "", everything},
		{kindNodes, &corev1.NodeList{}, "", everything},
		{kindPods, &corev1.PodList{}, "", s.keepsPod},
		{kindServices, &corev1.ServiceList{}, "", everything},
		{kindDaemonSets, &appsv1.DaemonSetList{}, "", everything},
		{kindStatefulSets, &appsv1.StatefulSetList{}, "", everything},
		{kindConfigMaps, &corev1.ConfigMapList{}, s.Namespace, everything},
		{kindLeases, &coordinationv1.LeaseList{}, s.Namespace, everything},
		{kindBudgets, &policyv1.PodDisruptionBudgetList{}, s.Namespace, everything},
		{kindClusterRoles, &rbacv1.ClusterRoleList{}, "", isUshersRole},
		{kindRoleBindings, &rbacv1.ClusterRoleBindingList{}, "", everything},
		{kindFlowSchemas, &flowcontrolv1.FlowSchemaList{}, "", everything},
		{kindTenants, &v1alpha1.TenantList{}, "", everything},
		{kindLedgers, &v1alpha1.QuotaLedgerList{}, "", everything},
		{kindGPUNodes, &v1alpha1.GPUNodeList{}, "", everything},
	}
	for _, ns := range s.webhookNamespaces() {
		listings = append(listings, listing{kindSlices, &discoveryv1.EndpointSliceList{}, ns, everything})
	}
	for _, l := range listings {
		c.read(ctx, s, l)
	}
	if len(s.unread) == len(listings)+3 || ctx.Err() != nil {
		return nil, fmt.Errorf("read the cluster: %s", s.unread[kindNamespaces])
	}
	c.readSecrets(ctx, s)
	c.ask(ctx, s)
	c.review(ctx, s)
	s.sort()
	return s, nil
}

// listing is the list of one kind.
type listing struct {
	kind      Kind
	list      client.ObjectList
	namespace string
	keeps     func(client.Object) bool
}

// read takes a kind in, page by page, or notes why it cannot.
func (c *Cluster) read(ctx context.Context, s *Snapshot, l listing) {
	next := ""
	for range maxPages {
		err := c.reader.List(ctx, l.list, client.InNamespace(l.namespace), client.Limit(pageSize), client.Continue(next))
		if err == nil {
			err = meta.EachListItem(l.list, func(item runtime.Object) error {
				if o, ok := item.DeepCopyObject().(client.Object); ok && l.keeps(o) {
					o.SetManagedFields(nil)
					s.add(o)
				}
				return nil
			})
		}
		if err != nil {
			s.unread[l.kind] = whyUnread("list", l.kind, l.namespace, err)
			return
		}
		if next = l.list.GetContinue(); next == "" {
			return
		}
	}
	s.unread[l.kind] = fmt.Sprintf("there are more than %d %s", maxPages*pageSize, l.kind)
}

// whyUnread names the right that is missing.
func whyUnread(verb string, kind Kind, namespace string, err error) string {
	where := ""
	if namespace != "" {
		where = " in namespace " + namespace
	}
	switch {
	case apierrors.IsForbidden(err):
		return fmt.Sprintf("no right to %s %s%s", verb, kind, where)
	case meta.IsNoMatchError(err), apierrors.IsNotFound(err):
		return fmt.Sprintf("the cluster does not know %s", kind)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Sprintf("%s %s%s: not answered in time", verb, kind, where)
	}
	return fmt.Sprintf("%s %s%s: %v", verb, kind, where, err)
}

func isUshersCRD(o client.Object) bool {
	crd, ok := o.(*apiextensionsv1.CustomResourceDefinition)
	return ok && crd.Spec.Group == v1alpha1.GroupVersion.Group
}

func isUshersRole(o client.Object) bool {
	return slices.ContainsFunc(ushersRoles(), func(r wantedRole) bool { return r.name == o.GetName() })
}

// keepsPod reports whether a check looks at a pod: usher's own, and those that ask
// for extended resources.
func (s *Snapshot) keepsPod(o client.Object) bool {
	pod, ok := o.(*corev1.Pod)
	return ok && (pod.Namespace == s.Namespace || len(extendedResources(&pod.Spec)) > 0)
}

// webhookNamespaces are those with Services of webhooks, and usher's.
func (s *Snapshot) webhookNamespaces() []string {
	names := map[string]bool{s.Namespace: true}
	for _, h := range s.hooks() {
		if h.Client.Service != nil {
			names[h.Client.Service.Namespace] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// readSecrets reads the Secrets that usher serves with, one by one, so that the
// right to get these is enough.
func (c *Cluster) readSecrets(ctx context.Context, s *Snapshot) {
	secret := &corev1.Secret{}
	err := c.reader.Get(ctx, client.ObjectKey{Namespace: s.Namespace, Name: s.servingSecret()}, secret)
	switch {
	case apierrors.IsNotFound(err):
	case err != nil:
		s.unread[kindSecrets] = whyUnread("get", kindSecrets, s.Namespace, err)
	default:
		s.add(secret)
	}
}
