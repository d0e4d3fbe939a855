package e2e

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/test/e2e/controller"
)

// ledgerTenant may hold four GPUs in all.
const ledgerTenant = `
apiVersion: usher.dev/v1alpha1
kind: Tenant
metadata: {name: ledger}
spec:
  gpu: {perTenant: "4", deviceClasses: [gpu.nvidia.com]}
`

// TestGPUsAreReserved follows what holds GPUs from its creation to its end.
func TestGPUsAreReserved(t *testing.T) {
	if err := shared.ApplyYAML(t.Context(), ledgerTenant); err != nil {
		t.Fatal(err)
	}
	namespace := shared.namespace(t, "ledger", "ledger")
	if err := controller.WaitCounted(t.Context(), shared.ControlPlane, "ledger"); err != nil {
		t.Fatal(err)
	}
	u := shared.as(t, developer)

	pod := gpuPod(t, namespace, "train", "2")
	pod.SetLabels(map[string]string{v1alpha1.ReservationLabel: "forged"})
	dry, err := u.Resource(pods).Namespace(namespace).Create(t.Context(), pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	if err != nil {
		t.Fatal(err)
	}
	created, err := u.create(t.Context(), pods, pod)
	if err != nil {
		t.Fatal(err)
	}
	id := created.GetLabels()[v1alpha1.ReservationLabel]
	if id == "" || id == "forged" || id == dry.GetLabels()[v1alpha1.ReservationLabel] {
		t.Errorf("the pod's label is %q", id)
	}
	claim := decode(t, claimManifest)
	claim.SetNamespace(namespace)
	claimed, err := u.create(t.Context(), claims, claim)
	if err != nil {
		t.Fatal(err)
	}
	held := []string{
		fmt.Sprintf("Pod train 2000000 %s", id),
		fmt.Sprintf("ResourceClaim %s 1000000 %s", claimed.GetName(), claimed.GetLabels()[v1alpha1.ReservationLabel]),
	}
	waitHeld(t, "ledger", held...)

	for name, object := range map[string]struct {
		*unstructured.Unstructured
		patch string
	}{
		"of a pod":   {created, `{"metadata": {"labels": {"usher.dev/reservation": "other"}}}`},
		"of a claim": {claimed, `{"metadata": {"labels": {"usher.dev/reservation": null}}}`},
	} {
		resource := pods
		if object.GetKind() == "ResourceClaim" {
			resource = claims
		}
		_, err := u.Resource(resource).Namespace(namespace).Patch(t.Context(), object.GetName(), types.MergePatchType, []byte(object.patch), metav1.PatchOptions{})
		if expectDenial(err) != nil {
			t.Errorf("the label %s is not kept: %v", name, err)
		}
	}

	const full = "2 GPU asked for, and of the tenant's 4 1 is left: 3 held, most by ledger/train (2)"
	if _, err := u.create(t.Context(), pods, gpuPod(t, namespace, "more", "2")); err == nil || !strings.Contains(err.Error(), full) {
		t.Errorf("a pod beyond the limit: %v", err)
	}
	u.warnings.take()
	deployment := gpuDeployment(t, namespace)
	if deployment, err = u.create(t.Context(), deployments, deployment); err != nil {
		t.Fatal(err)
	}
	if warned := u.warnings.take(); len(warned) > 0 {
		t.Errorf("a Deployment within the limit is warned of: %q", warned)
	}
	set(t, deployment.Object, int64(3), "spec", "replicas")
	if _, err = u.update(t.Context(), deployments, deployment); err != nil {
		t.Fatal(err)
	}
	const scaled = "2 replicas ask for 2 GPU together, and of the tenant's 4 1 is left"
	if warned := u.warnings.take(); !slices.ContainsFunc(warned, func(w string) bool { return strings.Contains(w, scaled) }) {
		t.Errorf("scaled up, the user is warned of %q", warned)
	}

	if err := u.Resource(pods).Namespace(namespace).Delete(t.Context(), "train", metav1.DeleteOptions{GracePeriodSeconds: new(int64)}); err != nil {
		t.Fatal(err)
	}
	waitHeld(t, "ledger", held[1])
}

// gpuPod is a pod that every policy admits, and that asks for GPUs.
func gpuPod(t *testing.T, namespace, name, gpus string) *unstructured.Unstructured {
	t.Helper()
	pod := newObject(t, podKinds[0], namespace, name)
	askForGPUs(t, pod.Object, gpus)
	return pod
}

func gpuDeployment(t *testing.T, namespace string) *unstructured.Unstructured {
	t.Helper()
	kind := podKinds[slices.IndexFunc(podKinds, func(k podKind) bool { return k.resource == deployments })]
	deployment := newObject(t, kind, namespace, "train")
	set(t, deployment.Object, int64(1), "spec", "replicas")
	askForGPUs(t, podOf(t, kind, deployment), "1")
	return deployment
}

func askForGPUs(t *testing.T, pod map[string]any, gpus string) {
	t.Helper()
	spec := pod["spec"].(map[string]any)
	// The tenant has no pool of its own.
	delete(spec, "nodeSelector")
	delete(spec, "tolerations")
	container := spec["containers"].([]any)[0].(map[string]any)
	for _, section := range []string{"limits", "requests"} {
		set(t, container, gpus, "resources", section, "nvidia.com/gpu")
	}
}

// waitHeld waits until the ledger says that these, and no others, hold GPUs, and
// that nothing is reserved for anybody else.
func waitHeld(t *testing.T, tenant string, want ...string) {
	t.Helper()
	eventually(t, "the ledger holds "+strings.Join(want, ", "), func() (struct{}, error) {
		var none struct{}
		ledger, err := ledgerOf(t.Context(), t, tenant)
		if err != nil {
			return none, err
		}
		var got []string
		for _, e := range slices.Concat(ledger.Status.Holders, ledger.Status.Reservations) {
			got = append(got, fmt.Sprintf("%s %s %d %s", e.Kind, e.Name, e.MicroUnits, e.Reservation))
		}
		if diff := cmp.Diff(want, got); diff != "" || ledger.Status.Reserved != 0 {
			return none, fmt.Errorf("reserved %d (-want +got):\n%s", ledger.Status.Reserved, diff)
		}
		return none, nil
	})
}

func ledgerOf(ctx context.Context, t *testing.T, tenant string) (*v1alpha1.QuotaLedger, error) {
	t.Helper()
	object, err := shared.admin(t).Resource(v1alpha1.GroupVersion.WithResource("quotaledgers")).Get(ctx, tenant, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	ledger := &v1alpha1.QuotaLedger{}
	return ledger, runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, ledger)
}
