package gpunode

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/manifest"
)

// Read reads the GPUNodes in files, folders and, for "-", standard input, in the
// order in which they stand there. Other kinds are passed over. Every error
// names its file, line and field; with an error no GPUNode is returned.
func Read(paths []string, stdin io.Reader) ([]v1alpha1.GPUNode, error) {
	files, wrong := manifest.Open(paths, stdin)
	var nodes []v1alpha1.GPUNode
	defined := map[string]*manifest.Object{}
	for _, file := range files {
		objects, problems := manifest.Read(file)
		for _, object := range objects {
			if object.Value["apiVersion"] != v1alpha1.GroupVersion.String() || object.Value["kind"] != "GPUNode" {
				continue
			}
			n, invalid := decode(object)
			if invalid == nil && defined[n.Name] != nil {
				first := defined[n.Name]
				at := object.Position("/metadata/name")
				invalid = []*manifest.Problem{object.Problem(at, fmt.Sprintf("GPUNode %s is defined twice, first in %s:%d",
					n.Name, first.File(), first.Position("/metadata/name").Line))}
			}
			problems = append(problems, invalid...)
			if invalid == nil {
				defined[n.Name] = object
				nodes = append(nodes, *n)
			}
		}
		for _, p := range problems {
			wrong = append(wrong, p)
		}
	}
	switch {
	case len(wrong) > 0:
		return nil, errors.Join(wrong...)
	case len(nodes) == 0:
		return nil, fmt.Errorf("read GPUNodes: there is none in %s", strings.Join(paths, ", "))
	}
	return nodes, nil
}

// decode reads a GPUNode strictly.
func decode(object *manifest.Object) (*v1alpha1.GPUNode, []*manifest.Problem) {
	served, problems := object.Served()
	if problems != nil {
		return nil, problems
	}
	var n v1alpha1.GPUNode
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(served, &n); err != nil {
		return nil, []*manifest.Problem{object.Problem(object.Position(""), err.Error())}
	}
	for _, fault := range faults(&n) {
		at := object.Position(fault.pointer())
		problems = append(problems, object.Problem(at, fault.String()))
	}
	if problems != nil {
		return nil, problems
	}
	return &n, nil
}
