package extender

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"usher.dev/usher/api/v1alpha1"
)

// apiServer lists what it holds and sends what is put into events, in JSON.
type apiServer struct {
	*httptest.Server
	lists map[string]any // by resource
	mu    sync.Mutex
	asked map[string]string // the field selector by resource
	// events are sent to whoever watches pods.
	events chan metav1.WatchEvent
}

func (a *apiServer) serve(w http.ResponseWriter, r *http.Request) {
	resource := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	q := r.URL.Query()
	a.mu.Lock()
	a.asked[resource] = q.Get("fieldSelector")
	a.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	switch {
	case q.Get("sendInitialEvents") != "": // an older server, which cannot
		w.WriteHeader(http.StatusUnprocessableEntity)
		_ = json.NewEncoder(w).Encode(&metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: "Failure", Reason: metav1.StatusReasonInvalid, Code: 422})
	case q.Get("watch") == "":
		_ = json.NewEncoder(w).Encode(a.lists[resource])
	case resource != "pods":
		<-r.Context().Done()
	default:
		w.(http.Flusher).Flush()
		for {
			select {
			case e := <-a.events:
				_ = json.NewEncoder(w).Encode(&e)
				w.(http.Flusher).Flush()
			case <-r.Context().Done():
				return
			}
		}
	}
}

func TestTheFeedFollowsAnAPIServer(t *testing.T) {
	meta := metav1.ListMeta{ResourceVersion: "1"}
	kind := func(version, kind string) metav1.TypeMeta { return metav1.TypeMeta{APIVersion: version, Kind: kind} }
	usher := v1alpha1.GroupVersion.String()
	report := made("n", 4, pairs, nil)
	a := &apiServer{asked: map[string]string{}, events: make(chan metav1.WatchEvent), lists: map[string]any{
		"pods":       &corev1.PodList{TypeMeta: kind("v1", "PodList"), ListMeta: meta},
		"nodes":      &corev1.NodeList{TypeMeta: kind("v1", "NodeList"), ListMeta: meta, Items: []corev1.Node{{ObjectMeta: metav1.ObjectMeta{Name: "n", Labels: map[string]string{"tenant": "a"}}}}},
		"namespaces": &corev1.NamespaceList{TypeMeta: kind("v1", "NamespaceList"), ListMeta: meta, Items: []corev1.Namespace{{ObjectMeta: metav1.ObjectMeta{Name: "team", Labels: map[string]string{"tenant": "a"}}}}},
		"tenants":    &v1alpha1.TenantList{TypeMeta: kind(usher, "TenantList"), ListMeta: meta, Items: []v1alpha1.Tenant{{ObjectMeta: metav1.ObjectMeta{Name: "a"}, Spec: v1alpha1.TenantSpec{NodePool: &v1alpha1.NodePool{}}}}},
		"gpunodes":   &v1alpha1.GPUNodeList{TypeMeta: kind(usher, "GPUNodeList"), ListMeta: meta, Items: []v1alpha1.GPUNode{*report}},
	}}
	a.Server = httptest.NewServer(http.HandlerFunc(a.serve))
	t.Cleanup(a.Close)

	s, _ := newStoreOf(t, nil)
	s.synced.Store(0)
	feed, err := NewFeed(&rest.Config{Host: a.URL}, s, logr.Discard())
	must(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- feed.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		a.CloseClientConnections()
		must(t, <-ended)
	})
	eventually(t, "everything to be listed", func() bool { return s.Synced() == nil })
	if got := filtered(t, s, podOf("p", 2, "nvlink"), "n"); got["n"] != "" {
		t.Errorf("%q", got)
	}
	a.mu.Lock()
	if want := "spec.nodeName!=,status.phase!=Failed,status.phase!=Succeeded"; a.asked["pods"] != want && a.asked["pods"] != "spec.nodeName!=,status.phase!=Succeeded,status.phase!=Failed" {
		t.Errorf("pods are selected by %q", a.asked["pods"])
	}
	a.mu.Unlock()
	send := func(event string, p *corev1.Pod) {
		p.TypeMeta, p.ResourceVersion = kind("v1", "Pod"), "2"
		raw, err := json.Marshal(p)
		must(t, err)
		e := metav1.WatchEvent{Type: event}
		e.Object.Raw = raw
		a.events <- e
	}
	send("ADDED", bound(podOf("other", 2, ""), "n", 1))
	eventually(t, "the pod to hold its GPUs", func() bool { return freeOn(s).Len() == 2 })
	send("DELETED", bound(podOf("other", 2, ""), "n", 1))
	eventually(t, "the pod to leave them", func() bool { return freeOn(s).Len() == 4 })
}

func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(60 * time.Second); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited in vain for ", what)
		}
	}
}
