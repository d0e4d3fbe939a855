package extender

import (
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/gpunode"
	"usher.dev/usher/internal/manifest"
)

// LoadObjects fills a store from the YAML and JSON files of a folder: GPUNodes,
// of which there must be one, Nodes, Pods, Namespaces and Tenants. Other kinds
// are passed over. Every error names its file and field.
func (s *Store) LoadObjects(dir string) error {
	reports, err := gpunode.Read([]string{dir}, nil)
	if err != nil {
		return err
	}
	files, wrong := manifest.Open([]string{dir}, nil)
	var all objects
	for _, file := range files {
		found, problems := manifest.Read(file)
		for _, p := range problems {
			wrong = append(wrong, p)
		}
		for _, o := range found {
			if err := all.add(o); err != nil {
				wrong = append(wrong, err)
			}
		}
	}
	if len(wrong) > 0 {
		return errors.Join(wrong...)
	}
	s.ReplaceNamespaces(all.namespaces)
	s.ReplaceTenants(all.tenants)
	s.ReplaceNodes(all.nodes)
	s.ReplacePods(all.pods)
	s.listed(listedGPUNodes)
	for i := range reports {
		// As if the agent had just said so.
		err = errors.Join(err, s.SetGPUNode(&reports[i]))
	}
	return err
}

// objects are what stands in files, beside GPUNodes.
type objects struct {
	namespaces []*corev1.Namespace
	tenants    []*v1alpha1.Tenant
	nodes      []*corev1.Node
	pods       []*corev1.Pod
}

func (a *objects) add(o *manifest.Object) error {
	switch fmt.Sprint(o.Value["apiVersion"], " ", o.Value["kind"]) {
	case "v1 Namespace":
		return collect(&a.namespaces, o)
	case v1alpha1.GroupVersion.String() + " Tenant":
		return collect(&a.tenants, o)
	case "v1 Node":
		return collect(&a.nodes, o)
	case "v1 Pod":
		return collect(&a.pods, o)
	}
	return nil
}

func collect[T any](into *[]*T, o *manifest.Object) error {
	served, problems := o.Served()
	if problems != nil {
		all := make([]error, len(problems))
		for i, p := range problems {
			all[i] = p
		}
		return errors.Join(all...)
	}
	typed := new(T)
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(served, typed); err != nil {
		return o.Problem(o.Position(""), err.Error())
	}
	*into = append(*into, typed)
	return nil
}
