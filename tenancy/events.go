package tenancy

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// repaired tells that somebody's change was undone.
func (r *run) repaired(o client.Object, how string) {
	r.events.Eventf(r.tenant, o, corev1.EventTypeWarning, ReasonDriftRepaired, "Repair", "%s",
		fmt.Sprintf("%s %s; it is again", r.describe(o), how))
}
