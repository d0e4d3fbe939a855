package storm

import (
	"math/big"
	"strings"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/component-helpers/resource"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/test/e2e/storm/ledgercheck"
)

// GPU resources of the tests.
const (
	wholeGPU  = "nvidia.com/gpu"
	sharedGPU = "nvidia.com/gpu.shared"
	mig1g     = "nvidia.com/mig-1g.10gb"
	mig3g     = "nvidia.com/mig-3g.40gb"
	gpuClass  = "gpu.nvidia.com"
)

// weights are what each is worth in GPUs, by hand: what the tests expect must not
// come from usher. Shared GPUs are divided in two unless their node says otherwise.
var weights = map[string]*big.Rat{
	wholeGPU:  big.NewRat(1, 1),
	sharedGPU: big.NewRat(1, 2),
	mig1g:     big.NewRat(1, 7),
	mig3g:     big.NewRat(3, 7),
}

// shares are into how many a node's devices of a resource are divided.
type shares map[string]int64

// podHolding is what a pod holds by Kubernetes' own rule; false: nothing.
func podHolding(pod *corev1.Pod, node shares) (ledgercheck.Holding, bool) {
	h := holdingOf(v1alpha1.KindPod, &pod.ObjectMeta)
	total := new(big.Rat)
	for name, quantity := range resource.PodRequests(pod, resource.PodResourcesOptions{}) {
		weight := weights[string(name)]
		if weight == nil {
			continue
		}
		if n := node[string(name)]; n > 0 && strings.HasSuffix(string(name), ".shared") {
			weight = big.NewRat(1, n)
		}
		n := quantity.Value()
		total.Add(total, new(big.Rat).Mul(weight, new(big.Rat).SetInt64(n)))
		h.Resources[string(name)] = n
	}
	h.MicroUnits = millionths(total)
	ended := pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
	return h, len(h.Resources) > 0 && !ended
}

// claimHolding is the most that a claim of the tests can be given.
func claimHolding(claim *resourcev1.ResourceClaim) (ledgercheck.Holding, bool) {
	h := holdingOf(v1alpha1.KindClaim, &claim.ObjectMeta)
	for i := range claim.Spec.Devices.Requests {
		request := &claim.Spec.Devices.Requests[i]
		most := int64(0)
		if request.Exactly != nil {
			most = request.Exactly.Count
		}
		for _, alternative := range request.FirstAvailable {
			most = max(most, alternative.Count)
		}
		h.MicroUnits += most * 1_000_000
		h.Resources[resourcev1.ResourceDeviceClassPrefix+gpuClass] += most
	}
	return h, h.MicroUnits > 0
}

// millionths rounds up to whole millionths.
func millionths(gpus *big.Rat) int64 {
	n := new(big.Rat).Mul(gpus, big.NewRat(1_000_000, 1))
	up := new(big.Int).Add(n.Num(), new(big.Int).Sub(n.Denom(), big.NewInt(1)))
	return up.Div(up, n.Denom()).Int64()
}
