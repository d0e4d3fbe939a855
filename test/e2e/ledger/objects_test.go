package ledger

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/quota"
	"usher.dev/usher/test/e2e/await"
)

const (
	tenantLabel = "tenant"
	gpu         = "nvidia.com/gpu"
	// patience is for what takes a moment on an idle machine.
	patience = time.Minute
)

// nameOf makes a name of a test's.
func nameOf(t *testing.T) string {
	t.Helper()
	return strings.ToLower(strings.NewReplacer("/", "-", "_", "-").Replace(t.Name()))[:min(len(t.Name()), 40)]
}

func create(t *testing.T, objects ...client.Object) {
	t.Helper()
	for _, o := range objects {
		if err := admin.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
}

// newTenant makes a tenant with so many GPUs, and a namespace of the same name.
func newTenant(t *testing.T, gpus string) *v1alpha1.Tenant {
	t.Helper()
	limit := resource.MustParse(gpus)
	tenant := &v1alpha1.Tenant{ObjectMeta: metav1.ObjectMeta{Name: nameOf(t)}, Spec: v1alpha1.TenantSpec{GPU: &v1alpha1.GPULimits{PerTenant: &limit}}}
	create(t, tenant, namespaceOf(tenant.Name, tenant.Name))
	t.Cleanup(func() {
		if err := admin.Delete(context.Background(), tenant); client.IgnoreNotFound(err) != nil {
			t.Error(err)
		}
	})
	return tenant
}

func namespaceOf(name, tenant string) *corev1.Namespace {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{tenantLabel: tenant}}}
}

// newPod is a pod for so many GPUs, with a reservation or none.
func newPod(namespace, name, reservation string, gpus int64) *corev1.Pod {
	q := *resource.NewQuantity(gpus, resource.DecimalSI)
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
	if reservation != "" {
		pod.Labels = map[string]string{v1alpha1.ReservationLabel: reservation}
	}
	pod.Spec.Containers = []corev1.Container{{Name: "main", Image: "none", Resources: corev1.ResourceRequirements{
		Limits: corev1.ResourceList{gpu: q}, Requests: corev1.ResourceList{gpu: q},
	}}}
	return pod
}

// deletePod deletes a pod at once: there is no kubelet to wait for.
func deletePod(t *testing.T, pod *corev1.Pod) {
	t.Helper()
	if err := admin.Delete(t.Context(), pod, client.GracePeriodSeconds(0)); err != nil {
		t.Fatal(err)
	}
}

// askFor asks for GPUs for a pod.
func askFor(namespace, reservation string, gpus int64) quota.Ask {
	return quota.Ask{Entry: v1alpha1.LedgerEntry{
		Reservation: reservation, Kind: v1alpha1.KindPod, Namespace: namespace, Name: "pod-" + reservation,
		MicroUnits: gpus * int64(quota.One), Resources: map[string]int64{gpu: gpus},
	}}
}

// shipped decides as the shipped rule does on the tenant's limit.
func shipped(yes *bool) func(context.Context, map[string]any) bool {
	units := func(document map[string]any, of string) int64 {
		part, _ := document[of].(map[string]any)
		n, _ := part["units"].(int64)
		return n
	}
	return func(_ context.Context, document map[string]any) bool {
		*yes = units(document, "used")+units(document, "reserved")+units(document, "request") <= units(document, "hard")
		return *yes
	}
}

func ledgerNow(ctx context.Context, name string) (*v1alpha1.QuotaLedger, error) {
	ledger := &v1alpha1.QuotaLedger{}
	err := admin.Get(ctx, types.NamespacedName{Name: name}, ledger)
	return ledger, err
}

// awaitLedger waits until a ledger is as wanted.
func awaitLedger(t *testing.T, name, what string, wanted func(*v1alpha1.QuotaLedger) bool) *v1alpha1.QuotaLedger {
	t.Helper()
	return await.Success(t, patience, what, func() (*v1alpha1.QuotaLedger, error) {
		ledger, err := ledgerNow(t.Context(), name)
		if err != nil {
			return nil, err
		}
		if !wanted(ledger) {
			return nil, fmt.Errorf("it is %s", describe(ledger))
		}
		return ledger, nil
	})
}

// counts is a ledger that is counted, with so many GPUs used and reserved.
func counts(used, reserved int64) func(*v1alpha1.QuotaLedger) bool {
	return func(l *v1alpha1.QuotaLedger) bool {
		return l.Status.Counted != nil && l.Status.Used == used*int64(quota.One) && l.Status.Reserved == reserved*int64(quota.One)
	}
}

func describe(l *v1alpha1.QuotaLedger) string {
	names := func(entries []v1alpha1.LedgerEntry) (out []string) {
		for _, e := range entries {
			out = append(out, e.Kind+" "+e.Namespace+"/"+e.Name)
		}
		return out
	}
	return fmt.Sprintf("used %d by %v, reserved %d for %v, counted %v, hard %v", l.Status.Used, names(l.Status.Holders),
		l.Status.Reserved, names(l.Status.Reservations), l.Status.Counted, l.Spec.Hard)
}

// countedLedger is a ledger as a settler would have made it, where none runs.
func countedLedger(t *testing.T, gpus int64) *v1alpha1.QuotaLedger {
	t.Helper()
	limit := gpus * int64(quota.One)
	ledger := &v1alpha1.QuotaLedger{ObjectMeta: metav1.ObjectMeta{Name: nameOf(t)}, Spec: v1alpha1.QuotaLedgerSpec{Hard: v1alpha1.QuotaHard{MicroUnits: &limit}}}
	create(t, ledger)
	now := metav1.Now()
	ledger.Status = v1alpha1.QuotaLedgerStatus{Version: quota.NewID(), Counted: &now}
	if err := admin.Status().Update(t.Context(), ledger); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := admin.Delete(context.Background(), ledger); client.IgnoreNotFound(err) != nil {
			t.Error(err)
		}
	})
	return ledger
}

// isNotThere is what reading a deleted object should say.
func isNotThere(err error) error {
	if err == nil {
		return errors.New("it is still there")
	}
	return client.IgnoreNotFound(err)
}
