package policies_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	jsonpatch "github.com/evanphx/json-patch/v5"
	"github.com/google/go-cmp/cmp"
	"github.com/open-policy-agent/opa/v1/rego"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	resourcehelper "k8s.io/component-helpers/resource"
	"pgregory.net/rapid"
)

// amounts generates resource lists of few resources and few, often equal
// amounts, so that bounds are met, hit exactly and exceeded.
func amounts(names ...corev1.ResourceName) *rapid.Generator[corev1.ResourceList] {
	return rapid.Custom(func(t *rapid.T) corev1.ResourceList {
		var list corev1.ResourceList
		for _, name := range names {
			if !rapid.Bool().Draw(t, "has "+string(name)) {
				continue
			}
			if list == nil {
				list = corev1.ResourceList{}
			}
			forms := []string{"0", "1", "500m", "0.5", "1000m", "2", "2e0", "3", "250m", "1500m"}
			if name == corev1.ResourceMemory {
				forms = []string{"0", "64Mi", "1Gi", "1024Mi", "1073741824", "2Gi", "0.5Gi", "1G", "1000000k"}
			}
			list[name] = resource.MustParse(rapid.SampledFrom(forms).Draw(t, string(name)))
		}
		return list
	})
}

func randomPod(t *rapid.T) *corev1.Pod {
	all := []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory, "nvidia.com/gpu", corev1.ResourceEphemeralStorage}
	container := rapid.Custom(func(t *rapid.T) corev1.Container {
		c := corev1.Container{Resources: corev1.ResourceRequirements{
			Requests: amounts(all...).Draw(t, "requests"),
			Limits:   amounts(all...).Draw(t, "limits"),
		}}
		if rapid.Bool().Draw(t, "sidecar") {
			always := corev1.ContainerRestartPolicyAlways
			c.RestartPolicy = &always
		}
		return c
	})
	pod := &corev1.Pod{Spec: corev1.PodSpec{
		InitContainers: rapid.SliceOfN(container, 0, 4).Draw(t, "initContainers"),
		Containers:     rapid.SliceOfN(container, 1, 3).Draw(t, "containers"),
	}}
	for i := range pod.Spec.Containers {
		pod.Spec.Containers[i].RestartPolicy = nil
	}
	if rapid.IntRange(0, 3).Draw(t, "pod level") == 0 {
		pod.Spec.Resources = &corev1.ResourceRequirements{
			Requests: amounts(corev1.ResourceCPU, corev1.ResourceMemory).Draw(t, "pod requests"),
			Limits:   amounts(corev1.ResourceCPU, corev1.ResourceMemory).Draw(t, "pod limits"),
		}
	}
	if rapid.IntRange(0, 3).Draw(t, "overhead") == 0 {
		pod.Spec.Overhead = amounts(corev1.ResourceCPU, corev1.ResourceMemory).Draw(t, "overhead")
	}
	return pod
}

// randomParams generates parameters of resource_limits.
func randomParams(t *rapid.T) map[string]any {
	params := map[string]any{
		"inject_defaults": true,
		"required":        rapid.SampledFrom([][]string{{}, {"limits.cpu", "limits.memory", "requests.cpu", "requests.memory"}, {"limits.memory"}}).Draw(t, "required"),
	}
	for _, name := range []string{"default_limits", "default_requests"} {
		params[name] = amounts(corev1.ResourceCPU, corev1.ResourceMemory).Draw(t, name)
	}
	// Bounds of zero would be no bounds worth testing, and a least above the
	// most nothing that a pod could meet.
	for _, name := range []string{"container_max", "pod_max"} {
		params[name] = positive(amounts("cpu", "memory", "nvidia.com/gpu", "ephemeral-storage").Draw(t, name))
	}
	for _, name := range []string{"container_min", "pod_min"} {
		least := amounts("cpu", "memory", "nvidia.com/gpu").Draw(t, name)
		most := params[strings.Replace(name, "min", "max", 1)].(corev1.ResourceList)
		maps.DeleteFunc(least, func(name corev1.ResourceName, q resource.Quantity) bool {
			bound, ok := most[name]
			return ok && bound.Cmp(q) < 0
		})
		params[name] = least
	}
	params["max_ratio"] = map[string]any{}
	if ratio := rapid.SampledFrom([]string{"", "1", "1.5", "4"}).Draw(t, "ratio"); ratio != "" {
		params["max_ratio"] = map[string]any{"cpu": ratio, "memory": ratio}
	}
	return params
}

func positive(list corev1.ResourceList) corev1.ResourceList {
	maps.DeleteFunc(list, func(_ corev1.ResourceName, q resource.Quantity) bool { return q.IsZero() })
	return list
}

// creation is the input of a policy when a pod is created.
func creation(pod, params any) map[string]any {
	return map[string]any{
		"request": map[string]any{"operation": "CREATE"},
		"pod":     map[string]any{"path": "", "metadata": map[string]any{}, "spec": pod},
		"params":  params,
	}
}

const resourceLimitsModule = `package oracle

import data.usher.resource_limits

answer := {
	"checks": {finding.check | some finding in resource_limits.deny},
	"findings": {[finding.check, finding.path] | some finding in resource_limits.deny},
	"patch": [op | some op in resource_limits.patch],
	"sums": {section: {name: format_int(resource_limits._sum(section, name), 10) | some name in input.names} | some section in ["requests", "limits"]},
}
`

type resourceLimitsAnswer struct {
	Checks   []string
	Findings [][2]string
	Patch    json.RawMessage
	Sums     map[string]map[string]string
}

func askResourceLimits(tb testing.TB, query rego.PreparedEvalQuery, spec, params any) resourceLimitsAnswer {
	tb.Helper()
	in := creation(spec, params)
	in["names"] = []string{"cpu", "memory", "nvidia.com/gpu", "ephemeral-storage"}
	raw, err := json.Marshal(evaluate(tb, query, plain(tb, in)))
	if err != nil {
		tb.Fatal(err)
	}
	var answer resourceLimitsAnswer
	if err := json.Unmarshal(raw, &answer); err != nil {
		tb.Fatal(err)
	}
	return answer
}

// plain returns a value as decoded JSON.
func plain(tb testing.TB, v any) any {
	tb.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	var out any
	if err := json.Unmarshal(raw, &out); err != nil {
		tb.Fatal(err)
	}
	return out
}

func TestDefaultsAreInjectedOnceAndBreakNothing(t *testing.T) {
	query := prepareRego(t, resourceLimitsModule, "x = data.oracle.answer", "resource_limits")
	rapid.Check(t, func(r *rapid.T) {
		pod := randomPod(r)
		params := randomParams(r)
		before := askResourceLimits(t, query, pod.Spec, params)

		patched := applyToSpec(t, pod.Spec, before.Patch)
		after := askResourceLimits(t, query, patched, params)
		if string(after.Patch) != "[]" {
			r.Fatalf("the patched pod is patched again: %s", after.Patch)
		}
		for _, check := range after.Checks {
			if !slices.Contains(before.Checks, check) {
				r.Fatalf("the patch %s makes check %s fail: %v", before.Patch, check, after.Findings)
			}
		}
		for _, lost := range lostFields("", plain(t, pod.Spec), patched) {
			r.Fatalf("the patch %s changes %s", before.Patch, lost)
		}
		for _, op := range operations(t, before.Patch) {
			if !strings.HasPrefix(op.Path, "/spec/containers/") && !strings.HasPrefix(op.Path, "/spec/initContainers/") {
				r.Fatalf("the patch touches %s", op.Path)
			}
		}
	})
}

type operation struct {
	Op, Path string
	Value    any
}

func operations(tb testing.TB, patch json.RawMessage) []operation {
	tb.Helper()
	var ops []operation
	if err := json.Unmarshal(patch, &ops); err != nil {
		tb.Fatal(err)
	}
	return ops
}

func applyToSpec(tb testing.TB, spec any, operations json.RawMessage) any {
	tb.Helper()
	document, err := json.Marshal(map[string]any{"spec": spec})
	if err != nil {
		tb.Fatal(err)
	}
	patch, err := jsonpatch.DecodePatch(operations)
	if err != nil {
		tb.Fatal(err)
	}
	if document, err = patch.Apply(document); err != nil {
		tb.Fatalf("apply %s: %v", operations, err)
	}
	var out map[string]any
	if err := json.Unmarshal(document, &out); err != nil {
		tb.Fatal(err)
	}
	return out["spec"]
}

// lostFields lists the values that a patch changed or removed.
func lostFields(path string, before, after any) []string {
	switch before := before.(type) {
	case map[string]any:
		after, ok := after.(map[string]any)
		if !ok {
			return []string{path}
		}
		var lost []string
		for key, value := range before {
			lost = append(lost, lostFields(path+"/"+key, value, after[key])...)
		}
		return lost
	case []any:
		after, ok := after.([]any)
		if !ok || len(after) != len(before) {
			return []string{path}
		}
		var lost []string
		for i, value := range before {
			lost = append(lost, lostFields(fmt.Sprint(path, "/", i), value, after[i])...)
		}
		return lost
	default:
		if before != after {
			return []string{path}
		}
		return nil
	}
}

// The sums are those of the scheduler and of kubelet.
func TestPodSumsAreKubernetesOwn(t *testing.T) {
	query := prepareRego(t, resourceLimitsModule, "x = data.oracle.answer", "resource_limits")
	rapid.Check(t, func(r *rapid.T) {
		pod := randomPod(r)
		got := askResourceLimits(t, query, pod.Spec, map[string]any{}).Sums
		applyDefaults(pod)
		want := map[string]map[string]string{"requests": {}, "limits": {}}
		for section, list := range map[string]corev1.ResourceList{
			"requests": resourcehelper.PodRequests(pod, resourcehelper.PodResourcesOptions{}),
			"limits":   resourcehelper.PodLimits(pod, resourcehelper.PodResourcesOptions{}),
		} {
			for _, name := range []corev1.ResourceName{"cpu", "memory", "nvidia.com/gpu", "ephemeral-storage"} {
				amount := list[name]
				want[section][string(name)] = nanoAmount(amount.String())
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			r.Fatalf("sums of %s (-Kubernetes +usher):\n%s", plain(t, pod.Spec), diff)
		}
	})
}

// applyDefaults does what the API server does before it asks anyone: a limit is
// the request where there is none, in containers and in the pod as a whole.
func applyDefaults(pod *corev1.Pod) {
	limitsAreRequests := func(r *corev1.ResourceRequirements) {
		requests := corev1.ResourceList{}
		maps.Copy(requests, r.Limits)
		maps.Copy(requests, r.Requests)
		r.Requests = requests
	}
	for _, list := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range list {
			limitsAreRequests(&list[i].Resources)
		}
	}
	whole := pod.Spec.Resources
	if whole == nil || len(whole.Limits) == 0 {
		return
	}
	requests := corev1.ResourceList{}
	maps.Copy(requests, whole.Limits)
	for name, amount := range resourcehelper.AggregateContainerRequests(pod, resourcehelper.PodResourcesOptions{}) {
		if resourcehelper.IsSupportedPodLevelResource(name) {
			requests[name] = amount
		}
	}
	maps.Copy(requests, whole.Requests)
	whole.Requests = requests
}

// A second implementation of the bounds on single containers, over
// resource.Quantity.
func TestContainerBoundsAreExact(t *testing.T) {
	query := prepareRego(t, resourceLimitsModule, "x = data.oracle.answer", "resource_limits")
	rapid.Check(t, func(r *rapid.T) {
		pod := randomPod(r)
		pod.Spec.Resources, pod.Spec.Overhead = nil, nil
		params := randomParams(r)
		params["inject_defaults"] = false
		params["required"] = []string{}
		delete(params, "pod_max")
		delete(params, "pod_min")
		got := askResourceLimits(t, query, pod.Spec, params).Findings
		want := containerFindings(pod, params)
		slices.SortFunc(got, func(a, b [2]string) int { return strings.Compare(a[0]+a[1], b[0]+b[1]) })
		if diff := cmp.Diff(want, got); diff != "" {
			r.Fatalf("findings in %s with %s (-want +got):\n%s", plain(t, pod.Spec), plain(t, params), diff)
		}
	})
}

func containerFindings(pod *corev1.Pod, params map[string]any) [][2]string {
	most, least := params["container_max"].(corev1.ResourceList), params["container_min"].(corev1.ResourceList)
	found := map[[2]string]bool{}
	for list, containers := range map[string][]corev1.Container{"initContainers": pod.Spec.InitContainers, "containers": pod.Spec.Containers} {
		for i, c := range containers {
			report := func(check, section string, name corev1.ResourceName) {
				path := fmt.Sprintf("/spec/%s/%d/resources/%s/%s", list, i, section, strings.ReplaceAll(string(name), "/", "~1"))
				found[[2]string{check, path}] = true
			}
			for _, name := range []corev1.ResourceName{"cpu", "memory", "nvidia.com/gpu", "ephemeral-storage"} {
				limit, hasLimit := c.Resources.Limits[name]
				request, hasRequest := c.Resources.Requests[name]
				overcommitted := name != "nvidia.com/gpu"
				unlimited := overcommitted && (!hasLimit || limit.IsZero())
				if !hasRequest {
					request, hasRequest = limit, hasLimit
				}
				if hasLimit && request.Cmp(limit) != 0 {
					switch {
					case !overcommitted:
						report("request-equals-limit", "requests", name)
					case request.Cmp(limit) > 0:
						report("request-over-limit", "requests", name)
					}
				}
				if bound, ok := most[name]; ok {
					if unlimited || hasLimit && limit.Cmp(bound) > 0 {
						report("container-max", "limits", name)
					}
					if hasRequest && request.Cmp(bound) > 0 {
						report("container-max", "requests", name)
					}
				}
				if bound, ok := least[name]; ok {
					if hasLimit && !unlimited && limit.Cmp(bound) < 0 {
						report("container-min", "limits", name)
					}
					if hasRequest && request.Cmp(bound) < 0 {
						report("container-min", "requests", name)
					}
					if overcommitted && !hasRequest && !bound.IsZero() {
						report("container-min", "requests", name)
					}
				}
				ratio, ok := params["max_ratio"].(map[string]any)[string(name)]
				if !ok {
					continue
				}
				milli := resource.MustParse(ratio.(string))
				if unlimited || limit.MilliValue()*1000 > request.MilliValue()*milli.MilliValue() {
					report("ratio", "limits", name)
				}
			}
		}
	}
	out := slices.SortedFunc(maps.Keys(found), func(a, b [2]string) int { return strings.Compare(a[0]+a[1], b[0]+b[1]) })
	if out == nil {
		out = [][2]string{}
	}
	return out
}
