package extender

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	extenderv1 "k8s.io/kube-scheduler/extender/v1"
)

// scheduler asks a handler as kube-scheduler's HTTPExtender does: by its types and
// encoding/json.
type scheduler struct{ h http.Handler }

func schedulerOf(s *Store) scheduler { return scheduler{NewHandler(s, logr.Discard(), logr.Discard())} }

func (k scheduler) ask(t testing.TB, verb string, args, result any) {
	t.Helper()
	body, err := json.Marshal(args)
	must(t, err)
	w := reply(k.h, "/v1/"+verb, body)
	if w.Code != http.StatusOK {
		t.Fatalf("%s: status %d: %s", verb, w.Code, w.Body)
	}
	must(t, json.Unmarshal(w.Body.Bytes(), result))
}

func (k scheduler) filter(t testing.TB, p *corev1.Pod, nodes ...string) *extenderv1.ExtenderFilterResult {
	t.Helper()
	var result extenderv1.ExtenderFilterResult
	k.ask(t, "filter", &extenderv1.ExtenderArgs{Pod: p, NodeNames: &nodes}, &result)
	return &result
}

func TestFilterAnswersNamesWithNames(t *testing.T) {
	s, _ := newStoreOf(t, nil, made("big", 8, quads, nil), holds(made("taken", 8, quads, nil), "x", 0, 1, 2, 3, 4, 5), made("small", 2, pairs, nil))
	got := schedulerOf(s).filter(t, podOf("p", 4, "nvlink"), "big", "taken", "small", `cpu "node"`)
	want := &extenderv1.ExtenderFilterResult{
		NodeNames:   &[]string{"big"},
		FailedNodes: extenderv1.FailedNodesMap{"taken": "2 of the node's 8 nvidia.com/gpu are free, not 4"},
		FailedAndUnresolvableNodes: extenderv1.FailedNodesMap{
			"small":      "the node has 2 nvidia.com/gpu, not 4",
			`cpu "node"`: "no agent has reported the node's GPUs, and no Node of that name is known",
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestFilterAnswersNodesWithNodes(t *testing.T) {
	s, _ := newStoreOf(t, nil, made("a", 2, pairs, nil))
	node := func(name string) corev1.Node {
		return corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"of": name}}}
	}
	var result extenderv1.ExtenderFilterResult
	args := &extenderv1.ExtenderArgs{Pod: podOf("p", 1, ""), Nodes: &corev1.NodeList{Items: []corev1.Node{node("a"), node("b")}}}
	schedulerOf(s).ask(t, "filter", args, &result)
	if diff := cmp.Diff(&corev1.NodeList{Items: []corev1.Node{node("a")}}, result.Nodes); diff != "" || result.NodeNames != nil || result.FailedAndUnresolvableNodes["b"] == "" {
		t.Errorf("%+v (-want +got)\n%s", result, diff)
	}
	var list extenderv1.HostPriorityList
	schedulerOf(s).ask(t, "prioritize", args, &list)
	if len(list) != 2 || list[0].Host != "a" || list[0].Score == 0 || list[1] != (extenderv1.HostPriority{Host: "b"}) {
		t.Errorf("%+v", list)
	}
}

func TestPodsWithoutGPUsPassEverywhere(t *testing.T) {
	s, _ := newStoreOf(t, nil, made("a", 2, pairs, nil))
	got := schedulerOf(s).filter(t, &corev1.Pod{}, "a", "no-such-node")
	if diff := cmp.Diff(&[]string{"a", "no-such-node"}, got.NodeNames); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestAnUnknownTopologyFailsThePod(t *testing.T) {
	s, _ := newStoreOf(t, nil, made("a", 2, pairs, nil))
	got := schedulerOf(s).filter(t, podOf("p", 2, "nvswitch"), "a")
	if !strings.Contains(got.Error, "nvlink, numa and best-effort") {
		t.Errorf("error %q", got.Error)
	}
}

func TestQuestionsThatAreNoneGetAReason(t *testing.T) {
	s, _ := newStoreOf(t, nil, made("a", 2, pairs, nil))
	h := NewHandler(s, logr.Discard(), logr.Discard())
	long := `"` + strings.Repeat("n", 300) + `"`
	for _, tt := range []struct{ name, body, want string }{
		{"nothing", ``, "decode ExtenderArgs: EOF"},
		{"no JSON", `{"Pod"`, "decode ExtenderArgs: "},
		{"no object", `[]`, "not a JSON object"},
		{"no pod", `{"NodeNames":["a"]}`, "there is no Pod"},
		{"null for a pod", `{"Pod":null,"NodeNames":["a"]}`, "there is no Pod"},
		{"a pod that is none", `{"Pod":{"spec":7},"NodeNames":["a"]}`, "Pod: "},
		{"a quantity that is none", `{"Pod":{"spec":{"containers":[{"resources":{"limits":{"nvidia.com/gpu":"x"}}}]}},"NodeNames":["a"]}`, "Pod: "},
		{"names that are none", `{"Pod":{},"NodeNames":["a",7]}`, "NodeNames[1] is not a node's name"},
		{"names in no array", `{"Pod":{},"NodeNames":{"a":1}}`, "NodeNames is no array"},
		{"a name that is too long", `{"Pod":{},"NodeNames":[` + long + `]}`, "NodeNames[0] is not a node's name"},
		{"too many names", `{"Pod":{},"NodeNames":[` + strings.Repeat(`"a",`, maxNodes) + `"a"]}`, "more than 50000"},
		{"names twice", `{"Pod":{},"NodeNames":["a"],"NodeNames":["b"]}`, "duplicate"},
		{"both names and nodes", `{"Pod":{},"NodeNames":["a"],"Nodes":{"items":[]}}`, "both Nodes and NodeNames"},
		{"more after it", `{"Pod":{}} {}`, "more after the object"},
		{"nodes that are none", `{"Pod":{},"Nodes":[]}`, "Nodes is no object"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, verb := range []string{"filter", "prioritize"} {
				w := reply(h, "/v1/"+verb, []byte(tt.body))
				if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), tt.want) {
					t.Errorf("%s: status %d: %s", verb, w.Code, w.Body)
				}
			}
		})
	}
	if w := reply(h, "/v1/preempt", []byte(`{"NodeNameToMetaVictims":{}}`)); w.Code != http.StatusBadRequest {
		t.Errorf("a preemption without a pod: status %d", w.Code)
	}
}

func TestBodiesAndMethodsAreBounded(t *testing.T) {
	s, _ := newStoreOf(t, nil)
	h := NewHandler(s, logr.Discard(), logr.Discard())
	for _, tt := range []struct {
		name, method, media string
		size                int64
		want                int
	}{
		{"GET", http.MethodGet, "application/json", 2, http.StatusMethodNotAllowed},
		{"a form", http.MethodPost, "text/plain", 2, http.StatusUnsupportedMediaType},
		{"too large", http.MethodPost, "application/json", maxBody + 1, http.StatusRequestEntityTooLarge},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), tt.method, "/v1/filter", strings.NewReader("{}"))
			must(t, err)
			r.ContentLength = tt.size
			r.Header.Set("Content-Type", tt.media)
			if w := answerTo(h, r); w.Code != tt.want {
				t.Errorf("status %d: %s", w.Code, w.Body)
			}
		})
	}
}

func TestNoQuestionIsAnsweredBeforeEverythingIsListed(t *testing.T) {
	s, _ := newStoreOf(t, nil, made("a", 2, pairs, nil))
	s.synced.Store(listedAll &^ listedPods)
	w := reply(NewHandler(s, logr.Discard(), logr.Discard()), "/v1/filter", body(t, podOf("p", 1, ""), []string{"a"}))
	if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "not listed yet: [pods]") {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
}

// FuzzQuestion holds the decoder against encoding/json: where both read a
// question, they read the same names, and the answer is one that kube-scheduler
// reads.
func FuzzQuestion(f *testing.F) {
	for _, seed := range []string{
		`{"Pod":{"metadata":{"name":"p"}},"Nodes":null,"NodeNames":["a","b\"\\","\u00e9"]}`,
		`{"pod":{},"nodeNames":[ "a" , "b" ]}`,
		`{"Pod":{"spec":{"containers":[{"resources":{"limits":{"nvidia.com/gpu":"4"}}}]}},"Nodes":{"metadata":{},"items":[{"metadata":{"name":"a"}}]},"NodeNames":null}`,
		`{"Pod":{},"NodeNames":[]}`, `{}`, `[`, `{"Pod":{},"NodeNames":["\\"]}`,
	} {
		f.Add([]byte(seed))
	}
	s, _ := newStoreOf(f, nil, made("a", 2, pairs, nil))
	f.Fuzz(func(t *testing.T, raw []byte) {
		q, err := decodeQuestion(raw)
		if err != nil {
			return
		}
		var want extenderv1.ExtenderArgs
		if json.Unmarshal(raw, &want) == nil && want.NodeNames != nil && !q.whole() {
			var got []string
			for _, n := range q.names {
				got = append(got, string(plainName(n)))
			}
			if fmt.Sprint(got) != fmt.Sprint(*want.NodeNames) {
				t.Errorf("names %q, want %q", got, *want.NodeNames)
			}
		}
		a, err := s.ask(q)
		if err != nil || a.demand == nil {
			return
		}
		var result extenderv1.ExtenderFilterResult
		must(t, json.Unmarshal(appendFiltered(nil, q, s.filter(t.Context(), q, a)), &result))
		var list extenderv1.HostPriorityList
		must(t, json.Unmarshal(appendPriorities(nil, q, s.prioritize(q, a)), &list))
		if len(list) != len(q.names) {
			t.Errorf("%d scores for %d nodes", len(list), len(q.names))
		}
	})
}
