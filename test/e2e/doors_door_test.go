package e2e

import (
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// door is a way into the cluster for a pod or pod template.
type door struct {
	verb        string
	kind        podKind
	subresource string
}

func (d door) name() string {
	name := d.verb + " " + d.kind.resource.Resource
	if d.subresource != "" {
		name += "/" + d.subresource
	}
	return name
}

// harmless is a change that the door is for.
func (d door) harmless() change {
	if d.subresource == "resize" {
		return resized
	}
	return harmless
}

// doors returns every door: each kind created and updated, and the two
// subresources by which a pod's containers change.
func doors() []door {
	var all []door
	for _, kind := range podKinds {
		all = append(all, door{verb: "create", kind: kind}, door{verb: "update", kind: kind})
		if kind.isPod() {
			all = append(all,
				door{verb: "update", kind: kind, subresource: "ephemeralcontainers"},
				door{verb: "update", kind: kind, subresource: "resize"},
			)
		}
	}
	return all
}

// visitor is a developer who tries doors in one namespace.
type visitor struct {
	*user
	admin     *user
	namespace string
	created   int
}

// attempt is one change carried through one door.
type attempt struct {
	// sent holds the change; got is what the API server made of it.
	sent, got *unstructured.Unstructured
	// index is the place of the container that changed in its list.
	index int
	err   error
}

// try carries a change through a door, to the container of one list.
func (v *visitor) try(t *testing.T, d door, list string, c change) attempt {
	t.Helper()
	var a attempt
	if d.verb == "create" {
		v.created++
		a.sent = newObject(t, d.kind, v.namespace, fmt.Sprintf("created-%d", v.created))
		a.index = apply(t, d.kind, a.sent, list, c)
		a.got, a.err = v.create(t.Context(), d.kind.resource, a.sent)
		return a
	}
	a.sent = v.existing(t, d, list)
	a.index = apply(t, d.kind, a.sent, list, c)
	var subresources []string
	if d.subresource != "" {
		subresources = []string{d.subresource}
	}
	a.got, a.err = v.update(t.Context(), d.kind.resource, a.sent, subresources...)
	return a
}

// existing returns the clean object that updates through a door are tried on, for
// one list. It has the container that changes already, where Kubernetes lets a
// new object have it.
func (v *visitor) existing(t *testing.T, d door, list string) *unstructured.Unstructured {
	t.Helper()
	name := strings.ToLower("existing-" + d.subresource + list)
	client := v.admin.Resource(d.kind.resource).Namespace(v.namespace)
	if object, err := client.Get(t.Context(), name, metav1.GetOptions{}); err == nil {
		return object
	}
	object := newObject(t, d.kind, v.namespace, name)
	if list != "ephemeralContainers" {
		subjectOf(t, podOf(t, d.kind, object), list)
	}
	created, err := v.create(t.Context(), d.kind.resource, object)
	if err != nil {
		t.Fatalf("create a clean %s: %v", object.GetKind(), err)
	}
	return created
}

// apply makes a change to an object and returns the place of the container that
// it concerns.
func apply(t *testing.T, kind podKind, object *unstructured.Unstructured, list string, c change) int {
	t.Helper()
	pod := podOf(t, kind, object)
	container, index := subjectOf(t, pod, list)
	c.apply(t, pod, container)
	return index
}
