package extender

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	dto "github.com/prometheus/client_model/go"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/topology"
)

// freeOn is the set of whole GPUs that the store takes for free on node n.
func freeOn(s *Store) topology.Set {
	n := (*s.names.Load())["n"].current.Load()
	return n.board.freeGPUs(n.state.occupied, n.board.resource(resourceGPU))
}

func TestBoundPodsCountUntilTheReportNamesThem(t *testing.T) {
	g := made("n", 8, pairs, nil)
	s, _ := newStoreOf(t, nil, g)
	s.SetPod(bound(podOf("late", 2, ""), "n", 2))
	s.SetPod(bound(podOf("early", 2, ""), "n", 1))
	if got := freeOn(s); got != topology.Of(4, 5, 6, 7) {
		t.Errorf("free %s", got)
	}
	// The kubelet chose otherwise for one of them: the other is charged what is
	// left to it.
	must(t, s.SetGPUNode(holds(next(g), "late", 0, 1)))
	if got := freeOn(s); got != topology.Of(4, 5, 6, 7) {
		t.Errorf("free %s", got)
	}
	must(t, s.SetGPUNode(holds(holds(next(next(g)), "late", 0, 1), "early", 4, 5)))
	if got := freeOn(s); got != topology.Of(2, 3, 6, 7) {
		t.Errorf("free %s", got)
	}
	// Deleted, but still in the last report; then a pod of the same name.
	s.DeletePod(podOf("early", 2, ""))
	if got := freeOn(s); got != topology.Of(2, 3, 4, 5, 6, 7) {
		t.Errorf("free %s", got)
	}
	again := bound(podOf("early", 4, ""), "n", 9)
	again.UID = "another"
	s.SetPod(again)
	if got := freeOn(s).Len(); got != 2 {
		t.Errorf("%d free", got)
	}
	// One that has ended holds nothing.
	again.Status.Phase = corev1.PodSucceeded
	s.SetPod(again)
	if got := freeOn(s); got != topology.Of(2, 3, 4, 5, 6, 7) {
		t.Errorf("free %s", got)
	}
}

func TestPodsThatTheWatchMissedAreForgotten(t *testing.T) {
	s, _ := newStoreOf(t, nil, made("n", 4, pairs, nil))
	a, b := bound(podOf("a", 2, ""), "n", 1), bound(podOf("b", 2, ""), "elsewhere", 1)
	s.ReplacePods([]*corev1.Pod{a, b})
	s.ReplacePods([]*corev1.Pod{b})
	if got := freeOn(s); got != topology.Of(0, 1, 2, 3) {
		t.Errorf("free %s", got)
	}
	s.ReplacePods(nil)
	if _, known := (*s.names.Load())["elsewhere"]; known {
		t.Error("a node is remembered of which nothing is known")
	}
	s.DeleteGPUNode("n")
	if got := filtered(t, s, podOf("p", 1, ""), "n")["n"]; !strings.Contains(got, "no agent has reported") {
		t.Error(got)
	}
}

func TestInitContainersKeepWhatTheKubeletDoesNotReport(t *testing.T) {
	g := made("n", 8, quads, nil)
	s, _ := newStoreOf(t, nil, g)
	p := podOf("p", 2, "")
	p.Spec.InitContainers = []corev1.Container{container("prepare", resourceGPU, 4)}
	s.SetPod(bound(p, "n", 1))
	if got := freeOn(s); got != topology.Of(4, 5, 6, 7) {
		t.Errorf("before the report: free %s", got)
	}
	must(t, s.SetGPUNode(holds(next(g), "p", 0, 1)))
	if got := freeOn(s).Len(); got != 4 {
		t.Errorf("after it: %d free", got)
	}
}

func TestOldReportsFadeAndAreRefused(t *testing.T) {
	g := made("n", 4, pairs, nil)
	s, clock := newStoreOf(t, nil, g)
	p := podOf("p", 2, "nvlink")
	full := prioritized(t, s, p, "n")["n"].total
	step := func(name string, d time.Duration, factor float32, refused string) {
		t.Helper()
		clock.advance(d)
		r := prioritized(t, s, p, "n")["n"]
		reason := ""
		if r.refused != nil {
			reason = r.refused.reason
		}
		if reason != refused || r.factor != factor || refused == "" && r.total != full*factor {
			t.Errorf("%s: factor %g, total %g, refused %q", name, r.factor, r.total, reason)
		}
	}
	step("as old as staleAfter", 2*time.Minute, 1, "")
	step("half-way to lostAfter", 4*time.Minute, 0.5, "")
	step("as old as lostAfter", 4*time.Minute, 0, "the last GPU report is 10m0s old")
	// The same report again is no sign of life, nor is one that is older.
	must(t, s.SetGPUNode(g.DeepCopy()))
	older := g.DeepCopy()
	older.Status.Sequence = 0
	must(t, s.SetGPUNode(holds(older, "x", 0)))
	step("without a new one", 0, 0, "the last GPU report is 10m0s old")
	must(t, s.SetGPUNode(next(g)))
	step("the agent is back", 0, 1, "")
	rebooted := g.DeepCopy()
	rebooted.Status.BootID, rebooted.Status.Sequence = "another boot", 0
	clock.advance(time.Hour)
	must(t, s.SetGPUNode(rebooted))
	step("a lower sequence after a reboot", 0, 1, "")
}

func TestAtTheStartAReportIsAsOldAsItsHeartbeat(t *testing.T) {
	g := made("n", 2, pairs, nil)
	now := time.Unix(1_000_000, 0)
	ahead := made("ahead", 2, pairs, nil)
	g.Status.Heartbeat, ahead.Status.Heartbeat = &metav1.Time{Time: now.Add(-time.Hour)}, &metav1.Time{Time: now.Add(time.Hour)}
	s, _ := newStoreOf(t, nil)
	must(t, s.ReplaceGPUNodes([]*v1alpha1.GPUNode{g, ahead}, now))
	got := filtered(t, s, podOf("p", 1, ""), "n", "ahead")
	if diff := cmp.Diff(map[string]string{"n": "the last GPU report is 1h0m0s old", "ahead": ""}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestReportsThatAreNotReadyOrCannotBeReadAreRefused(t *testing.T) {
	notReady, unsaid, broken := made("not-ready", 2, pairs, nil), made("unsaid", 2, pairs, nil), made("broken", 2, pairs, nil)
	notReady.Status.Conditions[0] = metav1.Condition{Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse, Reason: "DriverHangs", Message: "NVML does not answer"}
	unsaid.Status.Conditions = nil
	broken.Status.Links[0].B = 7
	s, _ := newStoreOf(t, nil, notReady, unsaid)
	if err := s.SetGPUNode(broken); err == nil {
		t.Error("no error for a report that cannot be read")
	}
	got := filtered(t, s, podOf("p", 1, ""), "not-ready", "unsaid", "broken")
	if got["not-ready"] != "the GPU report is not ready: DriverHangs: NVML does not answer" || got["unsaid"] != "the GPU report is not complete yet" || !strings.HasPrefix(got["broken"], "the GPU report cannot be read: ") {
		t.Errorf("%q", got)
	}
}

func TestUnhealthyGPUsAreNotPlacedOnUntilTheyRecover(t *testing.T) {
	g := made("n", 4, pairs, nil)
	s, _ := newStoreOf(t, nil, g)
	bad := next(g)
	bad.Status.GPUs[1].Health = v1alpha1.Unhealthy
	must(t, s.SetGPUNode(bad))
	if got := filtered(t, s, podOf("four", 4, ""), "n")["n"]; got != "3 of the node's 4 nvidia.com/gpu can be used, not 4: GPU 1 is unhealthy" {
		t.Error(got)
	}
	if r := prioritized(t, s, podOf("two", 2, "nvlink"), "n")["n"]; r.refused != nil || r.verdict.gpus != topology.Of(2, 3) {
		t.Errorf("%+v", r)
	}
	must(t, s.SetGPUNode(next(next(g))))
	if got := filtered(t, s, podOf("four", 4, ""), "n")["n"]; got != "" {
		t.Error(got)
	}
}

func TestRequiredTopologiesAreJudgedByWhatThePluginPicks(t *testing.T) {
	numa := func(i int) int32 { return int32(i / 4) }
	whole := made("whole", 8, quads, numa)
	split := holds(made("split", 8, quads, numa), "x", 0, 1, 4, 5)
	s, _ := newStoreOf(t, nil, whole, split)
	for _, tt := range []struct {
		topology string
		want     map[string]string
	}{
		{"nvlink", map[string]string{"whole": "", "split": "GPUs 2,3,6,7, which the device plugin would pick, are not linked by NVLink, each to each"}},
		{"numa", map[string]string{"whole": "", "split": "GPUs 2,3,6,7, which the device plugin would pick, are not on one NUMA node"}},
		{"best-effort", map[string]string{"whole": "", "split": ""}},
	} {
		if diff := cmp.Diff(tt.want, filtered(t, s, podOf("p-"+tt.topology, 4, tt.topology), "whole", "split")); diff != "" {
			t.Errorf("%s (-want +got)\n%s", tt.topology, diff)
		}
	}
	// Several containers: any two of their GPUs must be linked.
	p := podOf("two", 2, "nvlink")
	p.Spec.Containers = append(p.Spec.Containers, container("second", resourceGPU, 2))
	if got := filtered(t, s, p, "whole", "split"); got["whole"] != "" || got["split"] == "" {
		t.Errorf("%q", got)
	}
	// MIG devices have no NVLink.
	mig := podOf("mig", 1, "nvlink")
	mig.Spec.Containers = []corev1.Container{container("c", prefixMIG+"1g.5gb", 2)}
	m, _ := newStoreOf(t, nil, sample(t, "a100-mixed-mig", "m"))
	if got := filtered(t, m, mig, "m")["m"]; !strings.Contains(got, "not linked by NVLink") {
		t.Errorf("%q", got)
	}
}

func TestTenantsUseTheirNodes(t *testing.T) {
	node := func(name, tenant string, tainted bool) *corev1.Node {
		n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}}
		switch {
		case tainted:
			n.Spec.Taints = []corev1.Taint{{Key: "tenant", Value: tenant, Effect: corev1.TaintEffectNoSchedule}}
		case tenant != "":
			n.Labels = map[string]string{"tenant": tenant}
		}
		return n
	}
	tenant := func(name string, pool *v1alpha1.NodePool) *v1alpha1.Tenant {
		return &v1alpha1.Tenant{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: v1alpha1.TenantSpec{NodePool: pool}}
	}
	namespace := func(name, tenant string) *corev1.Namespace {
		return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"tenant": tenant}}}
	}
	all := []string{"hard", "tainted", "custom", "open"}
	setUp := func(open bool) *Store {
		var reports []*v1alpha1.GPUNode
		for _, name := range all {
			reports = append(reports, made(name, 2, pairs, nil))
		}
		s, _ := newStoreOf(t, func(c *v1alpha1.ExtenderConfiguration) { c.TenantlessPodsMayEnterPools = open }, reports...)
		custom := node("custom", "", false)
		custom.Labels = map[string]string{"pool": "gold"}
		s.ReplaceNodes([]*corev1.Node{node("hard", "hard", false), node("tainted", "hard", true), custom, node("open", "", false)})
		s.ReplaceTenants([]*v1alpha1.Tenant{
			tenant("hard", &v1alpha1.NodePool{}), tenant("poolless", nil),
			tenant("soft", &v1alpha1.NodePool{NodeSelector: map[string]string{"pool": "gold"}, Isolation: v1alpha1.IsolationSoft}),
		})
		s.ReplaceNamespaces([]*corev1.Namespace{namespace("of-hard", "hard"), namespace("of-soft", "soft"), namespace("of-poolless", "poolless"), namespace("of-nobody", "")})
		return s
	}
	usable := func(s *Store, namespace string) string {
		p := podOf("p-"+namespace, 1, "")
		p.Namespace = namespace
		var fit []string
		got := filtered(t, s, p, all...)
		for _, name := range all {
			if got[name] == "" {
				fit = append(fit, name)
			}
		}
		return strings.Join(fit, " ")
	}
	for _, tt := range []struct {
		namespace string
		open      bool
		want      string
	}{
		{"of-hard", false, "hard tainted"},
		{"of-soft", false, "custom open"},
		{"of-poolless", false, "open"},
		{"of-nobody", false, "open"},
		{"of-nobody", true, "hard tainted custom open"},
		{"of-poolless", true, "open"},
	} {
		if got := usable(setUp(tt.open), tt.namespace); got != tt.want {
			t.Errorf("%s, open %t: %q, want %q", tt.namespace, tt.open, got, tt.want)
		}
	}
	s := setUp(false)
	p := podOf("p", 1, "")
	p.Namespace = "of-soft"
	if got := filtered(t, s, p, "hard")["hard"]; got != `the node is in the pool of tenant hard; the pod's tenant is "soft"` {
		t.Error(got)
	}
	rows := prioritized(t, s, p, "custom", "open")
	if rows["custom"].total <= rows["open"].total {
		t.Error("a soft tenant does not prefer its pool")
	}
	s.DeleteTenant("soft")
	s.DeleteNamespace("of-hard")
	if got := usable(s, "of-hard"); got != "custom open" {
		t.Errorf("after the deletions: %q", got)
	}
}

func TestPredictionsAreComparedOnce(t *testing.T) {
	g := made("n", 8, pairs, nil)
	s, _ := newStoreOf(t, nil, g)
	s.SetPod(bound(podOf("exact", 2, ""), "n", 1))
	s.SetPod(bound(podOf("equal", 2, ""), "n", 2))
	s.SetPod(bound(podOf("wrong", 2, ""), "n", 3))
	report := next(g)
	holds(holds(holds(report, "exact", 0, 1), "equal", 6, 7), "wrong", 3, 4)
	must(t, s.SetGPUNode(report))
	again := next(report)
	again.Status.GPUs[0].UtilizationPercent = 50
	must(t, s.SetGPUNode(again))
	got := map[string]float64{}
	for _, result := range []string{"exact", "equal", "wrong"} {
		var m dto.Metric
		must(t, s.metrics.predictions.WithLabelValues(result).Write(&m))
		got[result] = m.GetCounter().GetValue()
	}
	if diff := cmp.Diff(map[string]float64{"exact": 1, "equal": 1, "wrong": 1}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestWeightsNameTermsThatThereAre(t *testing.T) {
	for _, tt := range []struct {
		name    string
		weights map[string]int32
		want    string
	}{
		{"none configured", nil, ""},
		{"one alone", map[string]int32{"links": 1, "regret": 0, "health": 0, "nics": 0, "locality": 0, "mig": 0, "tenant": 0}, ""},
		{"a name that is none", map[string]int32{"link": 1}, "weights[link]: there is no such term; there are links, regret, health, nics, locality, mig, tenant"},
		{"all zero", map[string]int32{"links": 0, "regret": 0, "health": 0, "nics": 0, "locality": 0, "mig": 0, "tenant": 0}, "all of them are 0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := newWeights(tt.weights)
			if tt.want == "" && err != nil || tt.want != "" && !strings.Contains(errors.Join(err, errors.New("")).Error(), tt.want) {
				t.Errorf("error %v", err)
			}
		})
	}
}
