package webhook

import (
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	kjson "sigs.k8s.io/json"

	"usher.dev/usher/internal/jsondoc"
	"usher.dev/usher/quota"
)

// podAmount is what a pod, or a pod of a template, asks for.
func podAmount(weights *quota.Weights, pod map[string]any) (quota.Amount, error) {
	var spec corev1.PodSpec
	if err := decodeInto(pod["spec"], &spec); err != nil {
		return quota.Amount{}, fmt.Errorf("read the pod's spec: %w", err)
	}
	return weights.Pod(&spec, nil), nil
}

// claimAmount is the most that a claim could be given. It is read in every shape
// that the API has had.
func claimAmount(weights *quota.Weights, claim map[string]any) (quota.Amount, error) {
	var spec claimSpec
	if err := decodeInto(claim["spec"], &spec); err != nil {
		return quota.Amount{}, fmt.Errorf("read the claim's spec: %w", err)
	}
	return weights.Claim(spec.current()), nil
}

// claimSpec is the spec of a ResourceClaim of resource.k8s.io/v1, v1beta2 or
// v1beta1, as far as it says which devices are asked for.
type claimSpec struct {
	Devices struct {
		Requests []claimRequest `json:"requests"`
	} `json:"devices"`
}

// claimRequest asks by exactly or firstAvailable; in v1beta1, what stands in
// exactly stood in the request itself.
type claimRequest struct {
	Name           string                         `json:"name"`
	Exactly        *resourcev1.ExactDeviceRequest `json:"exactly"`
	FirstAvailable []resourcev1.DeviceSubRequest  `json:"firstAvailable"`

	resourcev1.ExactDeviceRequest
}

// current is the spec as resource.k8s.io/v1 has it.
func (s *claimSpec) current() *resourcev1.ResourceClaimSpec {
	out := &resourcev1.ResourceClaimSpec{}
	for i := range s.Devices.Requests {
		request := &s.Devices.Requests[i]
		exactly := request.Exactly
		if exactly == nil && len(request.FirstAvailable) == 0 {
			exactly = &request.ExactDeviceRequest
		}
		out.Devices.Requests = append(out.Devices.Requests, resourcev1.DeviceRequest{
			Name: request.Name, Exactly: exactly, FirstAvailable: request.FirstAvailable,
		})
	}
	return out
}

// decodeInto reads a value, parsed or plain, into a type of Kubernetes.
func decodeInto(v, into any) error {
	raw, err := json.Marshal(jsondoc.Plain(v))
	if err != nil {
		return err
	}
	return kjson.UnmarshalCaseSensitivePreserveInts(raw, into)
}
