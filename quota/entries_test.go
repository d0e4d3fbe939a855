package quota

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"usher.dev/usher/api/v1alpha1"
)

// gpuPod is a pod with all that a real one has around what counts.
func gpuPod() *corev1.Pod {
	always := corev1.ContainerRestartPolicyAlways
	list := func(gpus, cpu string) corev1.ResourceRequirements {
		l := corev1.ResourceList{"nvidia.com/gpu": resource.MustParse(gpus), "cpu": resource.MustParse(cpu)}
		return corev1.ResourceRequirements{Limits: l, Requests: l}
	}
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "a", Name: "p", UID: "u", ResourceVersion: "7", Labels: map[string]string{v1alpha1.ReservationLabel: "r", "app": "x"},
			Annotations: map[string]string{"long": "text"}, ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "kubectl"}},
		},
		Spec: corev1.PodSpec{
			NodeName:       "n",
			InitContainers: []corev1.Container{{Name: "sidecar", Image: "i", RestartPolicy: &always, Resources: list("1", "1")}},
			Containers:     []corev1.Container{{Name: "main", Image: "i", Command: []string{"c"}, Resources: list("2", "4")}},
			Volumes:        []corev1.Volume{{Name: "v"}},
		},
		Status: corev1.PodStatus{Phase: corev1.PodRunning, HostIP: "10.0.0.1"},
	}
}

func TestAStrippedPodCountsAsTheWholeOne(t *testing.T) {
	weights, err := ParseWeights(nil)
	if err != nil {
		t.Fatal(err)
	}
	whole := gpuPod()
	stripped, err := stripPod(gpuPod())
	if err != nil {
		t.Fatal(err)
	}
	pod, ok := stripped.(*corev1.Pod)
	if !ok {
		t.Fatalf("it is a %T", stripped)
	}
	want := v1alpha1.LedgerEntry{Reservation: "r", Kind: "Pod", Namespace: "a", Name: "p", UID: "u", MicroUnits: 3_000_000, Resources: map[string]int64{"nvidia.com/gpu": 3}}
	for name, p := range map[string]*corev1.Pod{"whole": whole, "stripped": pod} {
		got, holds := podEntry(p, weights, nil, nil)
		if diff := cmp.Diff(want, got); diff != "" || !holds {
			t.Errorf("%s: holds %v (-want +got):\n%s", name, holds, diff)
		}
	}
	if pod.Annotations != nil || pod.ManagedFields != nil || pod.Labels["app"] != "" || pod.Spec.Volumes != nil || pod.Spec.Containers[0].Image != "" || pod.Status.HostIP != "" {
		t.Errorf("more is kept than counts: %+v", pod)
	}
	plain := gpuPod()
	plain.Labels = nil
	plain.Spec.InitContainers, plain.Spec.Containers[0].Resources = nil, corev1.ResourceRequirements{}
	if stripped, err = stripPod(plain); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "p", UID: "u", ResourceVersion: "7"}, Status: corev1.PodStatus{Phase: corev1.PodRunning}}, stripped); diff != "" {
		t.Errorf("a pod without GPUs (-want +got):\n%s", diff)
	}
}

func TestWhatAPodHolds(t *testing.T) {
	weights, err := ParseWeights(nil)
	if err != nil {
		t.Fatal(err)
	}
	ended := gpuPod()
	ended.Status.Phase = corev1.PodFailed
	shared := gpuPod()
	shared.Spec.InitContainers = nil
	shared.Spec.Containers[0].Resources.Limits = corev1.ResourceList{"nvidia.com/gpu.shared": resource.MustParse("1")}
	shared.Spec.Containers[0].Resources.Requests = nil
	leaving := gpuPod()
	at := metav1.Unix(1_800_000_000, 0)
	leaving.DeletionTimestamp = &at
	node := sharesOf(&v1alpha1.GPUNode{Status: v1alpha1.GPUNodeStatus{Resources: []v1alpha1.DeviceResource{{Name: "nvidia.com/gpu.shared", Replicas: 4}}}})
	away := sharesOf(&v1alpha1.GPUNode{})
	quarter := holders{"u": {UID: "u", MicroUnits: 250_000, Resources: map[string]int64{"nvidia.com/gpu.shared": 1}}}
	for _, test := range []struct {
		name  string
		pod   *corev1.Pod
		on    shares
		known holders
		units int64
		holds bool
		by    *metav1.Time
	}{
		{name: "all of its containers' GPUs", pod: gpuPod(), units: 3_000_000, holds: true},
		{name: "nothing once it has ended", pod: ended},
		{name: "a whole GPU for a share, before it is bound", pod: shared, units: 1_000_000, holds: true},
		{name: "a share by its node", pod: shared, on: node, units: 250_000, holds: true},
		{name: "what it held while its node's device plugin is away", pod: shared, on: away, known: quarter, units: 250_000, holds: true},
		{name: "a whole GPU if nobody knew better before", pod: shared, on: away, units: 1_000_000, holds: true},
		{name: "everything until it is gone", pod: leaving, units: 3_000_000, holds: true, by: &at},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, holds := podEntry(test.pod, weights, test.on, test.known)
			if got.MicroUnits != test.units || holds != test.holds || !got.FreeBy.Equal(test.by) {
				t.Errorf("%d micro-units, holds %v, free by %v", got.MicroUnits, holds, got.FreeBy)
			}
		})
	}
}

func TestWhichClaimsAreCharged(t *testing.T) {
	weights, err := ParseWeights(nil)
	if err != nil {
		t.Fatal(err)
	}
	claim := func(annotated, labelled bool) *resourcev1.ResourceClaim {
		c := &resourcev1.ResourceClaim{ObjectMeta: metav1.ObjectMeta{UID: "u"}}
		if annotated {
			c.Annotations = map[string]string{resourcev1.ExtendedResourceClaimAnnotation: "true", "other": "x"}
		}
		if labelled {
			c.Labels = map[string]string{v1alpha1.ReservationLabel: "r"}
		}
		c.Spec.Devices.Requests = []resourcev1.DeviceRequest{{Exactly: &resourcev1.ExactDeviceRequest{DeviceClassName: "gpu.nvidia.com", AllocationMode: resourcev1.DeviceAllocationModeExactCount, Count: 1}}}
		return c
	}
	for _, test := range []struct {
		name                string
		annotated, labelled bool
		known               holders
		want                bool
	}{
		{name: "a user's", labelled: true, want: true},
		{name: "one from before there was a ledger", want: true},
		{name: "a scheduler's for a pod's extended resources", annotated: true, want: false},
		{name: "a user's that looks like one", annotated: true, labelled: true, want: true},
		{name: "one that was charged before it looked like one", annotated: true, known: holders{"u": {}}, want: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			stripped, err := stripClaim(claim(test.annotated, test.labelled))
			if err != nil {
				t.Fatal(err)
			}
			kept, ok := stripped.(*resourcev1.ResourceClaim)
			if !ok {
				t.Fatalf("it is a %T", stripped)
			}
			for _, c := range []*resourcev1.ResourceClaim{claim(test.annotated, test.labelled), kept} {
				if _, got := claimEntry(c, weights, test.known); got != test.want {
					t.Errorf("charged: %v", got)
				}
			}
		})
	}
}
