package webhooks

import (
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/authentication/user"
)

// Request is a request that changes something, as admission sees it.
type Request struct {
	User      string
	Groups    []string
	Operation admission.Operation
	// Resource is the resource with its subresource, such as pods/binding.
	Resource string
	// Version of the resource.
	Version schema.GroupVersion
	// Kind is that of the object that is sent: of pods/binding, a Binding.
	Kind schema.GroupVersionKind
	// Namespace is empty for what is in none.
	Namespace, Name string
	// Object is what is sent, Old what is there.
	Object, Old map[string]any
}

func (r *Request) attributes() admission.Attributes {
	resource, sub, _ := strings.Cut(r.Resource, "/")
	ns := r.Namespace
	if resource == "namespaces" && r.Version.Group == "" {
		// Requests for a Namespace itself are said to be in it.
		ns = r.Name
	}
	return admission.NewAttributesRecord(asObject(r.Object), asObject(r.Old), r.Kind, ns, r.Name,
		r.Version.WithResource(resource), sub, r.Operation, nil, false,
		&user.DefaultInfo{Name: r.User, Groups: r.Groups})
}

// asObject is nil for no object, not an interface that holds nil.
func asObject(content map[string]any) runtime.Object {
	if content == nil {
		return nil
	}
	return &unstructured.Unstructured{Object: content}
}
