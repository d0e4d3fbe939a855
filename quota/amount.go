package quota

import (
	"math/big"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	resourcehelper "k8s.io/component-helpers/resource"
)

const (
	// maxCount bounds the devices of one resource that count; no cluster has as many.
	maxCount = 1_000_000_000
	// maxUnits bounds what one holder counts, so that sums of a whole ledger fit.
	maxUnits Units = 1_000_000_000_000_000
)

// Pod is what a pod holds of its nodes' extended resources: of each resource by
// Kubernetes' own rule for init containers and sidecars (KEP-753), weighed, and the
// sum rounded up. replicas says into how many shares the devices of a resource are
// divided on the pod's node, and may be nil. Device claims of the pod hold theirs
// themselves.
func (w *Weights) Pod(spec *corev1.PodSpec, replicas func(resource string) (int64, bool)) Amount {
	counted := &corev1.Pod{Spec: corev1.PodSpec{
		InitContainers: w.gpusOf(spec.InitContainers),
		Containers:     w.gpusOf(spec.Containers),
		Overhead:       w.gpus(spec.Overhead),
	}}
	total := new(big.Rat)
	amount := Amount{}
	for name, quantity := range resourcehelper.PodRequests(counted, resourcehelper.PodResourcesOptions{}) {
		amount.add(total, string(name), quantity.Value(), w.weight(string(name), replicas))
	}
	amount.Units = roundUp(total)
	return amount
}

// gpusOf returns containers that ask for nothing but GPUs: of each the most that
// a limit or a request says.
func (w *Weights) gpusOf(containers []corev1.Container) []corev1.Container {
	out := make([]corev1.Container, len(containers))
	for i := range containers {
		c := &containers[i]
		requests := w.gpus(c.Resources.Requests)
		for name, limit := range w.gpus(c.Resources.Limits) {
			if request, ok := requests[name]; !ok || limit.Cmp(request) > 0 {
				if requests == nil {
					requests = corev1.ResourceList{}
				}
				requests[name] = limit
			}
		}
		out[i] = corev1.Container{RestartPolicy: c.RestartPolicy, Resources: corev1.ResourceRequirements{Requests: requests}}
	}
	return out
}

func (w *Weights) gpus(list corev1.ResourceList) corev1.ResourceList {
	var out corev1.ResourceList
	for name, quantity := range list {
		if !w.IsGPU(string(name)) || quantity.Sign() <= 0 {
			continue
		}
		if out == nil {
			out = corev1.ResourceList{}
		}
		count, _ := new(big.Rat).SetString(quantity.AsDec().String())
		out[name] = *resource.NewQuantity(clampCount(count), resource.DecimalSI)
	}
	return out
}

// Claim is the most that a claim could be given: of each request all of its
// devices, of several alternatives the dearest. Of the devices of one class it
// counts the most that any alternative could take. Requests with adminAccess hold
// nothing: they share what others hold.
func (w *Weights) Claim(spec *resourcev1.ResourceClaimSpec) Amount {
	total := new(big.Rat)
	amount := Amount{}
	for i := range spec.Devices.Requests {
		request := &spec.Devices.Requests[i]
		var alternatives []resourcev1.DeviceSubRequest
		switch exactly := request.Exactly; {
		case exactly == nil:
			alternatives = request.FirstAvailable
		case exactly.AdminAccess == nil || !*exactly.AdminAccess:
			alternatives = []resourcev1.DeviceSubRequest{{
				DeviceClassName: exactly.DeviceClassName, AllocationMode: exactly.AllocationMode, Count: exactly.Count,
			}}
		}
		dearest := new(big.Rat)
		most := map[string]int64{}
		for j := range alternatives {
			a := &alternatives[j]
			if a.DeviceClassName != "" && !w.classes.match(a.DeviceClassName) {
				continue
			}
			name := resourcev1.ResourceDeviceClassPrefix + a.DeviceClassName
			count := w.devices(a)
			units := new(big.Rat).Mul(w.weight(name, nil), big.NewRat(count, 1))
			if units.Cmp(dearest) > 0 {
				dearest = units
			}
			most[name] = max(most[name], count)
		}
		total.Add(total, dearest)
		for name, count := range most {
			amount.count(name, count)
		}
	}
	amount.Units = roundUp(total)
	return amount
}

// devices is how many devices an alternative takes at most. Kubernetes reads a
// count of 0 as 1; All is bounded by max_all_devices, else by what a node has.
func (w *Weights) devices(a *resourcev1.DeviceSubRequest) int64 {
	if a.AllocationMode == resourcev1.DeviceAllocationModeAll {
		return w.allDevices
	}
	return min(max(a.Count, 1), maxCount)
}

// add counts devices of a resource, and weighs them into a total.
func (a *Amount) add(total *big.Rat, name string, count int64, weight *big.Rat) {
	if count == 0 {
		return
	}
	total.Add(total, new(big.Rat).Mul(weight, big.NewRat(count, 1)))
	a.count(name, count)
}

func (a *Amount) count(name string, count int64) {
	if count == 0 {
		return
	}
	if a.Resources == nil {
		a.Resources = map[string]int64{}
	}
	a.Resources[name] = min(a.Resources[name]+count, maxCount)
}

// roundUp turns GPUs into units.
func roundUp(gpus *big.Rat) Units {
	millionths := new(big.Rat).Mul(gpus, big.NewRat(int64(One), 1))
	sum := new(big.Int).Add(millionths.Num(), new(big.Int).Sub(millionths.Denom(), big.NewInt(1)))
	units := sum.Div(sum, millionths.Denom())
	if !units.IsInt64() || Units(units.Int64()) > maxUnits {
		return maxUnits
	}
	return Units(units.Int64())
}

// clampCount rounds a number of devices up to a whole one, and bounds it.
func clampCount(n *big.Rat) int64 {
	if n.Cmp(big.NewRat(maxCount, 1)) >= 0 {
		return maxCount
	}
	rounded := new(big.Int).Add(n.Num(), new(big.Int).Sub(n.Denom(), big.NewInt(1)))
	return rounded.Div(rounded, n.Denom()).Int64()
}
