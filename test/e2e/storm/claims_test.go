package storm

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/test/e2e/await"
	"usher.dev/usher/test/e2e/storm/ledgercheck"
)

// claimKinds are a class of devices and, in each namespace, a template of claims
// of two.
const claimKinds = `
apiVersion: resource.k8s.io/v1
kind: DeviceClass
metadata: {name: gpu.nvidia.com}
spec: {selectors: [{cel: {expression: device.driver == "gpu.nvidia.com"}}]}
---
apiVersion: resource.k8s.io/v1
kind: ResourceClaimTemplate
metadata: {name: pair, namespace: claims-a}
spec: {spec: {devices: {requests: [{name: gpus, exactly: {deviceClassName: gpu.nvidia.com, allocationMode: ExactCount, count: 2}}]}}}
---
apiVersion: resource.k8s.io/v1
kind: ResourceClaimTemplate
metadata: {name: pair, namespace: claims-b}
spec: {spec: {devices: {requests: [{name: gpus, exactly: {deviceClassName: gpu.nvidia.com, allocationMode: ExactCount, count: 2}}]}}}
`

// TestClaimsAndPodsShareALimit: claims that users make, claims that Kubernetes
// makes of templates for pods, and pods with GPUs of their own.
func TestClaimsAndPodsShareALimit(t *testing.T) {
	const limit = 20
	n := shared.tenant(t, "claims", `perTenant: "20", deviceClasses: [gpu.nvidia.com]`, "claims-a", "claims-b")
	must(t, shared.ApplyYAML(t.Context(), claimKinds))
	shared.runControllers(t)
	w := &claimWeather{weather: weather{tenant: n, journal: newJournal()}}
	seed := rand.Uint64()
	ctx, cancel := context.WithTimeout(t.Context(), lasts)
	defer cancel()
	var group sync.WaitGroup
	for i, client := range shared.clients(t, 12) {
		random := rand.New(rand.NewPCG(seed, uint64(i)))
		group.Go(func() {
			for ctx.Err() == nil {
				w.once(t.Context(), client, random)
			}
		})
	}
	group.Wait()
	t.Logf("%s, seed %d", w.journal, seed)
	if len(w.journal.failures) > 0 {
		t.Errorf("nobody was killed, and yet: %s", w.journal)
	}
	byTemplate := 0
	must(t, n.follower.catchUp(t.Context()))
	n.follower.check(n.name, func(c *ledgercheck.Checker) {
		for _, h := range c.Live() {
			if h.Kind == v1alpha1.KindClaim && h.MicroUnits == 2e6 {
				byTemplate++
			}
		}
	})
	t.Logf("%d claims of two live at the end", byTemplate)

	w.clear(t)
	// Claims of templates come once there is room, without anybody's doing.
	client := shared.client(t)
	for range limit/2 + 1 {
		_, err := client.CoreV1().Pods("claims-a").Create(t.Context(), podWithClaim("claims-a"), metav1.CreateOptions{})
		must(t, err)
	}
	await.Success(t, patience, "as many claims as have room", func() (struct{}, error) {
		claims, err := client.ResourceV1().ResourceClaims("claims-a").List(t.Context(), metav1.ListOptions{})
		if err == nil && len(claims.Items) != limit/2 {
			err = fmt.Errorf("%d claims", len(claims.Items))
		}
		return struct{}{}, err
	})
	n.settled(t, patience)
	w.journal.just(t, n)
	if figures := n.intact(t); figures.Peak != limit*1e6 {
		t.Errorf("at most %s were held", gpus(figures.Peak))
	}
	w.clear(t)
}

// claimWeather makes and deletes pods with GPUs, pods with claims of a template,
// and claims.
type claimWeather struct {
	weather

	claimsMu sync.Mutex
	claims   []*resourcev1.ResourceClaim
}

func (w *claimWeather) once(ctx context.Context, client kubernetes.Interface, random *rand.Rand) {
	namespace := w.namespaces[random.IntN(len(w.namespaces))]
	switch random.IntN(6) {
	case 0:
		w.keep(w.journal.create(ctx, w.tenant, client, podOf(namespace, "", devices{wholeGPU: 1})))
	case 1:
		w.keep(w.journal.create(ctx, w.tenant, client, podWithClaim(namespace)))
	case 2:
		if claim := w.journal.createClaim(ctx, w.tenant, client, someClaim(namespace, random)); claim != nil {
			w.claimsMu.Lock()
			w.claims = append(w.claims, claim)
			w.claimsMu.Unlock()
		}
	case 3, 4:
		w.drop(ctx, client, random)
	default:
		w.claimsMu.Lock()
		var claim *resourcev1.ResourceClaim
		if last := len(w.claims) - 1; last >= 0 {
			claim, w.claims = w.claims[last], w.claims[:last]
		}
		w.claimsMu.Unlock()
		if claim == nil {
			return
		}
		err := client.ResourceV1().ResourceClaims(claim.Namespace).Delete(ctx, claim.Name, metav1.DeleteOptions{})
		if err := ignoreNotFound(err); err != nil {
			w.journal.note(fmt.Errorf("delete: %w", err), refusal{})
		}
	}
}

func (w *claimWeather) clear(t *testing.T) {
	t.Helper()
	for _, namespace := range w.namespaces {
		must(t, w.admin.CoreV1().Pods(namespace).DeleteCollection(t.Context(), atOnce(), metav1.ListOptions{}))
		must(t, w.admin.ResourceV1().ResourceClaims(namespace).DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{}))
		await.Success(t, patience, "no claim is left in "+namespace, func() (struct{}, error) {
			claims, err := w.admin.ResourceV1().ResourceClaims(namespace).List(t.Context(), metav1.ListOptions{})
			if err == nil && len(claims.Items) > 0 {
				err = fmt.Errorf("%d claims", len(claims.Items))
			}
			return struct{}{}, err
		})
	}
	w.settled(t, patience)
}

// podWithClaim has a claim that is made of the template and holds nothing itself.
func podWithClaim(namespace string) *corev1.Pod {
	pod, template := podOf(namespace, "", nil), "pair"
	pod.Spec.ResourceClaims = []corev1.PodResourceClaim{{Name: "gpus", ResourceClaimTemplateName: &template}}
	pod.Spec.Containers[0].Resources.Claims = []corev1.ResourceClaim{{Name: "gpus"}}
	return pod
}

// someClaim asks for up to three devices, in one of the ways to ask.
func someClaim(namespace string, random *rand.Rand) *resourcev1.ResourceClaim {
	count := 1 + random.Int64N(3)
	request := resourcev1.DeviceRequest{Name: "gpus"}
	if random.IntN(2) == 0 {
		request.Exactly = &resourcev1.ExactDeviceRequest{DeviceClassName: gpuClass, AllocationMode: resourcev1.DeviceAllocationModeExactCount, Count: count}
	} else {
		for i := range count {
			request.FirstAvailable = append(request.FirstAvailable, resourcev1.DeviceSubRequest{
				Name: fmt.Sprint("alternative-", i), DeviceClassName: gpuClass, AllocationMode: resourcev1.DeviceAllocationModeExactCount, Count: count - i,
			})
		}
	}
	return &resourcev1.ResourceClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, GenerateName: "claim-"},
		Spec:       resourcev1.ResourceClaimSpec{Devices: resourcev1.DeviceClaim{Requests: []resourcev1.DeviceRequest{request}}},
	}
}
