package e2e

import (
	"context"
	"slices"
	"sync"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
)

// user is someone's connection to a cluster, which remembers the warnings that
// the API server sent along.
type user struct {
	dynamic.Interface
	warnings *warnings
}

// admin may do everything, and belongs to the group that usher lets change
// what makes a namespace a tenant's.
func (c *cluster) admin(t *testing.T) *user {
	t.Helper()
	return newUser(t, c.Config())
}

// as connects as somebody else, whom only RBAC and usher bind.
func (c *cluster) as(t *testing.T, name string) *user {
	t.Helper()
	config := c.Config()
	config.Impersonate = rest.ImpersonationConfig{UserName: name}
	return newUser(t, config)
}

func newUser(t *testing.T, config *rest.Config) *user {
	t.Helper()
	u := &user{warnings: &warnings{}}
	config.WarningHandlerWithContext = u.warnings
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	u.Interface = client
	return u
}

// create creates an object as its own metadata says.
func (u *user) create(ctx context.Context, resource schema.GroupVersionResource, object *unstructured.Unstructured, subresources ...string) (*unstructured.Unstructured, error) {
	return u.Resource(resource).Namespace(object.GetNamespace()).
		Create(ctx, object, metav1.CreateOptions{FieldValidation: metav1.FieldValidationStrict}, subresources...)
}

// update updates an object as its own metadata says.
func (u *user) update(ctx context.Context, resource schema.GroupVersionResource, object *unstructured.Unstructured, subresources ...string) (*unstructured.Unstructured, error) {
	return u.Resource(resource).Namespace(object.GetNamespace()).
		Update(ctx, object, metav1.UpdateOptions{FieldValidation: metav1.FieldValidationStrict}, subresources...)
}

// warnings collects what the API server warns of.
type warnings struct {
	mutex sync.Mutex
	texts []string
}

// HandleWarningHeaderWithContext implements rest.WarningHandlerWithContext.
func (w *warnings) HandleWarningHeaderWithContext(_ context.Context, _ int, _, text string) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.texts = append(w.texts, text)
}

// take returns the warnings since the last time.
func (w *warnings) take() []string {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	taken := slices.Clone(w.texts)
	w.texts = nil
	return taken
}
