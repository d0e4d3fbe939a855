package doctor

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"

	"usher.dev/usher/internal/doctor/webhooks"
)

// need is a request that must be admitted before something can run.
type need struct {
	// what it is, such as: a pod of Deployment usher-system/usher-webhook is created.
	what    string
	request webhooks.Request
}

// Who makes the requests by which a cluster starts, as Kubernetes names them.
const (
	userScheduler         = "system:kube-scheduler"
	userControllerManager = "system:kube-controller-manager"
	userNode              = "system:node:any"
)

func controllerUser(name string) (user string, groups []string) {
	return serviceAccount("kube-system", name)
}

func serviceAccount(namespace, name string) (user string, groups []string) {
	return "system:serviceaccount:" + namespace + ":" + name,
		[]string{"system:serviceaccounts", "system:serviceaccounts:" + namespace, "system:authenticated"}
}

var (
	core         = schema.GroupVersion{Version: "v1"}
	apps         = schema.GroupVersion{Group: "apps", Version: "v1"}
	coordination = schema.GroupVersion{Group: "coordination.k8s.io", Version: "v1"}
	storage      = schema.GroupVersion{Group: "storage.k8s.io", Version: "v1"}
	discovery    = schema.GroupVersion{Group: "discovery.k8s.io", Version: "v1"}
)

// content is an object with no more than its kind, its metadata and further fields.
func content(gv schema.GroupVersion, kind, namespace, name string, further map[string]any) map[string]any {
	metadata := map[string]any{"name": name}
	if namespace != "" {
		metadata["namespace"] = namespace
	}
	object := map[string]any{"apiVersion": gv.String(), "kind": kind, "metadata": metadata}
	maps.Copy(object, further)
	return object
}

// create is a request that makes an object.
func create(what, user string, groups []string, gv schema.GroupVersion, kind, resource, namespace, name string, further map[string]any) need {
	return need{what, webhooks.Request{
		User: user, Groups: groups, Operation: admission.Create, Resource: resource, Version: gv, Kind: gv.WithKind(kind),
		Namespace: namespace, Name: name, Object: content(gv, kind, namespace, name, further),
	}}
}

// update is a request that changes an object: further fields from none.
func update(what, user string, groups []string, gv schema.GroupVersion, kind, resource, namespace, name string, further map[string]any) need {
	n := create(what, user, groups, gv, kind, resource, namespace, name, further)
	n.request.Operation, n.request.Old = admission.Update, content(gv, kind, namespace, name, nil)
	return n
}

// renewal is what a Lease's holder writes.
var renewal = map[string]any{"spec": map[string]any{"renewTime": "2020-01-01T00:00:00.000000Z"}}

// nodeNeeds are the requests by which nodes join, before any pod can run on them.
func nodeNeeds() []need {
	kubelets := []string{"system:nodes", "system:authenticated"}
	return []need{
		create("a node registers", userNode, kubelets, core, "Node", "nodes", "", "any", nil),
		update("a node reports its status", userNode, kubelets, core, "Node", "nodes/status", "", "any", map[string]any{"status": map[string]any{}}),
		create("a node makes its Lease", userNode, kubelets, coordination, "Lease", "leases", "kube-node-lease", "any", renewal),
		update("a node renews its Lease", userNode, kubelets, coordination, "Lease", "leases", "kube-node-lease", "any", renewal),
		create("a node makes its CSINode", userNode, kubelets, storage, "CSINode", "csinodes", "", "any", nil),
		update("kube-scheduler renews its Lease", userScheduler, []string{"system:authenticated"}, coordination, "Lease", "leases", "kube-system", "kube-scheduler", renewal),
		update("kube-controller-manager renews its Lease", userControllerManager, []string{"system:authenticated"}, coordination, "Lease", "leases", "kube-system", "kube-controller-manager", renewal),
	}
}

// workload is a Deployment, DaemonSet or StatefulSet.
type workload struct {
	Object
	template *corev1.PodTemplateSpec
	// creator is the controller that makes its pods.
	creator string
}

// workloads are all that make pods, Deployments first.
func (s *Snapshot) workloads() (all []workload) {
	for _, d := range s.Deployments {
		all = append(all, workload{objectOf("Deployment", d), &d.Spec.Template, "replicaset-controller"})
	}
	for _, d := range s.DaemonSets {
		all = append(all, workload{objectOf("DaemonSet", d), &d.Spec.Template, "daemon-set-controller"})
	}
	for _, d := range s.StatefulSets {
		all = append(all, workload{objectOf("StatefulSet", d), &d.Spec.Template, "statefulset-controller"})
	}
	return all
}

// podNeeds are the requests by which a pod of a workload comes to run.
func (w workload) podNeeds() []need {
	ns, name := w.Namespace, w.Name+"-0"
	kubelets := []string{"system:nodes", "system:authenticated"}
	binding := map[string]any{"target": map[string]any{"kind": "Node", "name": "any"}}
	creator, controllers := controllerUser(w.creator)
	needs := []need{
		{"a pod of it is created", webhooks.Request{
			User: creator, Groups: controllers, Operation: admission.Create, Resource: "pods", Version: core,
			Kind: core.WithKind("Pod"), Namespace: ns, Object: w.pod(),
		}},
		create("a pod of it is bound", userScheduler, []string{"system:authenticated"}, core, "Binding", "pods/binding", ns, name, binding),
		create("its kubelet asks for a token", userNode, kubelets, schema.GroupVersion{Group: "authentication.k8s.io", Version: "v1"}, "TokenRequest", "serviceaccounts/token", ns, or(w.template.Spec.ServiceAccountName, "default"), nil),
		update("its kubelet reports the pod's status", userNode, kubelets, core, "Pod", "pods/status", ns, name, map[string]any{"status": map[string]any{"phase": "Running"}}),
	}
	// Tokens are of the service account's version, not of what is sent.
	needs[2].request.Version = core
	if w.Kind == "Deployment" {
		user, groups := controllerUser("deployment-controller")
		needs = append(needs, create("a new ReplicaSet of it is created", user, groups, apps, "ReplicaSet", "replicasets", ns, name,
			map[string]any{"spec": map[string]any{"template": w.pod()}}))
	}
	return needs
}

// servingNeeds are the requests by which its pods come to be endpoints.
func (w workload) servingNeeds(service string) []need {
	user, groups := controllerUser("endpointslice-controller")
	endpoints := map[string]any{"endpoints": []any{map[string]any{"addresses": []any{"10.0.0.1"}}}}
	return []need{
		create("an EndpointSlice of its Service is created", user, groups, discovery, "EndpointSlice", "endpointslices", w.Namespace, service+"-0", endpoints),
		update("an EndpointSlice of its Service is updated", user, groups, discovery, "EndpointSlice", "endpointslices", w.Namespace, service+"-0", endpoints),
	}
}

// pod is a pod of the workload as its controller makes it.
func (w workload) pod() map[string]any {
	pod := &corev1.Pod{ObjectMeta: *w.template.ObjectMeta.DeepCopy(), Spec: *w.template.Spec.DeepCopy()}
	pod.Namespace, pod.GenerateName, pod.Kind, pod.APIVersion = w.Namespace, w.Name+"-", "Pod", "v1"
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(pod)
	if err != nil {
		return content(core, "Pod", w.Namespace, "", nil)
	}
	return object
}

// onEveryNode reports whether other pods cannot run before those of the workload,
// such as those of the network: what is critical to its node, by its priority, its
// place or its use of the node's own network.
func (w workload) onEveryNode() bool {
	spec := &w.template.Spec
	return w.Kind == "DaemonSet" && (w.Namespace == "kube-system" || spec.PriorityClassName == "system-node-critical" && spec.HostNetwork)
}

// runsWith reports whether labels are those of pods of the workload.
func (w workload) runsWith(selector map[string]string) bool {
	return len(selector) > 0 && !slices.ContainsFunc(slices.Sorted(maps.Keys(selector)), func(key string) bool {
		return w.template.Labels[key] != selector[key]
	})
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
