package policies_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"

	kjson "sigs.k8s.io/json"

	"usher.dev/usher/internal/verdict"
)

const (
	// oddInputs is how many inputs have values of other types put in.
	oddInputs = 1500

	gpuTenant = `{"kind": "Tenant", "metadata": {"name": "acme"}, "spec": {"gpu": {
		"perContainer": "2", "perPod": "4", "resources": ["nvidia.com/*"], "deviceClasses": ["gpu.nvidia.com", "mig.nvidia.com"]}}}`

	// The first container violates each policy once; odd values go everywhere else.
	gpuPod = `{"path": "", "metadata": {"annotations": {"a": "b", "c": "d"}}, "spec": {
		"containers": [
			{"securityContext": {"privileged": true}, "resources": {
				"requests": {"cpu": "2", "nvidia.com/gpu": "500m"}, "limits": {"cpu": "1", "nvidia.com/gpu": "500m"}}},
			{"env": [{"name": "A", "value": "b"}, {"name": "CUDA_VERSION", "valueFrom": {"fieldRef": {"fieldPath": "a"}}}],
				"envFrom": [{"secretRef": {"name": "a"}}], "volumeMounts": [{"name": "a", "mountPath": "/a"}],
				"securityContext": {"privileged": false, "capabilities": {"add": ["CHOWN"]}, "windowsOptions": {"hostProcess": false}},
				"resources": {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "1", "memory": "1Gi", "nvidia.com/mig-1g.5gb": 1}, "claims": [{"name": "a"}]}}],
		"initContainers": [
			{"restartPolicy": "Always", "resources": {"limits": {"nvidia.com/gpu": 1, "deviceclass.resource.kubernetes.io/gpu.nvidia.com": 1}}},
			{"resources": {"requests": {"cpu": "1"}}}],
		"ephemeralContainers": [{"env": [{"name": "NVIDIA_VISIBLE_DEVICES", "value": "void"}], "resources": {}}],
		"volumes": [{"name": "a", "hostPath": {"path": "/srv"}}, {"name": "b", "emptyDir": {}}],
		"resourceClaims": [{"name": "a", "resourceClaimName": "a"}, {"name": "b", "resourceClaimTemplateName": "b"}],
		"resources": {"requests": {"memory": "1Gi"}, "limits": {"memory": "2Gi"}},
		"overhead": {"cpu": "100m"}, "securityContext": {"windowsOptions": {"hostProcess": false}},
		"hostIPC": false, "runtimeClassName": "nvidia"}}`

	gpuClaim = `{"metadata": {"name": "a"}, "spec": {"devices": {"requests": [
		{"name": "a", "exactly": {"deviceClassName": "foreign", "adminAccess": true}},
		{"name": "b", "exactly": {"deviceClassName": "gpu.nvidia.com", "allocationMode": "ExactCount", "count": 1, "adminAccess": false}},
		{"name": "c", "firstAvailable": [{"deviceClassName": "mig.nvidia.com", "count": 1}, {"deviceClassName": "gpu.nvidia.com"}]},
		{"name": "d", "deviceClassName": "gpu.nvidia.com", "allocationMode": "All"}]}}}`
)

// TestOddTypesNeitherFailNorHideViolations replaces parts of pods, claims, tenants
// and parameters by values of other types: no evaluation fails, and what is wrong
// elsewhere is still found.
func TestOddTypesNeitherFailNorHideViolations(t *testing.T) {
	set := shippedAlone(t, "resource_limits", "gpu_quota", "gpu_escape", "gpu_scheduling", "node_identity")
	for _, kind := range []struct {
		name   string
		input  func(r *rand.Rand) verdict.Input
		always []string
	}{
		{"pods", oddPod, []string{
			"gpu_escape privileged /spec/containers/0/securityContext/privileged",
			"gpu_quota whole-number /spec/containers/0/resources/limits/nvidia.com~1gpu",
			"resource_limits request-over-limit /spec/containers/0/resources/requests/cpu",
		}},
		{"claims", oddClaim, []string{"gpu_escape admin-access /spec/devices/requests/0/exactly/adminAccess"}},
		{"tenants", oddTenant, []string{"gpu_quota whole-number /spec/containers/0/resources/limits/nvidia.com~1gpu"}},
	} {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(inShort(oddInputs)) {
				in := kind.input(rand.New(rand.NewPCG(seed, 3)))
				mutation := set.Mutate(context.Background(), in)
				results := slices.Concat(mutation.Results, set.Validate(context.Background(), in))
				found := map[string]bool{}
				for _, r := range results {
					if r.Err != nil {
						t.Fatalf("input %d: policy %s: %v\n%s", seed, r.Policy, r.Err, mustMarshal(t, in))
					}
					for _, f := range r.Deny {
						found[r.Policy+" "+f.Check+" "+f.Path] = true
					}
				}
				for _, violation := range kind.always {
					if !found[violation] {
						t.Fatalf("input %d: %s is not found\n%s", seed, violation, mustMarshal(t, in))
					}
				}
			}
		})
	}
}

// TestGPUQuotaAppliesWhereverItDenies holds the condition under which the policy
// is asked at all against what it says when it is asked.
func TestGPUQuotaAppliesWhereverItDenies(t *testing.T) {
	query := prepareRego(t, `package oracle

import data.usher.gpu_quota

default applies := false

applies if gpu_quota.applies

answer := {"applies": applies, "denies": count(gpu_quota.deny) > 0}
`, "x = data.oracle.answer", "gpu_quota")
	params := parametersOf(t, "gpu_quota")
	passed := 0
	for seed := range uint64(inShort(oddInputs)) {
		r := rand.New(rand.NewPCG(seed, 4))
		in := oddPod(r)
		spec := in.Pod["spec"].(map[string]any)
		containers := spec["containers"].([]any)
		containers[0] = map[string]any{}
		for _, key := range []string{"initContainers", "resourceClaims"} {
			if r.IntN(3) > 0 {
				delete(spec, key)
			}
		}
		if container, ok := containers[1].(map[string]any); ok && r.IntN(3) > 0 {
			container["resources"] = oddValue(r)
		}
		answer := evaluate(t, query, map[string]any{"request": in.Request, "pod": in.Pod, "tenant": in.Tenant, "params": params}).(map[string]any)
		if answer["denies"] == true && answer["applies"] != true {
			t.Fatalf("input %d is denied by a policy that does not apply\n%s", seed, mustMarshal(t, in))
		}
		if answer["applies"] == false {
			passed++
		}
	}
	if passed == 0 {
		t.Error("the policy applied to every pod: the test proves little")
	}
}

func parametersOf(tb testing.TB, policy string) map[string]any {
	tb.Helper()
	for _, p := range shipped(tb).Policies() {
		if p.Name == policy {
			params := map[string]any{}
			for name, parameter := range p.Parameters {
				params[name] = parameter.Default
			}
			return params
		}
	}
	tb.Fatalf("there is no policy %s", policy)
	return nil
}

func oddPod(r *rand.Rand) verdict.Input {
	pod, tenant := decoded(gpuPod), decoded(gpuTenant)
	spec := pod["spec"].(map[string]any)
	places := []any{spec["containers"].([]any)[1], pod["metadata"]}
	for _, key := range []string{"initContainers", "ephemeralContainers", "volumes", "resourceClaims", "resources", "securityContext"} {
		places = append(places, spec[key])
	}
	for range 1 + r.IntN(3) {
		putOddBelow(r, places[r.IntN(len(places))])
	}
	if r.IntN(3) == 0 {
		keys := []string{"initContainers", "ephemeralContainers", "volumes", "resourceClaims", "resources", "overhead", "securityContext", "hostIPC", "runtimeClassName"}
		spec[keys[r.IntN(len(keys))]] = oddValue(r)
	}
	request := map[string]any{"operation": "CREATE", "kind": map[string]any{"group": "", "kind": "Pod"}}
	return verdict.Input{Request: request, Pod: pod, Tenant: tenant, Namespace: map[string]any{}}
}

func oddClaim(r *rand.Rand) verdict.Input {
	claim, tenant := decoded(gpuClaim), decoded(gpuTenant)
	requests := claim["spec"].(map[string]any)["devices"].(map[string]any)["requests"].([]any)
	for range 1 + r.IntN(3) {
		putOddBelow(r, requests[1:])
	}
	if r.IntN(3) == 0 {
		putOddBelow(r, tenant["spec"])
	}
	return verdict.Input{Tenant: tenant, Namespace: map[string]any{}, Request: map[string]any{
		"operation": "CREATE", "object": claim,
		"kind":     map[string]any{"group": "resource.k8s.io", "kind": "ResourceClaim"},
		"userInfo": map[string]any{"username": oddValue(r), "groups": oddValue(r)},
	}}
}

func oddTenant(r *rand.Rand) verdict.Input {
	in := oddPod(r)
	in.Pod = decoded(gpuPod)
	putOddBelow(r, in.Tenant)
	if _, ok := in.Tenant["spec"].(map[string]any); ok && r.IntN(2) == 0 {
		putOddBelow(r, in.Tenant["spec"])
	}
	return in
}

// putOddBelow replaces one value somewhere below parent.
func putOddBelow(r *rand.Rand, parent any) {
	for {
		keys := keysOf(parent)
		if len(keys) == 0 {
			return
		}
		key := keys[r.IntN(len(keys))]
		child := at(parent, key)
		if len(keysOf(child)) == 0 || r.IntN(5) == 0 {
			put(parent, key, oddValue(r))
			return
		}
		parent = child
	}
}

func oddValue(r *rand.Rand) any {
	return []any{
		nil, true, false, int64(0), int64(7), -1.5, "", "x", "all", "nvidia.com/gpu",
		[]any{},
		[]any{nil},
		[]any{"x", int64(1)},
		[]any{map[string]any{"name": int64(1)}},
		map[string]any{},
		map[string]any{"x": "y"},
		map[string]any{"nvidia.com/gpu": "x"},
		map[string]any{"cpu": nil},
	}[r.IntN(18)]
}

// decoded returns JSON as the webhook decodes it.
func decoded(text string) map[string]any {
	var v map[string]any
	if err := kjson.UnmarshalCaseSensitivePreserveInts([]byte(text), &v); err != nil {
		panic(err)
	}
	return v
}
