package tenancy

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/quota"
)

// messageBytes bounds the message of a condition; the API server takes 32 KiB.
const messageBytes = 2048

func setCondition(status *v1alpha1.TenantStatus, t *v1alpha1.Tenant, kind string, is bool, reason, message string) {
	state := metav1.ConditionFalse
	if is {
		state = metav1.ConditionTrue
	}
	if len(message) > messageBytes {
		message = strings.ToValidUTF8(message[:messageBytes], "") + " …"
	}
	apimeta.SetStatusCondition(&status.Conditions, metav1.Condition{
		Type: kind, Status: state, Reason: reason, Message: message, ObservedGeneration: t.Generation,
	})
}

// reasonOf is the reason of an error of the API server, for a condition.
func reasonOf(err error) string {
	if reason := apierrors.ReasonForError(err); reason != metav1.StatusReasonUnknown {
		return string(reason)
	}
	return "Error"
}

// setAccepted says whether an older tenant claims the same.
func (r *run) setAccepted(status *v1alpha1.TenantStatus) {
	if r.accepted() {
		setCondition(status, r.tenant, v1alpha1.ConditionAccepted, true, "NoConflict", "no older Tenant claims the same")
		return
	}
	var all []string
	for _, conflict := range r.conflicts {
		all = append(all, conflict.String())
	}
	setCondition(status, r.tenant, v1alpha1.ConditionAccepted, false, r.conflicts[0].Reason, strings.Join(all, "; "))
}

// setReady says whether the cluster is as the spec says.
func (r *run) setReady(status *v1alpha1.TenantStatus) {
	if !r.accepted() {
		setCondition(status, r.tenant, v1alpha1.ConditionReady, false, "NotAccepted", "an older Tenant claims the same: see the condition Accepted")
		return
	}
	if len(r.problems) == 0 {
		setCondition(status, r.tenant, v1alpha1.ConditionReady, true, "AsSpecified", "the cluster is as the spec says")
		return
	}
	var messages []string
	for _, problem := range r.problems {
		messages = append(messages, problem.message)
	}
	setCondition(status, r.tenant, v1alpha1.ConditionReady, false, r.problems[0].reason, strings.Join(messages, "; "))
}

// setWithinLimits says whether the tenant holds more than it may: because a limit
// was lowered, or a namespace with pods became the tenant's.
func (r *run) setWithinLimits(status *v1alpha1.TenantStatus) {
	over := append(overLedger(r.ledger), overQuota(r.tenant.Spec.Quota, r.quotaUse())...)
	if len(over) == 0 {
		setCondition(status, r.tenant, v1alpha1.ConditionWithinLimits, true, "WithinLimits", "the tenant holds no more than it may")
		return
	}
	setCondition(status, r.tenant, v1alpha1.ConditionWithinLimits, false, "OverLimit",
		"the tenant holds more than it may, and gets nothing new of it: "+strings.Join(over, "; "))
}

// overLedger lists what is held of GPUs beyond the limits.
func overLedger(ledger *v1alpha1.QuotaLedger) []string {
	if ledger == nil {
		return nil
	}
	hard, byNamespace, byResource := ledger.Spec.Hard, map[string]int64{}, map[string]int64{}
	for _, holder := range ledger.Status.Holders {
		byNamespace[holder.Namespace] += holder.MicroUnits
		for name, n := range holder.Resources {
			byResource[name] += n
		}
	}
	var over []string
	if hard.MicroUnits != nil && ledger.Status.Used > *hard.MicroUnits {
		over = append(over, fmt.Sprintf("%s GPUs of %s", quota.Units(ledger.Status.Used), quota.Units(*hard.MicroUnits)))
	}
	if hard.NamespaceMicroUnits != nil {
		for _, namespace := range slices.Sorted(maps.Keys(byNamespace)) {
			if used := byNamespace[namespace]; used > *hard.NamespaceMicroUnits {
				over = append(over, fmt.Sprintf("%s GPUs of %s in namespace %q", quota.Units(used), quota.Units(*hard.NamespaceMicroUnits), namespace))
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(hard.Resources)) {
		if used := byResource[name]; used > hard.Resources[name] {
			over = append(over, fmt.Sprintf("%d %s of %d", used, name, hard.Resources[name]))
		}
	}
	return over
}

// overQuota lists what is held of anything else beyond the tenant-wide quota.
func overQuota(total, used corev1.ResourceList) []string {
	var over []string
	for _, name := range slices.Sorted(maps.Keys(total)) {
		whole, held := total[name], used[name]
		if held.Cmp(whole) > 0 {
			over = append(over, fmt.Sprintf("%s %s of %s", held.String(), name, whole.String()))
		}
	}
	return over
}
