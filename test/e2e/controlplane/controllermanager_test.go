package controlplane

import (
	"errors"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"usher.dev/usher/test/e2e/await"
)

func TestControllersThatWereChosenWork(t *testing.T) {
	programs, err := FindPrograms(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	plane, err := New(t.TempDir(), programs)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(plane.Release)
	if err := plane.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	manager, err := plane.NewControllerManager([]string{"resourcequota-controller"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(manager.Release)
	client, err := kubernetes.NewForConfig(plane.Config())
	if err != nil {
		t.Fatal(err)
	}
	quotas := client.CoreV1().ResourceQuotas("default")
	for _, name := range []string{"first", "after-a-restart"} {
		if err := manager.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := quotas.Create(t.Context(), &corev1.ResourceQuota{
			ObjectMeta: metav1.ObjectMeta{Name: name},
			Spec:       corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{"pods": resource.MustParse("3")}},
		}, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		await.Success(t, time.Minute, "the quota is counted", func() (*corev1.ResourceQuota, error) {
			quota, err := quotas.Get(t.Context(), name, metav1.GetOptions{})
			if err == nil && quota.Status.Hard.Name("pods", resource.DecimalSI).Value() != 3 {
				err = errors.New("status.hard is not set")
			}
			return quota, err
		})
		manager.Kill()
	}
}
