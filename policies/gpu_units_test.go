package policies_test

import (
	"encoding/json"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	resourcehelper "k8s.io/component-helpers/resource"
	"pgregory.net/rapid"

	"usher.dev/usher/internal/config"
	"usher.dev/usher/internal/engine"
	"usher.dev/usher/policies"
	"usher.dev/usher/quota"
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
		if rapid.Bool().Draw(r, "runtimeClass") {
			pod.Spec.Overhead = corev1.ResourceList{"cpu": resource.MustParse("100m")}
			for range rapid.IntRange(0, 2).Draw(r, "overheads") {
				name := rapid.SampledFrom(names).Draw(r, "overhead")
				pod.Spec.Overhead[name] = *resource.NewQuantity(rapid.Int64Range(0, 3).Draw(r, "overheadCount"), resource.DecimalSI)
			}
		}
		always := corev1.ContainerRestartPolicyAlways
		for i := range pod.Spec.InitContainers {
			if rapid.Bool().Draw(r, "sidecar") {
				pod.Spec.InitContainers[i].RestartPolicy = &always
			}
		}
		units := new(big.Rat)
		devices := map[string]int64{}
		for name, amount := range resourcehelper.PodRequests(pod, resourcehelper.PodResourcesOptions{}) {
			if gpuWeights[name] == nil {
				continue
			}
			if amount.Sign() > 0 {
				devices[string(name)] = amount.Value()
			}
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
		counted := quota.Amount{Units: quota.Units(millionths), Resources: devices}
		if diff := cmp.Diff(counted, gpuQuota(t).Pod(&pod.Spec, nil), cmpopts.EquateEmpty()); diff != "" {
			r.Fatalf("the ledger counts (-want +got):\n%s\nof %s", diff, mustMarshal(t, pod.Spec))
		}
		if diff := cmp.Diff(want, evaluate(t, query, plain(t, in))); diff != "" {
			r.Fatalf("of %s (-want +got):\n%s", mustMarshal(t, pod.Spec), diff)
		}
	})
}

// gpuQuota are the weights of the tests, as the ledger reads them.
func gpuQuota(t testing.TB) *quota.Weights {
	t.Helper()
	w, err := quota.ParseWeights(map[string]any{
		"gpu_resources": []any{"nvidia.com/*", "amd.com/gpu"},
		"weights":       map[string]any{"amd.com/gpu": "2/3"}, "shared_replicas": json.Number("4"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// The ledger counts claims as the policy judges them, and weighs by the same
// parameters, odd ones included.
func TestGPUUnitsOfClaimsAreTheSameInGo(t *testing.T) {
	query := prepareRego(t, `package oracle

import data.usher.gpu_quota
import data.usher.lib.gpus

answer := gpus.text(gpu_quota._claim_units)
`, "x = data.oracle.answer", "gpu_quota")
	classes := rapid.SampledFrom([]string{"gpu.nvidia.com", "mig.nvidia.com", "half.example", "free.example", "nic.example"})
	weight := rapid.SampledFrom([]any{"1/2", "3/7", "250m", json.Number("2"), json.Number("0.125"), "0", "x", "1/0", nil, true})
	rapid.Check(t, func(r *rapid.T) {
		parameters := map[string]any{
			"gpu_resources":      []any{"nvidia.com/*"},
			"gpu_device_classes": []any{"*.com", "half.*", "*ree*"},
			"weights": map[string]any{
				"deviceclass.resource.kubernetes.io/half.example":   weight.Draw(r, "weight"),
				"deviceclass.resource.kubernetes.io/mig.nvidia.com": "3/7",
			},
			"mig_slices": json.Number("7"), "shared_replicas": json.Number("1"),
			"max_all_devices": rapid.SampledFrom([]any{json.Number("8"), "16", json.Number("0")}).Draw(r, "max_all_devices"),
			"claim_writers":   map[string]any{"users": []any{}, "groups": []any{}},
		}
		sub := rapid.Custom(func(t *rapid.T) resourcev1.DeviceSubRequest {
			d := resourcev1.DeviceSubRequest{Name: "s", DeviceClassName: classes.Draw(t, "class"), AllocationMode: resourcev1.DeviceAllocationModeExactCount, Count: rapid.Int64Range(0, 9).Draw(t, "count")}
			if rapid.Bool().Draw(t, "all") {
				d.AllocationMode, d.Count = resourcev1.DeviceAllocationModeAll, 0
			}
			return d
		})
		var spec resourcev1.ResourceClaimSpec
		for range rapid.IntRange(0, 4).Draw(r, "requests") {
			request := resourcev1.DeviceRequest{Name: "r"}
			if rapid.Bool().Draw(r, "exactly") {
				d := sub.Draw(r, "device")
				request.Exactly = &resourcev1.ExactDeviceRequest{DeviceClassName: d.DeviceClassName, AllocationMode: d.AllocationMode, Count: d.Count}
				if rapid.Bool().Draw(r, "administrative") {
					request.Exactly.AdminAccess = rapid.Ptr(rapid.Bool(), false).Draw(r, "adminAccess")
				}
			} else {
				request.FirstAvailable = rapid.SliceOfN(sub, 1, 4).Draw(r, "alternatives")
			}
			spec.Devices.Requests = append(spec.Devices.Requests, request)
		}
		weights, err := quota.ParseWeights(parameters)
		if err != nil {
			r.Fatal(err)
		}
		got := weights.Claim(&spec).Units.String()
		in := map[string]any{
			"request": map[string]any{
				"operation": "CREATE", "kind": map[string]any{"group": "resource.k8s.io", "version": "v1", "kind": "ResourceClaim"},
				"object": map[string]any{"spec": spec},
			},
			"params": parameters,
			"tenant": map[string]any{"spec": map[string]any{"gpu": map[string]any{}}},
		}
		if want := evaluate(t, query, plain(t, in)); got != want {
			r.Fatalf("the ledger counts %s, the policy %s, of %s", got, want, mustMarshal(t, in))
		}
	})
}

// What is a GPU is the same to both.
func TestWhatIsAGPUIsTheSameInGo(t *testing.T) {
	query := prepareRego(t, `package oracle

import data.usher.lib.gpus

default answer := false

answer if gpus.is_gpu(input.name)
`, "x = data.oracle.answer")
	names := []string{
		"cpu", "gpu", "nvidia.com/gpu", "NVIDIA.com/GPU", "amd.com/gpu-x", "rdma/hca", "example.com/vgpu", "habana.ai/gaudi",
		"deviceclass.resource.kubernetes.io/gpu.nvidia.com", "deviceclass.resource.kubernetes.io/nic", "a/b*", "", "/", "*",
	}
	patterns := rapid.SampledFrom([]any{"*", "nvidia.com/*", "*gpu*", "*gpu", "gpu*", "**", "", "a/b*", json.Number("1"), nil, "nic"})
	rapid.Check(t, func(r *rapid.T) {
		lists := rapid.OneOf(rapid.Just[any](nil), rapid.Just[any]("*"), rapid.Map(rapid.SliceOfN(patterns, 0, 3), func(l []any) any { return l }))
		parameters := map[string]any{"gpu_resources": lists.Draw(r, "resources"), "gpu_device_classes": lists.Draw(r, "classes")}
		name := rapid.SampledFrom(names).Draw(r, "name")
		weights, err := quota.ParseWeights(parameters)
		if err != nil {
			r.Fatal(err)
		}
		got := weights.IsGPU(name)
		if want := evaluate(t, query, plain(t, map[string]any{"name": name, "params": parameters})); got != want {
			r.Fatalf("%q is a GPU: %v in Go, %v in Rego, by %v", name, got, want, parameters)
		}
	})
}

// The ledger's defaults are the policy's.
func TestTheLedgersDefaultsAreThePolicys(t *testing.T) {
	cfg, err := config.Parse(nil)
	if err != nil {
		t.Fatal(err)
	}
	set, err := engine.Compile(cfg, policies.FS)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range set.Policies() {
		if p.Name != quota.Policy {
			continue
		}
		for name, value := range quota.Defaults() {
			if diff := cmp.Diff(mustMarshal(t, p.Parameters[name].Default), mustMarshal(t, value)); diff != "" {
				t.Errorf("parameter %s (-policy +ledger):\n%s", name, diff)
			}
		}
		return
	}
	t.Fatalf("there is no policy %s", quota.Policy)
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
