package policies_test

import (
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	resourcehelper "k8s.io/component-helpers/resource"
	"pgregory.net/rapid"
)

// gpuWeights are what the resources of the test are worth, by hand.
var gpuWeights = map[corev1.ResourceName]*big.Rat{
	"nvidia.com/gpu":           big.NewRat(1, 1),
	"nvidia.com/gpu.shared":    big.NewRat(1, 4),
	"nvidia.com/mig-1g.5gb":    big.NewRat(1, 7),
	"nvidia.com/mig-3g.20gb":   big.NewRat(3, 7),
	"nvidia.com/mig-1c.2g.5gb": big.NewRat(1, 7),
	"amd.com/gpu":              big.NewRat(2, 3),
	"deviceclass.resource.kubernetes.io/gpu.nvidia.com": big.NewRat(1, 1),
}

// The units of a pod are what the scheduler counts of each resource, weighed, and
// a bound refuses exactly what exceeds it when rounded up to millionths.
func TestGPUUnitsAreWhatTheSchedulerCounts(t *testing.T) {
	query := prepareRego(t, `package oracle

import data.usher.gpu_quota
import data.usher.lib.gpus

answer := {
	"units": gpus.text(gpu_quota._pod_units),
	"refused": "per-pod" in {finding.check | some finding in gpu_quota.deny},
}
`, "x = data.oracle.answer", "gpu_quota")
	names := slices.Sorted(maps.Keys(gpuWeights))
	asks := rapid.Custom(func(t *rapid.T) corev1.Container {
		limits := corev1.ResourceList{}
		for range rapid.IntRange(0, 3).Draw(t, "resources") {
			name := rapid.SampledFrom(names).Draw(t, "resource")
			limits[name] = *resource.NewQuantity(rapid.Int64Range(0, 9).Draw(t, "count"), resource.DecimalSI)
		}
		return corev1.Container{Resources: corev1.ResourceRequirements{Limits: limits, Requests: limits}}
	})
	rapid.Check(t, func(r *rapid.T) {
		pod := &corev1.Pod{Spec: corev1.PodSpec{
			InitContainers: rapid.SliceOfN(asks, 0, 3).Draw(r, "initContainers"),
			Containers:     rapid.SliceOfN(asks, 1, 3).Draw(r, "containers"),
		}}
		always := corev1.ContainerRestartPolicyAlways
		for i := range pod.Spec.InitContainers {
			if rapid.Bool().Draw(r, "sidecar") {
				pod.Spec.InitContainers[i].RestartPolicy = &always
			}
		}
		units := new(big.Rat)
		for name, amount := range resourcehelper.PodRequests(pod, resourcehelper.PodResourcesOptions{}) {
			units.Add(units, new(big.Rat).Mul(gpuWeights[name], new(big.Rat).SetInt64(amount.Value())))
		}
		millionths := ceiling(new(big.Rat).Mul(units, big.NewRat(1_000_000, 1)))
		bound := millionths + rapid.SampledFrom([]int64{-1, 0, 1}).Draw(r, "slack")

		in := creation(pod.Spec, map[string]any{
			"gpu_resources": []string{"nvidia.com/*", "amd.com/gpu"}, "gpu_device_classes": []string{"*"},
			"weights": map[string]any{"amd.com/gpu": "2/3"}, "mig_slices": 7, "shared_replicas": 4,
		})
		in["tenant"] = map[string]any{"spec": map[string]any{"gpu": map[string]any{
			"perPod": resource.NewScaledQuantity(max(bound, 0), resource.Micro).String(), "resources": []string{"*"}, "deviceClasses": []string{"gpu.nvidia.com"},
		}}}
		want := map[string]any{"units": decimal(millionths), "refused": bound >= 0 && millionths > bound}
		if diff := cmp.Diff(want, evaluate(t, query, plain(t, in))); diff != "" {
			r.Fatalf("of %s (-want +got):\n%s", mustMarshal(t, pod.Spec), diff)
		}
	})
}

func ceiling(x *big.Rat) int64 {
	sum := new(big.Int).Add(x.Num(), new(big.Int).Sub(x.Denom(), big.NewInt(1)))
	return sum.Div(sum, x.Denom()).Int64()
}

// decimal writes millionths as a decimal number without zeros at its end.
func decimal(millionths int64) string {
	text := big.NewRat(millionths, 1_000_000).FloatString(6)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}
