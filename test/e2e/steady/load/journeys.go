package load

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"
)

// What the requests are about.
var (
	pods        = schema.GroupVersionResource{Version: "v1", Resource: "pods"}
	deployments = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}
	statefulset = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "statefulsets"}
)

// verb is what is asked.
type verb string

const (
	create verb = "create"
	update verb = "update"
	remove verb = "delete"
)

// step is one request.
type step struct {
	what   string
	verb   verb
	dryRun bool
	// change is made to the object as the step before left it.
	change func(o *unstructured.Unstructured)
	want   answer
}

// journey is what happens to one object.
type journey struct {
	resource schema.GroupVersionResource
	object   string // YAML, without a name
	steps    []step
}

const (
	mainContainer = `{name: main, image: "web:1", resources: {limits: {cpu: 100m, memory: 64Mi}}}`

	plainPod = `
apiVersion: v1
kind: Pod
spec: {containers: [{name: main, image: "web:1"}]}`

	gpuPod = `
apiVersion: v1
kind: Pod
metadata: {annotations: {usher.dev/gpu-topology: nvlink}}
spec: {containers: [{name: main, image: "trainer:1", resources: {limits: {cpu: 100m, memory: 64Mi, nvidia.com/gpu: 2}}}]}`

	greedyPod = `
apiVersion: v1
kind: Pod
spec: {containers: [{name: main, image: "trainer:1", resources: {limits: {cpu: 100m, memory: 64Mi, nvidia.com/gpu: 5}}}]}`

	escapingPod = `
apiVersion: v1
kind: Pod
spec:
  hostNetwork: true
  tolerations: [{operator: Exists}]
  containers:
    - name: main
      image: "web:1"
      securityContext: {privileged: true}
      env: [{name: NVIDIA_VISIBLE_DEVICES, value: all}]`

	webDeployment = `
apiVersion: apps/v1
kind: Deployment
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [` + mainContainer + `]}`

	astraySet = `
apiVersion: apps/v1
kind: StatefulSet
spec:
  serviceName: web
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      nodeSelector: {tenant: another}
      tolerations: [{key: tenant, operator: Equal, value: another, effect: NoSchedule}]
      containers: [` + mainContainer + `]`
)

// inPool is what every pod of a tenant comes back with.
const inPool = `
spec:
  nodeSelector: {tenant: %[1]s}
  tolerations: [{key: tenant, operator: Equal, value: %[1]s, effect: NoSchedule}]
  containers:`

// journeys are what a tenant's users do.
func journeys(tenant string) []journey {
	plain := holding(tenant, inPool+` [{name: main, resources: {limits: {cpu: "1", memory: 1Gi}, requests: {cpu: 500m, memory: 512Mi}}}]`)
	gpu := holding(tenant, inPool+` [{name: main, resources: {limits: {nvidia.com/gpu: "2"}, requests: {cpu: 100m, nvidia.com/gpu: "2"}}}]
  schedulerName: gpu-topology-scheduler`)
	admitted := answer{mutated: true, validated: true}
	changed := answer{validated: true}
	with := func(holds map[string]any, reserved bool) answer {
		a := admitted
		a.holds, a.reserved = holds, reserved
		return a
	}
	denied := func(on answer, checks ...string) answer { on.denied = checks; return on }
	overGPUs := denied(admitted, "gpu_quota/per-container")
	escapes := denied(admitted, "gpu_escape/privileged", "gpu_escape/visible-devices",
		"pod_security/hostNamespaces", "pod_security/privileged", "tenant_isolation/toleration")
	leavesPool := denied(changed, "tenant_isolation/node-selector", "tenant_isolation/toleration")
	gone := step{what: "delete it", verb: remove}
	return []journey{
		{pods, plainPod, []step{
			{what: "create a pod, dry run", verb: create, dryRun: true, want: with(plain, false)},
			{what: "create a pod", verb: create, want: with(plain, false)},
			{what: "change its image", verb: update, change: image("web:2"), want: changed},
			gone,
		}},
		{pods, gpuPod, []step{
			{what: "create a pod with GPUs, dry run", verb: create, dryRun: true, want: with(gpu, true)},
			{what: "create a pod with GPUs", verb: create, want: with(gpu, true)},
			{what: "change its reservation", verb: update, change: label("usher.dev/reservation", "mine"), want: denied(changed, "tenant_isolation/usher-metadata")},
			{what: "change its image", verb: update, change: image("trainer:2"), want: changed},
			gone,
		}},
		{pods, greedyPod, []step{
			{what: "create a pod with too many GPUs", verb: create, want: overGPUs},
			{what: "create a pod with too many GPUs, dry run", verb: create, dryRun: true, want: overGPUs},
		}},
		{pods, escapingPod, []step{
			{what: "create a pod that escapes", verb: create, want: escapes},
		}},
		{deployments, webDeployment, []step{
			{what: "create a Deployment", verb: create, want: changed},
			{what: "change its image", verb: update, change: templateImage("web:2"), want: changed},
			{what: "lead it out of its pool", verb: update, dryRun: true, change: astray, want: leavesPool},
			{what: "lead it out of its pool", verb: update, change: astray, want: leavesPool},
			gone,
		}},
		{statefulset, astraySet, []step{
			{what: "create a StatefulSet that leaves its pool", verb: create, want: leavesPool},
		}},
	}
}

// holding reads what an object has to hold.
func holding(tenant, text string) map[string]any {
	return read(fmt.Sprintf(text, tenant))
}

// read decodes YAML that stands in this file.
func read(text string) map[string]any {
	object := map[string]any{}
	if err := yaml.UnmarshalStrict([]byte(strings.TrimSpace(text)), &object); err != nil {
		panic(err)
	}
	return object
}

func image(to string) func(*unstructured.Unstructured) {
	return func(o *unstructured.Unstructured) { setImage(o, to, "spec", "containers") }
}

func templateImage(to string) func(*unstructured.Unstructured) {
	return func(o *unstructured.Unstructured) { setImage(o, to, "spec", "template", "spec", "containers") }
}

func setImage(o *unstructured.Unstructured, to string, path ...string) {
	containers, _, _ := unstructured.NestedSlice(o.Object, path...)
	for _, container := range containers {
		container.(map[string]any)["image"] = to
	}
	_ = unstructured.SetNestedSlice(o.Object, containers, path...)
}

func label(key, value string) func(*unstructured.Unstructured) {
	return func(o *unstructured.Unstructured) {
		labels := o.GetLabels()
		labels[key] = value
		o.SetLabels(labels)
	}
}

// astray leads the pods of a template into another tenant's pool.
func astray(o *unstructured.Unstructured) {
	_ = unstructured.SetNestedField(o.Object, "another", "spec", "template", "spec", "nodeSelector", "tenant")
	_ = unstructured.SetNestedSlice(o.Object, []any{
		map[string]any{"key": "tenant", "operator": "Equal", "value": "another", "effect": "NoSchedule"},
	}, "spec", "template", "spec", "tolerations")
}
