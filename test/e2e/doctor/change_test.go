package doctor

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// object is what was applied.
func (s *site) object(t *testing.T, kind, name string) *unstructured.Unstructured {
	t.Helper()
	for _, o := range s.objects {
		if o.GetKind() == kind && o.GetName() == name {
			return o.DeepCopy()
		}
	}
	t.Fatalf("the manifests have no %s %s", kind, name)
	return nil
}

// configMap is the name of a ConfigMap, to which kustomize has added a digest.
func (s *site) configMap(prefix string) string {
	for _, o := range s.objects {
		if o.GetKind() == "ConfigMap" && strings.HasPrefix(o.GetName(), prefix) {
			return o.GetName()
		}
	}
	return prefix
}

// restore applies an object as it was first applied.
func (s *site) restore(t *testing.T, kind, name string) {
	t.Helper()
	s.eventually(t, kind+" "+name+" as it was", func() error { return s.Apply(t.Context(), s.object(t, kind, name)) })
}

// change applies an object with a change.
func (s *site) change(t *testing.T, kind, name string, change func(o map[string]any)) {
	t.Helper()
	o := s.object(t, kind, name)
	change(o.Object)
	s.eventually(t, fmt.Sprintf("%s %s, changed", kind, name), func() error { return s.Apply(t.Context(), o) })
}

func (s *site) write(t *testing.T, name, content string) string {
	t.Helper()
	must(t, os.WriteFile(s.path(name), []byte(content), 0o600))
	return s.path(name)
}

// first is the first object of a list.
func first(list any) map[string]any { return list.([]any)[0].(map[string]any) }

// at is the object at a path of fields.
func at(o map[string]any, path ...string) map[string]any {
	for _, field := range path {
		o = o[field].(map[string]any)
	}
	return o
}
