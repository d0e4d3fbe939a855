package e2e

import (
	"maps"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// containerLists are the lists of containers that a pod has.
var containerLists = []string{"containers", "initContainers", "ephemeralContainers"}

// cleanPod violates no policy in a namespace of tenant-a.
const cleanPod = `
metadata: {labels: {app: doors}}
spec:
  securityContext: {runAsNonRoot: true, runAsUser: 1000, seccompProfile: {type: RuntimeDefault}}
  nodeSelector: {tenant: tenant-a}
  tolerations: [{key: tenant, operator: Equal, value: tenant-a, effect: NoSchedule}]
  containers:
    - name: app
      image: app:1
      resources: {requests: {cpu: 100m, memory: 64Mi}, limits: {cpu: 100m, memory: 64Mi}}
      securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
`

// subject is the name of the container that a door is tried with.
const subject = "subject"

// cleanContainer violates no policy in any list; Kubernetes gives ephemeral
// containers no resources of their own.
func cleanContainer(t *testing.T, list string) map[string]any {
	t.Helper()
	container := decode(t, cleanPod).Object["spec"].(map[string]any)["containers"].([]any)[0].(map[string]any)
	container["name"] = subject
	if list == "ephemeralContainers" {
		delete(container, "resources")
	}
	return container
}

// newObject returns a clean object of a kind.
func newObject(t *testing.T, kind podKind, namespace, name string) *unstructured.Unstructured {
	t.Helper()
	object, pod := decode(t, kind.manifest), decode(t, cleanPod)
	if kind.restartPolicy != "" {
		set(t, pod.Object, kind.restartPolicy, "spec", "restartPolicy")
	}
	if kind.isPod() {
		maps.Copy(object.Object, pod.Object)
	} else {
		set(t, object.Object, pod.Object, kind.template...)
	}
	object.SetNamespace(namespace)
	object.SetName(name)
	return object
}

// podOf returns the pod in an object of a kind, to be changed in place.
func podOf(t *testing.T, kind podKind, object *unstructured.Unstructured) map[string]any {
	t.Helper()
	pod, found, err := unstructured.NestedFieldNoCopy(object.Object, kind.template...)
	if err != nil || !found {
		t.Fatalf("%s %s has no pod at %v: %v", object.GetKind(), object.GetName(), kind.template, err)
	}
	return pod.(map[string]any)
}

// subjectOf returns the subject in one of a pod's lists, to be changed in place,
// and puts it there first where it is missing. The index is its place.
func subjectOf(t *testing.T, pod map[string]any, list string) (container map[string]any, index int) {
	t.Helper()
	spec := pod["spec"].(map[string]any)
	containers, _ := spec[list].([]any)
	for i, c := range containers {
		if c := c.(map[string]any); c["name"] == subject {
			return c, i
		}
	}
	container = cleanContainer(t, list)
	spec[list] = append(containers, container)
	return container, len(containers)
}

// set sets a field, making the objects on the way to it.
func set(t *testing.T, object map[string]any, value any, path ...string) {
	t.Helper()
	if err := unstructured.SetNestedField(object, value, path...); err != nil {
		t.Fatal(err)
	}
}
