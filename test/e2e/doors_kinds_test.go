package e2e

import (
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// podKind is a kind whose objects are pods or hold a pod template.
type podKind struct {
	resource schema.GroupVersionResource
	// template is where an object holds its pod; empty for a Pod.
	template []string
	// manifest is an object without its template.
	manifest string
	// restartPolicy is the one that the kind asks of its pods, where it does.
	restartPolicy string
}

func (k podKind) isPod() bool { return len(k.template) == 0 }

// prefix is what stands before a pod's own fields in the path of a field.
func (k podKind) prefix() string {
	if k.isPod() {
		return ""
	}
	return strings.Join(k.template, ".") + "."
}

var pods = schema.GroupVersionResource{Version: "v1", Resource: "pods"}

// podKinds are all that Kubernetes has, and two of others: one whose template
// stands where a Deployment's does, one with any number of templates.
var podKinds = []podKind{
	{
		resource: pods,
		manifest: `{apiVersion: v1, kind: Pod}`,
	},
	{
		resource: schema.GroupVersionResource{Version: "v1", Resource: "podtemplates"},
		template: []string{"template"},
		manifest: `{apiVersion: v1, kind: PodTemplate}`,
	},
	{
		resource: schema.GroupVersionResource{Version: "v1", Resource: "replicationcontrollers"},
		template: []string{"spec", "template"},
		manifest: `{apiVersion: v1, kind: ReplicationController, spec: {selector: {app: doors}}}`,
	},
	{
		resource: schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "daemonsets"},
		template: []string{"spec", "template"},
		manifest: `{apiVersion: apps/v1, kind: DaemonSet, spec: {selector: {matchLabels: {app: doors}}}}`,
	},
	{
		resource: schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"},
		template: []string{"spec", "template"},
		manifest: `{apiVersion: apps/v1, kind: Deployment, spec: {selector: {matchLabels: {app: doors}}}}`,
	},
	{
		resource: schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "replicasets"},
		template: []string{"spec", "template"},
		manifest: `{apiVersion: apps/v1, kind: ReplicaSet, spec: {selector: {matchLabels: {app: doors}}}}`,
	},
	{
		resource: schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "statefulsets"},
		template: []string{"spec", "template"},
		manifest: `{apiVersion: apps/v1, kind: StatefulSet, spec: {serviceName: doors, selector: {matchLabels: {app: doors}}}}`,
	},
	{
		resource:      schema.GroupVersionResource{Group: "batch", Version: "v1", Resource: "cronjobs"},
		template:      []string{"spec", "jobTemplate", "spec", "template"},
		manifest:      `{apiVersion: batch/v1, kind: CronJob, spec: {schedule: "0 4 * * *"}}`,
		restartPolicy: "Never",
	},
	{
		resource: schema.GroupVersionResource{Group: "batch", Version: "v1", Resource: "jobs"},
		template: []string{"spec", "template"},
		// Of a Job that waits to start, more may be updated.
		manifest:      `{apiVersion: batch/v1, kind: Job, spec: {suspend: true}}`,
		restartPolicy: "Never",
	},
	{
		resource: schema.GroupVersionResource{Group: "argoproj.io", Version: "v1alpha1", Resource: "rollouts"},
		template: []string{"spec", "template"},
		manifest: `{apiVersion: argoproj.io/v1alpha1, kind: Rollout}`,
	},
	{
		resource: schema.GroupVersionResource{Group: "kubeflow.org", Version: "v1", Resource: "pytorchjobs"},
		template: []string{"spec", "pytorchReplicaSpecs", "Worker", "template"},
		manifest: `{apiVersion: kubeflow.org/v1, kind: PyTorchJob}`,
	},
}

// customKinds are the CRDs of the kinds that are not Kubernetes' own: the schema
// keeps whatever is written, as the real ones do for pod templates.
const customKinds = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: rollouts.argoproj.io}
spec:
  group: argoproj.io
  names: {kind: Rollout, listKind: RolloutList, plural: rollouts, singular: rollout}
  scope: Namespaced
  versions:
    - name: v1alpha1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: pytorchjobs.kubeflow.org}
spec:
  group: kubeflow.org
  names: {kind: PyTorchJob, listKind: PyTorchJobList, plural: pytorchjobs, singular: pytorchjob}
  scope: Namespaced
  versions:
    - name: v1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
`
