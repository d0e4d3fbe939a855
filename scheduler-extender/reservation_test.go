package extender

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	extenderv1 "k8s.io/kube-scheduler/extender/v1"

	"usher.dev/usher/api/v1alpha1"
)

// tenantOf returns a tenant with GPUs and the namespace of podOf's pods as its own.
func tenantOf(s *Store, limits *v1alpha1.GPULimits) {
	s.ReplaceTenants([]*v1alpha1.Tenant{{ObjectMeta: metav1.ObjectMeta{Name: "a"}, Spec: v1alpha1.TenantSpec{GPU: limits}}})
	s.ReplaceNamespaces([]*corev1.Namespace{{ObjectMeta: metav1.ObjectMeta{Name: "team", Labels: map[string]string{"tenant": "a"}}}})
}

func TestPodsThatWereNotCountedGoNowhere(t *testing.T) {
	reserved := func(p *corev1.Pod) *corev1.Pod {
		p.Labels = map[string]string{v1alpha1.ReservationLabel: "0123456789abcdef"}
		return p
	}
	shared := podOf("p", 0, "")
	shared.Spec.Containers = []corev1.Container{container("main", resourceShared, 1)}
	const refused = `the pod was admitted without a reservation of the GPUs of tenant "a": it has no label usher.dev/reservation; ` +
		`delete it and create it again, so that usher-webhook reserves them`
	for _, tt := range []struct {
		name    string
		limits  *v1alpha1.GPULimits
		require bool
		pod     *corev1.Pod
		want    string
	}{
		{"with GPUs and no reservation", &v1alpha1.GPULimits{}, true, podOf("p", 1, ""), refused},
		{"with a shared GPU and no reservation", &v1alpha1.GPULimits{}, true, shared, refused},
		{"with a reservation", &v1alpha1.GPULimits{}, true, reserved(podOf("p", 1, "")), ""},
		{"without GPUs", &v1alpha1.GPULimits{}, true, podOf("p", 0, ""), ""},
		{"where none is required", &v1alpha1.GPULimits{}, false, podOf("p", 1, ""), ""},
		{"of a tenant that has no ledger", nil, true, podOf("p", 1, ""), ""},
		{"that is bound already", &v1alpha1.GPULimits{}, true, bound(podOf("p", 1, ""), "n", 1), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := made("n", 2, pairs, nil)
			g.Status.Resources = append(g.Status.Resources, v1alpha1.DeviceResource{Name: resourceShared, Replicas: 2, Devices: []string{g.Status.GPUs[1].UUID}})
			s, _ := newStoreOf(t, func(c *v1alpha1.ExtenderConfiguration) { c.RequireReservation = &tt.require }, g)
			tenantOf(s, tt.limits)
			var result extenderv1.ExtenderFilterResult
			schedulerOf(s).ask(t, "filter", &extenderv1.ExtenderArgs{Pod: tt.pod, NodeNames: &[]string{"n", "unknown"}}, &result)
			// Of no pod with GPUs it is known that it may go to an unknown node.
			asks := !strings.Contains(tt.name, "without GPUs")
			if got := result.FailedAndUnresolvableNodes["n"]; got != tt.want {
				t.Errorf("n: %q, want %q", got, tt.want)
			}
			if got := result.FailedAndUnresolvableNodes["unknown"]; asks && tt.want != "" && got != tt.want || (got != "") != asks {
				t.Errorf("unknown: %q", got)
			}
		})
	}
}

func TestWhoWasNotCountedEvictsNobodyAndIsExplained(t *testing.T) {
	s, _ := newStoreOf(t, nil, made("n", 2, pairs, nil))
	tenantOf(s, &v1alpha1.GPULimits{})
	s.SetPod(bound(podOf("victim", 2, ""), "n", 1))
	p := podOf("p", 2, "")
	p.Spec.Priority = new(int32(1000))
	k := schedulerOf(s)
	k.filter(t, p, "n")
	var preempted extenderv1.ExtenderPreemptionResult
	k.ask(t, "preempt", &extenderv1.ExtenderPreemptionArgs{Pod: p, NodeNameToMetaVictims: map[string]*extenderv1.MetaVictims{
		"n": {Pods: []*extenderv1.MetaPod{{UID: "uid-victim"}}},
	}}, &preempted)
	if len(preempted.NodeNameToMetaVictims) > 0 {
		t.Errorf("victims %+v", preempted.NodeNameToMetaVictims["n"])
	}
	if e := s.Explain("team", "p"); len(e.Nodes) != 1 || e.Nodes[0].Cause != "unreserved" {
		t.Errorf("%+v", e)
	}
}
