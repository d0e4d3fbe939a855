package webhook

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"usher.dev/usher/api/v1alpha1"
)

// maxTargets bounds the pod templates of one object; more are refused.
const maxTargets = 256

// Target is one pod or pod template in an object.
type Target struct {
	// Path is the JSON pointer to it; empty for a pod.
	Path string
	// Pod is the pod or template itself.
	Pod map[string]any
}

// groupKind names a kind in every version.
type groupKind struct{ group, kind string }

// builtinTemplates are the kinds of Kubernetes that hold a pod or a pod template.
var builtinTemplates = map[groupKind][][]string{
	{"", "Pod"}:                   {{}},
	{"", "PodTemplate"}:           {{"template"}},
	{"", "ReplicationController"}: {{"spec", "template"}},
	{"apps", "DaemonSet"}:         {{"spec", "template"}},
	{"apps", "Deployment"}:        {{"spec", "template"}},
	{"apps", "ReplicaSet"}:        {{"spec", "template"}},
	{"apps", "StatefulSet"}:       {{"spec", "template"}},
	{"batch", "CronJob"}:          {{"spec", "jobTemplate", "spec", "template"}},
	{"batch", "Job"}:              {{"spec", "template"}},
}

// targets knows where the objects of each kind hold pods.
type targets map[groupKind][][]string

func newTargets(configured []v1alpha1.PodTemplatePaths) targets {
	t := maps.Clone(builtinTemplates)
	for _, c := range configured {
		key := groupKind{c.Group, c.Kind}
		for _, path := range c.Paths {
			t[key] = append(slices.Clone(t[key]), strings.Split(path, "."))
		}
	}
	return t
}

// misplaced is what stands where an object of that kind should hold a pod
// template, or on the way there, and is something else.
type misplaced struct{ path, problem string }

// find returns the pods and pod templates of an object, in order of their paths
// as configured, and what stands in their place. known is false for a kind that
// holds none.
func (t targets) find(kind groupKind, object map[string]any) (found []Target, wrong []misplaced, known bool) {
	paths, known := t[kind]
	for _, path := range paths {
		w := walker{found: found, wrong: wrong}
		w.walk(object, path, "")
		found, wrong = w.found, w.wrong
	}
	return found, wrong, known
}

type walker struct {
	found []Target
	wrong []misplaced
}

// walk follows a path of keys, "*" standing for all, to the templates at its end.
func (w *walker) walk(v any, path []string, pointer string) {
	if v == nil {
		return
	}
	if len(path) == 0 {
		if pod, ok := v.(map[string]any); ok {
			w.found = append(w.found, Target{Path: pointer, Pod: pod})
		} else {
			w.misplaced(pointer, v, "an object that holds a pod template")
		}
		return
	}
	key, rest := path[0], path[1:]
	switch v := v.(type) {
	case map[string]any:
		if key != "*" {
			w.walk(v[key], rest, pointer+"/"+escape(key))
			return
		}
		for _, k := range slices.Sorted(maps.Keys(v)) {
			w.walk(v[k], rest, pointer+"/"+escape(k))
		}
	case []any:
		i, isIndex := index(key)
		switch {
		case key == "*":
			for i, e := range v {
				w.walk(e, rest, pointer+"/"+strconv.Itoa(i))
			}
		case !isIndex:
			w.misplaced(pointer, v, "an object with the field "+key)
		case i < len(v):
			w.walk(v[i], rest, pointer+"/"+key)
		}
	default:
		w.misplaced(pointer, v, "an object or list that leads to a pod template")
	}
}

func (w *walker) misplaced(pointer string, v any, want string) {
	w.wrong = append(w.wrong, misplaced{pointer, "is " + jsonType(v) + "; it has to be " + want})
}

func jsonType(v any) string {
	switch v.(type) {
	case map[string]any:
		return "an object"
	case []any:
		return "a list"
	case string:
		return "a string"
	case bool:
		return "a boolean"
	default:
		return "a number"
	}
}

var pointerEscaper = strings.NewReplacer("~", "~0", "/", "~1")

// escape writes a key as a token of a JSON pointer (RFC 6901).
func escape(key string) string { return pointerEscaper.Replace(key) }

// podFields are the fields of a pod or template that policies see.
var podFields = []string{"metadata", "spec"}

// document returns the target as policies see it.
func (t Target) document() map[string]any {
	doc := map[string]any{"path": t.Path}
	for _, key := range podFields {
		if v, ok := t.Pod[key]; ok {
			doc[key] = v
		}
	}
	return doc
}
