package agent

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"usher.dev/usher/api/v1alpha1"
)

// compose returns the report that the facts make. previous is the report before
// it, from which the times are kept of what goes on.
func compose(probes []Probe, f *Facts, previous *v1alpha1.GPUNodeStatus) *v1alpha1.GPUNodeStatus {
	status := &v1alpha1.GPUNodeStatus{}
	for _, p := range probes {
		p.Compute(f, status)
	}
	status.Summary = summarize(status)
	now := metav1.NewTime(f.Now).Rfc3339Copy()
	keepSince(status.GPUs, previous.GPUs, now)
	status.Conditions = slices.Clone(previous.Conditions)
	for _, c := range conditions(probes, f) {
		c.LastTransitionTime = now
		meta.SetStatusCondition(&status.Conditions, c)
	}
	return status
}

// keepSince sets since when each reason holds.
func keepSince(gpus, before []v1alpha1.GPU, now metav1.Time) {
	type key struct{ uuid, code string }
	since := map[key]*metav1.Time{}
	for _, g := range before {
		for _, r := range g.HealthReasons {
			since[key{g.UUID, r.Code}] = r.Since
		}
	}
	for i := range gpus {
		for k := range gpus[i].HealthReasons {
			reason := &gpus[i].HealthReasons[k]
			if reason.Since == nil {
				reason.Since = cmp.Or(since[key{gpus[i].UUID, reason.Code}], &now)
			}
		}
	}
}

// The reasons for which a report is not Ready besides those of the driver.
const (
	reasonProbeFailed       = "ProbeFailed"
	reasonAllocationUnknown = "AllocationUnknown"
)

// conditions returns the conditions of a report, without times.
func conditions(probes []Probe, f *Facts) []metav1.Condition {
	ready := metav1.Condition{Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, Reason: "Complete", Message: "the report is whole"}
	unready := func(reason, message string) {
		if ready.Status == metav1.ConditionTrue {
			ready.Status, ready.Reason, ready.Message = metav1.ConditionFalse, reason, message
		}
	}

	driver := metav1.Condition{Type: v1alpha1.ConditionDriverResponsive, Status: metav1.ConditionTrue, Reason: "Answered"}
	switch {
	case f.Driver.Err != nil:
		driver.Status, driver.Reason, driver.Message = metav1.ConditionFalse, driverReason(f.Driver.Err), f.Driver.Err.Error()
		unready(driver.Reason, driver.Message)
	case len(f.Driver.Unknown) > 0:
		var silent []string
		for _, index := range sortedKeys(f.Driver.Unknown) {
			silent = append(silent, fmt.Sprintf("GPU %d: %v", index, f.Driver.Unknown[index]))
		}
		driver.Message = "left out, because they do not say who they are: " + strings.Join(silent, "; ")
	}

	if failed := f.failed(probes); len(failed) > 0 {
		unready(reasonProbeFailed, fmt.Sprintf("%s: %v", failed[0], f.Errors[failed[0]]))
	}

	allocation := metav1.Condition{Type: v1alpha1.ConditionAllocationKnown, Status: metav1.ConditionTrue, Reason: "KubeletAnswered"}
	switch kubelet := f.Kubelet; {
	case !kubelet.Asked:
		allocation.Reason, allocation.Message = "NoKubelet", "there is no kubelet to ask: nobody is taken to hold more than what the source says"
	case kubelet.Err != nil:
		allocation.Status, allocation.Reason, allocation.Message = metav1.ConditionFalse, "KubeletSilent", kubelet.Err.Error()
		if kubelet.Answered.IsZero() || passed(kubelet.Answered, f.Now, allocationGrace) {
			unready(reasonAllocationUnknown, kubelet.Err.Error())
		}
	}
	return []metav1.Condition{ready, driver, allocation}
}

// driverReason is the word for an error of the whole driver.
func driverReason(err error) string {
	for _, known := range []struct {
		err    error
		reason string
	}{
		{ErrHung, "DriverHung"},
		{ErrNoLibrary, "LibraryNotFound"},
		{ErrNoDriver, "DriverNotLoaded"},
		{ErrReloaded, "DriverReloaded"},
		{ErrMismatch, "LibraryMismatch"},
	} {
		if errors.Is(err, known.err) {
			return known.reason
		}
	}
	return "DriverError"
}

// summarize counts what a report says, for people.
func summarize(status *v1alpha1.GPUNodeStatus) *v1alpha1.GPUNodeSummary {
	held := map[string]bool{}
	for _, a := range status.Allocations {
		held[a.Device] = true
	}
	summary := &v1alpha1.GPUNodeSummary{GPUs: int32(len(status.GPUs)), Links: mostLinks(status.Links)}
	for _, g := range status.GPUs {
		if g.Health == v1alpha1.Unhealthy {
			continue
		}
		summary.Healthy++
		taken := held[g.UUID]
		if g.MIG != nil {
			taken = taken || slices.ContainsFunc(g.MIG.Instances, func(i v1alpha1.MIGInstance) bool { return held[i.UUID] })
		}
		if !taken {
			summary.Free++
		}
	}
	return summary
}

// mostLinks names what connects most pairs; of several, the first by name.
func mostLinks(links []v1alpha1.GPULink) string {
	count := map[string]int{}
	for _, l := range links {
		switch {
		case l.NVLinkLanes > 0:
			count[fmt.Sprintf("NV%d", l.NVLinkLanes)]++
		case l.Path != "":
			count[string(l.Path)]++
		}
	}
	if len(count) == 0 {
		return ""
	}
	return slices.MaxFunc(slices.Sorted(maps.Keys(count)), func(a, b string) int {
		return cmp.Or(cmp.Compare(count[a], count[b]), -cmp.Compare(a, b))
	})
}
