package webhook

import (
	"encoding/json"
	"fmt"
	"slices"

	resourcev1 "k8s.io/api/resource/v1"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/quota"
)

// claimWriters are who makes claims for the extended resources of pods that
// reserved already (KEP-5004): the parameter claim_writers of gpu_quota.
type claimWriters struct {
	Users  []string `json:"users"`
	Groups []string `json:"groups"`
}

func newClaimWriters(cfg *v1alpha1.AdmissionConfiguration) (*claimWriters, error) {
	w := &claimWriters{Users: []string{"system:kube-scheduler", "system:serviceaccount:usher-system:usher-scheduler"}}
	parameter, ok := cfg.Policies[quota.Policy].Parameters["claim_writers"]
	if !ok {
		return w, nil
	}
	*w = claimWriters{}
	if err := json.Unmarshal(parameter.Raw, w); err != nil {
		return nil, fmt.Errorf("policies.%s.parameters.claim_writers: %w", quota.Policy, err)
	}
	return w, nil
}

// sent reports whether one of them sent the request.
func (w *claimWriters) sent(req *Request) bool {
	if slices.Contains(w.Users, req.User) {
		return true
	}
	user, _ := req.Raw["userInfo"].(map[string]any)
	groups, _ := user["groups"].([]any)
	return slices.ContainsFunc(groups, func(group any) bool {
		name, _ := group.(string)
		return slices.Contains(w.Groups, name)
	})
}

// isSchedulersClaim reports whether a claim holds what its pod was charged for.
// Nobody else is believed who says so: the annotation is no secret.
func (r *Reviewer) isSchedulersClaim(req *Request) bool {
	annotations := member(member(req.object.value, "metadata"), "annotations")
	return textOf(member(annotations, resourcev1.ExtendedResourceClaimAnnotation)) == "true" && r.claimWriters.sent(req)
}
