//go:build linux

package install_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"usher.dev/usher/test/e2e/await"
	"usher.dev/usher/test/e2e/node"
)

// uninstall takes usher away. Nothing is left that an API server would ask or wait
// for; what tenants are and hold stays.
func (s *story) uninstall(t *testing.T) {
	helm(t, "uninstall", release, "--wait")
	awaitGone(t)
	// What is about to end no longer has the rights that went before it.
	s.logs.Reset()
	s.audit(t)
	for _, kind := range []string{"mutatingwebhookconfigurations", "validatingwebhookconfigurations", "validatingadmissionpolicies"} {
		if left := kubectl(t, "get", kind, "-o", "name"); strings.Contains(left, "usher") {
			t.Errorf("left behind: %s", left)
		}
	}
	for _, namespace := range []string{tenant, "default", systemNamespace} {
		createPod(t, namespace, "after-usher")
	}
	if got := kubectl(t, "get", "crd", "-o", "name"); strings.Count(got, ".usher.dev") != 3 {
		t.Errorf("of usher's kinds, there are: %s", got)
	}
	s.expectKept(t)
}

// reinstall brings usher back, which goes on where it was.
func (s *story) reinstall(t *testing.T) {
	helm(t, append([]string{"install", release}, chart()...)...)
	expectParts(t, "devel")
	s.expectKept(t)
	kubectl(t, "wait", "--for=condition=Ready", "--timeout=50s", "tenant/"+tenant)
	expectRefused(t)
	expectLedger(t, "2000000")
}

// expectKept expects the tenant, its ledger and its pod to be those from before.
func (s *story) expectKept(t *testing.T) {
	t.Helper()
	if uid := kubectl(t, "get", "tenant", tenant, "-o", "jsonpath={.metadata.uid}"); uid != s.tenantUID {
		t.Errorf("the Tenant was made anew: %s, not %s", uid, s.tenantUID)
	}
	if uid := kubectl(t, "get", "quotaledger", tenant, "-o", "jsonpath={.metadata.uid}"); uid != s.ledgerUID {
		t.Errorf("the ledger was made anew: %s, not %s", uid, s.ledgerUID)
	}
	s.expectTraining(t)
}

// createPod makes a pod that runs, and deletes it.
func createPod(t *testing.T, namespace, name string) {
	t.Helper()
	pods := shared.Client.CoreV1().Pods(namespace)
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: node.Image}}},
	}
	// A new namespace's service account is made by a controller.
	await.Success(t, patience, "a pod can be created in "+namespace, func() (any, error) {
		return pods.Create(t.Context(), pod, metav1.CreateOptions{})
	})
	awaitRunning(t, namespace, name)
	if err := pods.Delete(t.Context(), name, *metav1.NewDeleteOptions(0)); err != nil {
		t.Fatal(err)
	}
}
