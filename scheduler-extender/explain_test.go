package extender

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	extenderv1 "k8s.io/kube-scheduler/extender/v1"
)

func TestExplainTellsWhatWasAnswered(t *testing.T) {
	s, _ := newStoreOf(t, nil, made("good", 8, quads, nil), made("poor", 8, pairs, nil), made("small", 2, pairs, nil))
	k := schedulerOf(s)
	p := podOf("p", 4, "")
	k.filter(t, p, "good", "poor", "small", "unknown")
	var list extenderv1.HostPriorityList
	k.ask(t, "prioritize", &extenderv1.ExtenderArgs{Pod: p, NodeNames: &[]string{"good", "poor"}}, &list)
	s.SetPod(bound(p, "good", 1))

	w := answerTo(NewHandler(s, logr.Discard(), logr.Discard()), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/explain/team/p", nil))
	var got Explanation
	must(t, json.Unmarshal(w.Body.Bytes(), &got))
	want := Explanation{
		Namespace: "team", Pod: "p", Demand: "4 nvidia.com/gpu, best-effort", Node: "good",
		Nodes: []ExplainedNode{
			{Name: "good", Score: list[0].Score, Freshness: 1, GPUs: "0,1,2,3"},
			{Name: "poor", Score: list[1].Score, Freshness: 1, GPUs: "0,1,2,3"},
			{Name: "small", Cause: "no_resource", Filtered: "the node has 2 nvidia.com/gpu, not 4"},
			{Name: "unknown", Cause: "unknown_node", Filtered: refusedUnknown.reason},
		},
	}
	// The scores themselves are the terms' business.
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(Explanation{}, "Time", "Terms"), cmpopts.IgnoreFields(ExplainedNode{}, "Total", "Scores")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if list[0].Score <= list[1].Score || len(got.Terms) != termCount || len(got.Nodes[0].Scores) != termCount || got.Nodes[0].Scores[4] != nil {
		t.Errorf("scores %v, %+v", list, got)
	}
}

func TestANodeThatAloneIsLeftIsExplainedWithItsTerms(t *testing.T) {
	s, _ := newStoreOf(t, nil, made("good", 8, quads, nil))
	schedulerOf(s).filter(t, podOf("p", 4, "nvlink"), "good")
	if e := s.Explain("team", "p"); e == nil || e.Nodes[0].Score == 0 || e.Nodes[0].Scores[0] == nil || e.Node != "" {
		t.Errorf("%+v", e)
	}
	// A pod of the same name is another one.
	again := podOf("p", 16, "")
	again.UID = "another"
	schedulerOf(s).filter(t, again, "good")
	if e := s.Explain("team", "p"); len(e.Nodes) != 1 || e.Nodes[0].Filtered == "" {
		t.Errorf("%+v", e)
	}
}

func TestOnlyTheLastAnswersAreKept(t *testing.T) {
	var k records
	for i := range maxRecords + 10 {
		k.add(&record{asked: &asked{pod: podKey{"team", strings.Repeat("x", i%7)}}, rows: make([]row, 1000)})
	}
	if k.rows > maxRows || len(k.list) != maxRows/1000 {
		t.Errorf("%d records with %d rows", len(k.list), k.rows)
	}
	k.add(&record{asked: &asked{}, rows: make([]row, maxRows+1)})
	if len(k.list) != 1 {
		t.Errorf("%d records beside a very large one", len(k.list))
	}
	s, _ := newStoreOf(t, nil)
	w := answerTo(NewHandler(s, logr.Discard(), logr.Discard()), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/explain/team/gone", nil))
	if w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "team/gone") {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
}
