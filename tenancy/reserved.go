package tenancy

import (
	"slices"
	"strings"
)

// isReserved says whether a namespace can be no tenant's, whatever its labels:
// those of Kubernetes and of usher itself, and those that usher never judges.
func isReserved(namespace string, exempt []string) bool {
	return namespace == "default" || namespace == "usher-system" || strings.HasPrefix(namespace, "kube-") ||
		slices.Contains(exempt, namespace)
}
