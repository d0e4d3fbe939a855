package certs

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"usher.dev/usher/internal/certs"
	"usher.dev/usher/test/e2e/await"
	"usher.dev/usher/test/e2e/controller"
	"usher.dev/usher/test/e2e/repository"
	"usher.dev/usher/test/e2e/webhook"
)

// patience is how long anything here may take on a busy machine.
const patience = time.Minute

// namespace is that of the manifests, and in judgedNamespace usher refuses what the
// Pod Security Standards' level baseline does.
const (
	namespace       = webhook.Namespace
	judgedNamespace = "judged"
)

// usher is what the manifests install, with programs outside the cluster.
type usher struct {
	client.Client
	manifests      []*unstructured.Unstructured
	configurations []*unstructured.Unstructured
}

// install applies the base without the webhook configurations, and takes away in
// the end what the test has left.
func install(t *testing.T) *usher {
	t.Helper()
	c, err := client.New(plane.Config(), client.Options{})
	must(t, err)
	manifests, err := repository.Manifests(t.Context(), "base")
	must(t, err)
	u := &usher{Client: c}
	u.configurations, u.manifests = webhook.SplitRegistration(manifests)
	for _, object := range u.manifests {
		if object.GetKind() == "Service" {
			// A Service that leads to this machine: the name that the API server
			// comes for stays that of the Service.
			object.Object["spec"] = map[string]any{"type": "ExternalName", "externalName": "localhost"}
		}
	}
	must(t, plane.Apply(t.Context(), u.manifests...))
	must(t, plane.WaitForKinds(t.Context()))
	// Before the webhooks are registered: from then on namespaces are judged too.
	must(t, plane.ApplyYAML(t.Context(), "{apiVersion: v1, kind: Namespace, metadata: {name: "+judgedNamespace+", labels: {pod-security.kubernetes.io/enforce: baseline}}}"))
	t.Cleanup(func() {
		for _, object := range u.configurations {
			_ = u.Delete(context.Background(), object.DeepCopy())
		}
		for _, name := range secrets() {
			_ = u.Delete(context.Background(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}})
		}
	})
	return u
}

// secrets are the names of all that the controller makes.
func secrets() []string {
	names := []string{certs.AuthoritySecret}
	for _, leaf := range certs.OwnLeaves(namespace) {
		names = append(names, leaf.Name)
	}
	return names
}

// controller runs usher-controller as its service account.
func (u *usher) controller(t *testing.T, flags ...string) *controller.Replica {
	t.Helper()
	folder := t.TempDir()
	r, err := controller.New(t.Context(), plane, folder, binary(t, controller.Name), u.manifests, append([]string{"--cert-mode=self"}, flags...)...)
	must(t, err)
	t.Cleanup(func() {
		// In order, so that the next one need not wait for the lease.
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_ = r.Stop(ctx)
		r.Release()
	})
	must(t, r.StartAlone(t.Context()))
	return r
}

var (
	building sync.Mutex
	built    = map[string]string{}
)

// binary builds a program once.
func binary(t *testing.T, name string) string {
	t.Helper()
	building.Lock()
	defer building.Unlock()
	if built[name] == "" {
		path, err := repository.Build(t.Context(), folder, name)
		must(t, err)
		built[name] = path
	}
	return built[name]
}

// secret reads a Secret; nil: there is none.
func (u *usher) secret(t *testing.T, name string) *corev1.Secret {
	t.Helper()
	found := &corev1.Secret{}
	if err := u.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: name}, found); err != nil {
		must(t, client.IgnoreNotFound(err))
		return nil
	}
	return found
}

// register applies the webhook configurations as --cert-mode=self wants them: with
// the annotation, and without a bundle. The Service leads to the webhook's port.
func (u *usher) register(t *testing.T, p *program) {
	t.Helper()
	for _, shipped := range u.configurations {
		object := shipped.DeepCopy()
		object.SetAnnotations(map[string]string{certs.InjectAnnotation: certs.InjectSelf})
		for _, hook := range object.Object["webhooks"].([]any) {
			service := hook.(map[string]any)["clientConfig"].(map[string]any)["service"].(map[string]any)
			service["port"] = int64(p.port.Number)
		}
		must(t, plane.Apply(t.Context(), object))
	}
}

// bundles are those of the registered webhooks.
func (u *usher) bundles(t *testing.T) (found []string) {
	t.Helper()
	var validating admissionregistrationv1.ValidatingWebhookConfiguration
	must(t, u.Get(t.Context(), client.ObjectKey{Name: webhook.Name}, &validating))
	for _, hook := range validating.Webhooks {
		found = append(found, string(hook.ClientConfig.CABundle))
	}
	var mutating admissionregistrationv1.MutatingWebhookConfiguration
	must(t, u.Get(t.Context(), client.ObjectKey{Name: webhook.Name}, &mutating))
	for _, hook := range mutating.Webhooks {
		found = append(found, string(hook.ClientConfig.CABundle))
	}
	return found
}

// refused creates a pod that usher refuses. The error is the API server's answer.
func (u *usher) refused(t *testing.T) error {
	t.Helper()
	return u.Create(t.Context(), &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: judgedNamespace, GenerateName: "refused-"},
		Spec:       corev1.PodSpec{HostNetwork: true, Containers: []corev1.Container{{Name: "c", Image: "registry.example/c"}}},
	})
}

// judged waits until a pod is refused by usher's own judgement, and by nothing else.
func (u *usher) judged(t *testing.T) {
	t.Helper()
	await.Success(t, patience, "a pod is judged", func() (struct{}, error) {
		err := u.refused(t)
		if err == nil {
			return struct{}{}, errors.New("it was admitted")
		}
		if !strings.Contains(err.Error(), `"validate.usher.dev" denied the request`) {
			return struct{}{}, err
		}
		return struct{}{}, nil
	})
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
