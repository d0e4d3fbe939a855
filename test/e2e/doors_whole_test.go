package e2e

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// wholeDoor is a door for an object that holds no pod but decides about pods.
type wholeDoor struct {
	name string
	// words say what the violation is.
	words string
	// policy and field are what the denial has to name.
	policy, field string
	// try sends the violation, or the same without it.
	try func(t *testing.T, violate bool) error
}

type wholeAnswer struct {
	wholeDoor
	violating, clean answer
}

var (
	namespaces     = schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}
	claims         = schema.GroupVersionResource{Group: "resource.k8s.io", Version: "v1", Resource: "resourceclaims"}
	claimTemplates = schema.GroupVersionResource{Group: "resource.k8s.io", Version: "v1", Resource: "resourceclaimtemplates"}
)

// tryWholeObjects tries the doors of objects without pods.
func tryWholeObjects(t *testing.T) []wholeAnswer {
	t.Helper()
	var answers []wholeAnswer
	for _, d := range wholeDoors(t) {
		t.Run(d.name+", "+d.words, func(t *testing.T) {
			a := wholeAnswer{wholeDoor: d, violating: judgeWhole(t, d, true), clean: judgeWhole(t, d, false)}
			answers = append(answers, a)
		})
	}
	return answers
}

func judgeWhole(t *testing.T, d wholeDoor, violate bool) answer {
	t.Helper()
	err := d.try(t, violate)
	if violations, denied := denial(err); denied && violate {
		return answer{denied: describe(t, violations, change{policy: d.policy}, d.field, err)}
	}
	if reason, refused := refusal(err); refused {
		return answer{impossible: reason}
	}
	if err != nil || violate {
		t.Errorf("%s (violating: %v): the answer was %v", d.words, violate, err)
	}
	return answer{admitted: true}
}

func wholeDoors(t *testing.T) []wholeDoor {
	t.Helper()
	namespace := shared.namespace(t, "doors-whole", "tenant-a")
	return slices.Concat(bindingDoors(t, namespace), namespaceDoors(t), claimDoors(t, namespace), gpuNodeDoors(t), managedDoors(t))
}

// bindingDoors bind a pod to a node: developers may not, the scheduler may.
func bindingDoors(t *testing.T, namespace string) []wholeDoor {
	t.Helper()
	bind := func(door string, send func(u *user, binding *unstructured.Unstructured) error) wholeDoor {
		return wholeDoor{
			name: door, policy: "tenant_isolation", field: "target",
			words: "a developer binds a pod (clean: the scheduler does)",
			try: func(t *testing.T, violate bool) error {
				u := shared.as(t, "system:kube-scheduler")
				if violate {
					u = shared.as(t, developer)
				}
				pod, err := shared.admin(t).create(t.Context(), pods, generated(t, newObject(t, podKinds[0], namespace, "")))
				if err != nil {
					t.Fatal(err)
				}
				binding := decode(t, `{apiVersion: v1, kind: Binding, target: {kind: Node, name: node-1}}`)
				binding.SetNamespace(namespace)
				binding.SetName(pod.GetName())
				return send(u, binding)
			},
		}
	}
	return []wholeDoor{
		bind("create pods/binding", func(u *user, binding *unstructured.Unstructured) error {
			// The client sends a subresource's object to the name in it.
			_, err := u.create(t.Context(), pods, binding, "binding")
			return err
		}),
		bind("create bindings", func(u *user, binding *unstructured.Unstructured) error {
			_, err := u.create(t.Context(), schema.GroupVersionResource{Version: "v1", Resource: "bindings"}, binding)
			return err
		}),
	}
}

// namespaceDoors change which tenant a namespace belongs to.
func namespaceDoors(t *testing.T) []wholeDoor {
	t.Helper()
	const field = "metadata.labels.tenant"
	developerOf := func(t *testing.T, violate bool, subresources ...string) error {
		name := shared.namespace(t, "doors-label", "tenant-a")
		object, err := shared.admin(t).Resource(namespaces).Get(t.Context(), name, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		key, value := "team", fmt.Sprint("vision-", len(subresources))
		if violate {
			key, value = "tenant", "tenant-b"
		}
		set(t, object.Object, value, "metadata", "labels", key)
		_, err = shared.as(t, developer).update(t.Context(), namespaces, object, subresources...)
		return err
	}
	doors := []wholeDoor{{
		name: "create namespaces", policy: "tenant_isolation", field: field,
		words: "a user makes a namespace of tenant-b",
		try: func(t *testing.T, violate bool) error {
			object := decode(t, `{apiVersion: v1, kind: Namespace, metadata: {generateName: doors-}}`)
			if violate {
				object.SetLabels(map[string]string{"tenant": "tenant-b"})
			}
			_, err := shared.as(t, "namespace-maker").create(t.Context(), namespaces, object)
			return err
		},
	}}
	for _, subresource := range []string{"", "status", "finalize"} {
		d := wholeDoor{
			name: "update namespaces", policy: "tenant_isolation", field: field,
			words: "a developer moves the own namespace to tenant-b",
			try:   func(t *testing.T, violate bool) error { return developerOf(t, violate) },
		}
		if subresource != "" {
			d.name += "/" + subresource
			d.try = func(t *testing.T, violate bool) error { return developerOf(t, violate, subresource) }
		}
		doors = append(doors, d)
	}
	return doors
}

// generated lets the API server choose an object's name.
func generated(t *testing.T, object *unstructured.Unstructured) *unstructured.Unstructured {
	t.Helper()
	object.SetName("")
	object.SetGenerateName("generated-")
	return object
}

func (r *doorsReport) writeWhole(b *bytes.Buffer) {
	b.WriteString("\n## Objects without pods\n\n| door | violation | answer | without it |\n| --- | --- | --- | --- |\n")
	for _, w := range r.whole {
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", w.name, w.words, r.text(w.violating), r.text(w.clean))
	}
}
