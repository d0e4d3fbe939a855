package scheduling

import (
	"errors"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"usher.dev/usher/test/e2e/await"
)

// TestAPodThatWasNotCountedGoesNowhere adopts a namespace with a pod that waits:
// it was admitted while the namespace was no tenant's, and so without a
// reservation. A pod that is admitted afterwards has one.
func TestAPodThatWasNotCountedGoesNowhere(t *testing.T) {
	f := shared.newFleet(t, map[string]shape{"free": twoBoards})
	f.startAgents(t)
	const namespace = "adopted"
	// No policy is in the way of the pod, so that the ledger alone is.
	labels := map[string]string{tenantLabel: ""}
	for _, policy := range []string{"gpu_quota", "gpu_scheduling", "tenant_isolation"} {
		labels["policy.usher.dev/"+policy] = "off"
	}
	f.cluster.namespace(t, namespace, labels)
	uncounted := ask{gpus, 1, bestEffort}.pod(namespace, "uncounted", gpuScheduler)
	uncounted.Spec.NodeSelector = map[string]string{tenantLabel: tenant}
	uncounted.Spec.Tolerations = []corev1.Toleration{{Key: tenantLabel, Value: tenant, Effect: corev1.TaintEffectNoSchedule}}
	f.cluster.create(t, uncounted)
	f.cluster.waitRefused(t, namespace, "uncounted") // the pool is the tenant's
	adopt := []byte(`{"metadata": {"labels": {"` + tenantLabel + `": "` + tenant + `"}}}`)
	if _, err := f.cluster.client.CoreV1().Namespaces().Patch(t.Context(), namespace, types.StrategicMergePatchType, adopt, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}

	counted := uncounted.DeepCopy()
	counted.Name = "counted"
	f.cluster.create(t, counted)
	f.cluster.waitBound(t, namespace, "counted")
	await.Success(t, patience, "the pod is told why it waits", func() (struct{}, error) {
		reason := f.cluster.waitRefused(t, namespace, "uncounted")
		if !strings.Contains(reason, `the pod was admitted without a reservation of the GPUs of tenant "`+tenant+`"`) {
			return struct{}{}, errors.New(reason)
		}
		return struct{}{}, nil
	})
	if node := f.cluster.extender.explain(t, namespace, "uncounted").of(t, "free"); !strings.Contains(node.Filtered, "delete it and create it again") {
		t.Errorf("explained by %q", node.Filtered)
	}

	t.Run("until it is created again", func(t *testing.T) {
		f.cluster.remove(t, namespace, "uncounted")
		f.cluster.create(t, uncounted)
		f.cluster.waitBound(t, namespace, "uncounted")
	})
}
