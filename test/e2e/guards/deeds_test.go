package guards

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
)

// deed is something that somebody does to a managed object.
type deed struct {
	name string
	do   func(ctx context.Context, client dynamic.ResourceInterface, kind managedKind, object *unstructured.Unstructured) error
}

// patch makes a deed of a patch, through subresources where given.
func patch(name string, kind types.PatchType, body func(managedKind) string, subresources ...string) deed {
	return deed{name, func(ctx context.Context, client dynamic.ResourceInterface, k managedKind, object *unstructured.Unstructured) error {
		_, err := client.Patch(ctx, object.GetName(), kind, []byte(body(k)), metav1.PatchOptions{FieldManager: "somebody"}, subresources...)
		return err
	}}
}

func metadataPatch(name, metadata string) deed {
	return patch(name, types.MergePatchType, func(managedKind) string { return `{"metadata": ` + metadata + `}` })
}

// update makes a deed of an update with what a change makes of the object.
func update(name string, change func(kind managedKind, object *unstructured.Unstructured) error) deed {
	return deed{name, func(ctx context.Context, client dynamic.ResourceInterface, kind managedKind, object *unstructured.Unstructured) error {
		changed := object.DeepCopy()
		if err := change(kind, changed); err != nil {
			return err
		}
		_, err := client.Update(ctx, changed, metav1.UpdateOptions{FieldManager: "somebody"})
		return err
	}}
}

// apply makes a deed of a server-side apply.
func apply(name string, change func(kind managedKind, object *unstructured.Unstructured) error) deed {
	return deed{name, func(ctx context.Context, client dynamic.ResourceInterface, kind managedKind, object *unstructured.Unstructured) error {
		applied := bare(object)
		if err := change(kind, applied); err != nil {
			return err
		}
		_, err := client.Apply(ctx, object.GetName(), applied, metav1.ApplyOptions{FieldManager: "somebody", Force: true})
		return err
	}}
}

// create makes a deed of the creation of a copy.
func create(name string, change func(object *unstructured.Unstructured)) deed {
	return deed{name, func(ctx context.Context, client dynamic.ResourceInterface, _ managedKind, object *unstructured.Unstructured) error {
		made := bare(object)
		change(made)
		_, err := client.Create(ctx, made, metav1.CreateOptions{})
		return err
	}}
}

func remove(name string, options metav1.DeleteOptions) deed {
	return deed{name, func(ctx context.Context, client dynamic.ResourceInterface, _ managedKind, object *unstructured.Unstructured) error {
		return client.Delete(ctx, object.GetName(), options)
	}}
}

func removeAll(name, selector string) deed {
	return deed{name, func(ctx context.Context, client dynamic.ResourceInterface, _ managedKind, _ *unstructured.Unstructured) error {
		return client.DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: selector})
	}}
}

// bare is an object without what the API server fills in.
func bare(object *unstructured.Unstructured) *unstructured.Unstructured {
	out := object.DeepCopy()
	metadata := map[string]any{"name": object.GetName(), "namespace": object.GetNamespace()}
	if labels, ok, _ := unstructured.NestedMap(object.Object, "metadata", "labels"); ok {
		metadata["labels"] = labels
	}
	out.Object["metadata"] = metadata
	delete(out.Object, "status")
	return out
}

func weaken(kind managedKind, object *unstructured.Unstructured) error {
	var weaker map[string]any
	if err := json.Unmarshal([]byte(kind.weaker), &weaker); err != nil {
		return err
	}
	maps.Copy(object.Object, weaker)
	return nil
}

func unlabel(_ managedKind, object *unstructured.Unstructured) error {
	object.SetLabels(map[string]string{"team": "vision"})
	return nil
}

func same(managedKind, *unstructured.Unstructured) error { return nil }

const (
	createAgain = "create: again, without its labels"
	deleteAll   = "delete all"
)

var (
	orphan     = metav1.DeletePropagationOrphan
	foreground = metav1.DeletePropagationForeground
)

// deeds are all that may be done to a managed object, by every verb.
var deeds = []deed{
	update("update: less", weaken),
	update("update: without its labels", unlabel),
	update("update: less, and without its labels", func(kind managedKind, object *unstructured.Unstructured) error {
		_ = unlabel(kind, object)
		return weaken(kind, object)
	}),
	patch("merge patch: less", types.MergePatchType, func(k managedKind) string { return k.weaker }),
	patch("strategic merge patch: less", types.StrategicMergePatchType, func(k managedKind) string { return k.weaker }),
	patch("JSON patch: less", types.JSONPatchType, func(k managedKind) string {
		return fmt.Sprintf(`[{"op": "replace", "path": %q, "value": %s}]`, k.pointer, k.value)
	}),
	patch("JSON patch: without its labels", types.JSONPatchType, func(managedKind) string {
		return `[{"op": "remove", "path": "/metadata/labels"}]`
	}),
	apply("apply: less", weaken),
	apply("apply: the same, to own it too", same),
	metadataPatch("label: another tenant's", `{"labels": {"usher.dev/tenant": "other"}}`),
	metadataPatch("label: managed by something else", `{"labels": {"app.kubernetes.io/managed-by": "Helm"}}`),
	metadataPatch("label: one more", `{"labels": {"team": "vision"}}`),
	metadataPatch("annotate", `{"annotations": {"team": "vision"}}`),
	metadataPatch("finalizer", `{"finalizers": ["example.com/keep"]}`),
	metadataPatch("owner that does not exist", `{"ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "gone", "uid": "6d2c9a41-4d3a-4b65-8a0b-5b1b5f0c7a10"}]}`),
	create("create: a copy", func(object *unstructured.Unstructured) { object.SetName("copy") }),
	create(createAgain, func(object *unstructured.Unstructured) { object.SetLabels(nil) }),
	remove("delete", metav1.DeleteOptions{}),
	remove("delete: dry run", metav1.DeleteOptions{DryRun: []string{metav1.DryRunAll}}),
	remove("delete: dependents orphaned", metav1.DeleteOptions{PropagationPolicy: &orphan}),
	remove("delete: in the foreground", metav1.DeleteOptions{PropagationPolicy: &foreground}),
	removeAll(deleteAll, ""),
	removeAll("delete all that is managed", managedSelector),
}

// deedsTo are the deeds that can be done to a kind.
func deedsTo(kind managedKind) []deed {
	var all []deed
	for _, d := range deeds {
		switch {
		case kind.resource == roles && d.name == createAgain:
			// usher makes no Roles, and reserves no names of them.
		case kind.resource == roleBindings && d.name == deleteAll:
			// It would begin with the bindings that give the right to do it.
		default:
			all = append(all, d)
		}
	}
	if kind.status == "" {
		return all
	}
	return append(all,
		patch("status: nothing used", types.MergePatchType, func(k managedKind) string { return k.status }, "status"),
		patch("status: without its labels", types.MergePatchType, func(managedKind) string {
			return `{"metadata": {"labels": null}}`
		}, "status"),
	)
}
