package webhook_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
)

// odd is a policy that names checks as the user likes.
var odd = policy("odd", `deny contains {"check": input.pod.metadata.labels.check, "msg": "x"}`)

func TestMetricsHaveBoundedLabelsAndBaseUnits(t *testing.T) {
	s := site{policies: map[string]string{
		"host_network": hostNetwork, "errs": failing["errs"], "odd": odd,
		"tells": policy("tells", `warn contains {"check": "tells", "msg": "w"}

audit contains {"check": "tells", "msg": "a"}`),
	}}.start(t)
	for i := range 50 {
		name := fmt.Sprintf("n%d", i)
		labels := fields{"check": name, "fail": name}
		s.review(t, "/validate", reviewBody(t, "v1", "Pod", fields{"metadata": fields{"labels": labels}, "spec": fields{"hostNetwork": true}}, fields{"namespace": name, "name": name, "uid": name}))
		s.review(t, "/validate", reviewBody(t, "v1", name, fields{}, nil))
		s.review(t, "/mutate", reviewBody(t, "v1", "Pod", fields{}, fields{"operation": "DELETE"}))
		s.post(t, s.client, "/validate?timeout="+name, nil)
	}
	s.review(t, "/validate", podReview(t, fields{}))

	families, err := s.registry.Gather()
	must(t, err)
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	must(t, err)
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	got := map[string][]string{}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetName()+"="+l.GetValue())
			}
			got[family.GetName()] = append(got[family.GetName()], strings.Join(labels, " "))
		}
	}
	want := map[string][]string{
		"usher_admission_duration_seconds": {"decision=skipped webhook=mutate", "decision=allowed webhook=validate", "decision=denied webhook=validate", "decision=error webhook=validate"},
		"usher_admission_in_flight":        {"webhook=mutate", "webhook=validate"},
		"usher_policy_failures_total":      {"policy=errs", "policy=odd"},
		"usher_policy_findings_total": {
			"action=denied check=error policy=errs", "action=denied check=error policy=odd", "action=denied check=host_network policy=host_network",
			"action=denied check=unknown-kind policy=usher", "action=audited check=tells policy=tells", "action=warned check=tells policy=tells",
		},
	}
	for _, list := range []map[string][]string{got, want} {
		for name := range list {
			slices.Sort(list[name])
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error("series (-want +got):\n" + diff)
	}
	for _, family := range families {
		if family.GetName() == "usher_admission_duration_seconds" && family.GetMetric()[0].GetHistogram().GetBucket()[0].GetUpperBound() != 0.0001 {
			t.Error("the first bucket does not end at 100 µs")
		}
	}
}

func TestTheSameReviewGetsTheSameBytes(t *testing.T) {
	policies := map[string]string{
		"host_network": hostNetwork, "limits": limits, "errs": failing["errs"],
		"tells": policy("tells", `warn contains {"check": "tells", "msg": sprintf("%s=%s", [k, v])} if some k, v in input.pod.metadata.labels

audit contains {"check": "tells", "msg": sprintf("%s=%s", [k, v])} if some k, v in input.pod.metadata.labels`),
		"adds": policy("adds", `patch contains {"op": "add", "path": sprintf("/metadata/annotations/%s", [k]), "value": {"b": v, "a": 1}} if some k, v in input.pod.metadata.labels`),
	}
	labels := fields{"fail": "x"}
	for i := range 12 {
		labels[fmt.Sprintf("l%d", i)] = fmt.Sprintf("v%d", i)
	}
	var list []any
	for i := range 8 {
		list = append(list, container(fmt.Sprintf("c%d", i)))
	}
	body := reviewBody(t, "v1", "Pod", fields{"metadata": fields{"labels": labels, "annotations": fields{}}, "spec": fields{"hostNetwork": true, "containers": list}}, nil)
	answers := map[string]map[string]bool{"/mutate": {}, "/validate": {}}
	var mu sync.Mutex
	for range 2 { // two replicas
		s := site{policies: policies}.start(t)
		var clients sync.WaitGroup
		for range 5 {
			client := s.newClient(t, nil)
			clients.Go(func() {
				for range 10 {
					for path := range answers {
						_, text := s.post(t, client, path, body)
						mu.Lock()
						answers[path][text] = true
						mu.Unlock()
					}
				}
			})
		}
		clients.Wait()
	}
	for path, different := range answers {
		if len(different) != 1 {
			t.Errorf("%s: %d different answers", path, len(different))
			for text := range different {
				t.Log(text)
			}
		}
	}
}
