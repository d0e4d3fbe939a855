package tenancy

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func at(version string) *corev1.ResourceQuota {
	return &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "q", ResourceVersion: version}}
}

func TestAWriteIsPendingUntilTheCacheShowsIt(t *testing.T) {
	for name, c := range map[string]struct {
		then   func(*recent)
		cached string
		want   bool
	}{
		"nothing shown":           {func(*recent) {}, "", true},
		"an older version shown":  {func(r *recent) { r.saw(at("9"), false) }, "9", true},
		"the version shown":       {func(r *recent) { r.saw(at("10"), false) }, "", false},
		"a newer version shown":   {func(*recent) {}, "100", false},
		"deleted meanwhile":       {func(r *recent) { r.saw(at("11"), true) }, "", false},
		"another object is shown": {func(r *recent) { r.saw(&corev1.LimitRange{ObjectMeta: at("99").ObjectMeta}, false) }, "", true},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRecent()
			r.wrote(at("10"))
			c.then(r)
			if left, got := r.pending(at(""), c.cached); got != c.want || got && (left <= 0 || left > patience) {
				t.Errorf("pending: %t, for %s", got, left)
			}
		})
	}
}

func TestAnOldWriteIsBelievedNoMore(t *testing.T) {
	r := newRecent()
	r.wrote(at("10"))
	write := r.writes[keyOf(at(""))]
	write.at = write.at.Add(-patience)
	r.writes[keyOf(at(""))] = write
	if _, pending := r.pending(at(""), ""); pending || len(r.writes) != 0 {
		t.Error("still pending")
	}
}

func TestWhatTheAPIServerStoresOtherwiseIsTolerated(t *testing.T) {
	known := newTolerated()
	want := resourceQuotaOf("1")
	live := at("10")
	known.add(live, want)
	if !known.is(live, want) {
		t.Error("not tolerated")
	}
	if known.is(at("11"), want) {
		t.Error("tolerated, though somebody changed it")
	}
	if known.is(live, resourceQuotaOf("2")) {
		t.Error("tolerated, though another is wanted")
	}
}

func resourceQuotaOf(pods string) *corev1.ResourceQuota {
	q := at("")
	q.Spec.Hard = list(map[corev1.ResourceName]string{"pods": pods})
	return q
}
