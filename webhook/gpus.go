package webhook

import (
	"bytes"
	"strings"

	"github.com/valyala/fastjson"
)

// podLists are the lists of a pod's containers.
var podLists = [...]string{"containers", "initContainers", "ephemeralContainers"}

// names reports whether is holds for the name of a resource that a pod mentions,
// of any amount, anywhere: in a container, as a whole, as its overhead. Only
// names with a slash are shown to it: Kubernetes' own resources, which are all
// that most pods ask for, have none and cost nothing.
func names(pod map[string]any, is func(resource string) bool) bool {
	spec := member(pod, "spec")
	if spec == nil {
		return false
	}
	for _, list := range podLists {
		if anyElement(member(spec, list), func(container any) bool { return inResources(member(container, "resources"), is) }) {
			return true
		}
	}
	return inResources(member(spec, "resources"), is) || inAmounts(member(spec, "overhead"), is)
}

func inResources(resources any, is func(string) bool) bool {
	return resources != nil && (inAmounts(member(resources, "limits"), is) || inAmounts(member(resources, "requests"), is))
}

// inAmounts looks at the names in a list of resources with their amounts.
func inAmounts(amounts any, is func(string) bool) bool {
	switch amounts := amounts.(type) {
	case map[string]any:
		for name := range amounts {
			if strings.Contains(name, "/") && is(name) {
				return true
			}
		}
	case *fastjson.Value:
		if amounts.Type() != fastjson.TypeObject {
			return false
		}
		found := false
		amounts.GetObject().Visit(func(name []byte, _ *fastjson.Value) {
			found = found || bytes.IndexByte(name, '/') >= 0 && is(string(name))
		})
		return found
	}
	return false
}

// asksForGPUs reports whether a pod mentions a GPU of any amount.
func (r *Reviewer) asksForGPUs(pod, tenant map[string]any) (bool, error) {
	if !names(pod, func(string) bool { return true }) {
		return false, nil
	}
	weights, err := r.weights.of(tenant)
	if err != nil {
		return false, err
	}
	return names(pod, weights.IsGPU), nil
}
