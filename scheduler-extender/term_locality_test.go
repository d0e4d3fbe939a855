package extender

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"usher.dev/usher/api/v1alpha1"
)

func TestLocalityFollowsTheOtherPodsOfTheJob(t *testing.T) {
	inClique := func(name, domain string) *v1alpha1.GPUNode {
		g := made(name, 4, pairs, nil)
		for i := range g.Status.GPUs {
			g.Status.GPUs[i].Fabric = &v1alpha1.Fabric{ClusterUUID: domain, Clique: 1}
		}
		return g
	}
	names := []string{"same", "clique", "rack", "far"}
	s, _ := newStoreOf(t, nil, inClique("same", "one"), inClique("clique", "one"), made("rack", 4, pairs, nil), inClique("far", "two"))
	for name, rack := range map[string]string{"same": "r1", "clique": "r2", "rack": "r1", "far": "r3"} {
		s.SetNode(&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"topology.kubernetes.io/rack": rack}}})
	}
	ofJob := func(name string) *corev1.Pod {
		p := podOf(name, 1, "")
		p.Labels = map[string]string{"batch.kubernetes.io/job-name": "train"}
		return p
	}
	locality := func(want map[string]float64) {
		t.Helper()
		for name, r := range prioritized(t, s, ofJob("next"), names...) {
			near(t, name, float64(r.scores[4]), want[name])
		}
	}
	locality(map[string]float64{"same": notAsked, "clique": notAsked, "rack": notAsked, "far": notAsked})
	s.SetPod(bound(ofJob("first"), "same", 1))
	s.SetPod(bound(podOf("other", 1, ""), "far", 1))
	locality(map[string]float64{"same": 1, "clique": 1, "rack": 0.5, "far": 0})
	s.SetPod(bound(ofJob("second"), "far", 2))
	locality(map[string]float64{"same": 0.5, "clique": 0.5, "rack": 0.25, "far": 0.5})
	s.DeletePod(ofJob("first"))
	locality(map[string]float64{"same": 0, "clique": 0, "rack": 0, "far": 1})
}
