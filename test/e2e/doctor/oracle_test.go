package doctor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"

	"usher.dev/usher/internal/doctor/webhooks"
	"usher.dev/usher/test/e2e/repository"
)

// attempt is a request that somebody makes while no webhook answers.
type attempt struct {
	user             string
	groups           []string
	version          schema.GroupVersion
	resource, object string
}

var (
	core         = schema.GroupVersion{Version: "v1"}
	apps         = schema.GroupVersion{Group: "apps", Version: "v1"}
	coordination = schema.GroupVersion{Group: "coordination.k8s.io", Version: "v1"}
	rbac         = schema.GroupVersion{Group: "rbac.authorization.k8s.io", Version: "v1"}
)

// attempts are in namespaces that usher judges and in those that it does not, by
// users whom its conditions tell apart.
func attempts() []attempt {
	masters := []string{"system:masters", "system:authenticated"}
	pod := "{apiVersion: v1, kind: Pod, metadata: {name: x, namespace: %s}, spec: {containers: [{name: c, image: i}]}}"
	template := "{selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i}]}}}"
	var all []attempt
	for _, ns := range []string{"lab", "default", "kube-system", "usher-system"} {
		all = append(all,
			attempt{"ada", masters, core, "pods", fmt.Sprintf(pod, ns)},
			attempt{"ada", masters, core, "configmaps", fmt.Sprintf("{apiVersion: v1, kind: ConfigMap, metadata: {name: x, namespace: %s}}", ns)},
			attempt{"ada", masters, core, "services", fmt.Sprintf("{apiVersion: v1, kind: Service, metadata: {name: x, namespace: %s}, spec: {ports: [{port: 1}]}}", ns)},
			attempt{"ada", masters, apps, "deployments", fmt.Sprintf("{apiVersion: apps/v1, kind: Deployment, metadata: {name: x, namespace: %s}, spec: %s}", ns, template)},
			attempt{"ada", masters, apps, "daemonsets", fmt.Sprintf("{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: x, namespace: %s}, spec: %s}", ns, template)},
			attempt{"ada", masters, coordination, "leases", fmt.Sprintf("{apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {name: x, namespace: %s}}", ns)},
			attempt{"ada", masters, rbac, "rolebindings", fmt.Sprintf("{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: x, namespace: %s}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}}", ns)},
		)
	}
	return append(all,
		attempt{"ada", masters, core, "nodes", "{apiVersion: v1, kind: Node, metadata: {name: x}}"},
		attempt{"ada", masters, core, "namespaces", "{apiVersion: v1, kind: Namespace, metadata: {name: x}}"},
		attempt{"ada", masters, schema.GroupVersion{Group: "usher.dev", Version: "v1alpha1"}, "tenants", "{apiVersion: usher.dev/v1alpha1, kind: Tenant, metadata: {name: x}}"},
	)
}

// asOracle holds what doctor thinks of who is asked against the API server: while
// no webhook answers, it refuses what one would be asked about, and nothing else.
func (s *site) asOracle(t *testing.T) {
	t.Helper()
	matcher, hooks := s.registered(t)
	judged := 0
	for _, a := range attempts() {
		objects, err := repository.Decode([]byte(a.object))
		must(t, err)
		o := objects[0]
		asked := false
		for _, h := range hooks {
			one, err := matcher.Asked(t.Context(), h, &webhooks.Request{
				User: a.user, Groups: a.groups, Operation: admission.Create, Resource: a.resource, Version: a.version,
				Kind: o.GroupVersionKind(), Namespace: o.GetNamespace(), Name: o.GetName(), Object: o.Object,
			})
			must(t, err)
			asked = asked || one
		}
		if asked {
			judged++
		}
		err = s.try(t, a, o)
		refused := err != nil && strings.Contains(err.Error(), "failed calling webhook")
		if err != nil && !refused {
			t.Errorf("%s: %v", a.object, err)
		}
		if refused != asked {
			t.Errorf("%s: the API server asks: %v; doctor thinks: %v", a.object, refused, asked)
		}
	}
	if judged == 0 || judged == len(attempts()) {
		t.Errorf("%d of %d attempts are judged: the test shows nothing", judged, len(attempts()))
	}
}

// registered are the webhooks and the namespaces of the cluster.
func (s *site) registered(t *testing.T) (*webhooks.Matcher, []*webhooks.Hook) {
	t.Helper()
	client, err := kubernetes.NewForConfig(s.Config())
	must(t, err)
	mutating, err := client.AdmissionregistrationV1().MutatingWebhookConfigurations().List(t.Context(), metav1.ListOptions{})
	must(t, err)
	validating, err := client.AdmissionregistrationV1().ValidatingWebhookConfigurations().List(t.Context(), metav1.ListOptions{})
	must(t, err)
	namespaces, err := client.CoreV1().Namespaces().List(t.Context(), metav1.ListOptions{})
	must(t, err)
	var known []*corev1.Namespace
	for i := range namespaces.Items {
		known = append(known, &namespaces.Items[i])
	}
	var mutators []*admissionregistrationv1.MutatingWebhookConfiguration
	for i := range mutating.Items {
		mutators = append(mutators, &mutating.Items[i])
	}
	var validators []*admissionregistrationv1.ValidatingWebhookConfiguration
	for i := range validating.Items {
		validators = append(validators, &validating.Items[i])
	}
	return webhooks.NewMatcher(known), webhooks.Of(mutators, validators)
}

// try makes the attempt without consequences.
func (s *site) try(t *testing.T, a attempt, o *unstructured.Unstructured) error {
	t.Helper()
	config, err := s.As(a.user, a.groups...)
	must(t, err)
	client, err := dynamic.NewForConfig(config)
	must(t, err)
	resource := client.Resource(a.version.WithResource(a.resource))
	create := resource.Create
	if ns := o.GetNamespace(); ns != "" {
		create = resource.Namespace(ns).Create
	}
	_, err = create(t.Context(), o, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	if errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	return err
}
