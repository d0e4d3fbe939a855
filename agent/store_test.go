package agent

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"usher.dev/usher/api/v1alpha1"
)

// fakeAPIServer answers for one Node and its GPUNode as a Kubernetes API server
// does: status apart, versions compared.
type fakeAPIServer struct {
	mu       sync.Mutex
	node     bool
	stored   *v1alpha1.GPUNode
	version  int
	requests []string
	down     bool
}

func (s *fakeAPIServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r.Method+" "+strings.TrimPrefix(r.URL.Path, "/apis/usher.dev/v1alpha1"))
	answer := func(code int, object any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		_ = json.NewEncoder(w).Encode(object)
	}
	fail := func(code int, reason metav1.StatusReason) {
		answer(code, metav1.Status{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}, Status: metav1.StatusFailure, Code: int32(code), Reason: reason, Message: string(reason)})
	}
	var sent v1alpha1.GPUNode
	if r.Body != nil && r.Method != http.MethodGet {
		if err := json.NewDecoder(r.Body).Decode(&sent); err != nil {
			fail(http.StatusBadRequest, metav1.StatusReasonBadRequest)
			return
		}
	}
	store := func(code int) {
		s.version++
		s.stored.ResourceVersion = strconv.Itoa(s.version)
		answer(code, s.stored)
	}
	switch name := r.Method + " " + r.URL.Path; {
	case s.down:
		fail(http.StatusServiceUnavailable, metav1.StatusReasonServiceUnavailable)
	case name == "GET /api/v1/nodes/gpu-1" && s.node:
		answer(http.StatusOK, metav1.PartialObjectMetadata{
			TypeMeta:   metav1.TypeMeta{APIVersion: "meta.k8s.io/v1", Kind: "PartialObjectMetadata"},
			ObjectMeta: metav1.ObjectMeta{Name: "gpu-1", UID: "node-uid"},
		})
	case name == "POST /apis/usher.dev/v1alpha1/gpunodes" && s.stored != nil:
		fail(http.StatusConflict, metav1.StatusReasonAlreadyExists)
	case name == "POST /apis/usher.dev/v1alpha1/gpunodes":
		sent.Status = v1alpha1.GPUNodeStatus{}
		s.stored = &sent
		store(http.StatusCreated)
	case s.stored == nil:
		fail(http.StatusNotFound, metav1.StatusReasonNotFound)
	case name == "GET /apis/usher.dev/v1alpha1/gpunodes/gpu-1":
		answer(http.StatusOK, s.stored)
	case name == "PUT /apis/usher.dev/v1alpha1/gpunodes/gpu-1/status" && sent.ResourceVersion != s.stored.ResourceVersion:
		fail(http.StatusConflict, metav1.StatusReasonConflict)
	case name == "PUT /apis/usher.dev/v1alpha1/gpunodes/gpu-1/status" && sent.Status.Sequence < s.stored.Status.Sequence:
		fail(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid)
	case name == "PUT /apis/usher.dev/v1alpha1/gpunodes/gpu-1/status":
		s.stored.Status = sent.Status
		store(http.StatusOK)
	default:
		fail(http.StatusMethodNotAllowed, metav1.StatusReasonMethodNotAllowed)
	}
}

// asked returns the requests since the last call.
func (s *fakeAPIServer) asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	requests := s.requests
	s.requests = nil
	return requests
}

func newFakeAPIServer(t *testing.T) (*fakeAPIServer, *APIServer) {
	t.Helper()
	fake := &fakeAPIServer{node: true}
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	store, err := NewAPIServer(&rest.Config{Host: server.URL}, "gpu-1")
	must(t, err)
	return fake, store
}

func reportOf(sequence int64) *v1alpha1.GPUNode {
	return &v1alpha1.GPUNode{
		TypeMeta:   metav1.TypeMeta{APIVersion: "usher.dev/v1alpha1", Kind: "GPUNode"},
		ObjectMeta: metav1.ObjectMeta{Name: "gpu-1"},
		Status:     v1alpha1.GPUNodeStatus{BootID: "boot-1", Sequence: sequence},
	}
}

func TestAGPUNodeIsMadeAsItsNodesAndThenUpdatedByOneRequest(t *testing.T) {
	fake, store := newFakeAPIServer(t)
	stored, err := store.Read(t.Context())
	must(t, err)
	if stored != nil {
		t.Errorf("stored %+v", stored)
	}
	must(t, store.Write(t.Context(), reportOf(1)))
	report(t, "requests", cmp.Diff([]string{"GET /gpunodes/gpu-1", "GET /api/v1/nodes/gpu-1", "POST /gpunodes", "PUT /gpunodes/gpu-1/status"}, fake.asked()))
	must(t, store.Write(t.Context(), reportOf(2)))
	report(t, "requests", cmp.Diff([]string{"PUT /gpunodes/gpu-1/status"}, fake.asked()))
	report(t, "owners", cmp.Diff([]metav1.OwnerReference{{APIVersion: "v1", Kind: "Node", Name: "gpu-1", UID: "node-uid"}}, fake.stored.OwnerReferences))
	if fake.stored.Status.Sequence != 2 {
		t.Errorf("sequence %d", fake.stored.Status.Sequence)
	}
	stored, err = store.Read(t.Context())
	must(t, err)
	if stored.Status.Sequence != 2 || stored.ResourceVersion != "3" {
		t.Errorf("read sequence %d, version %s", stored.Status.Sequence, stored.ResourceVersion)
	}
}

func TestWhatElseTheAPIServerMaySay(t *testing.T) {
	for _, tt := range []struct {
		name    string
		change  func(*fakeAPIServer)
		changed bool
		want    string
	}{
		{"somebody else has written", func(s *fakeAPIServer) { s.stored.ResourceVersion = "99" }, true, "the GPUNode has changed: Conflict"},
		{"a newer report is stored", func(s *fakeAPIServer) { s.stored.Status.Sequence = 99 }, true, "the GPUNode has changed: Invalid"},
		{"it was deleted", func(s *fakeAPIServer) { s.stored = nil }, true, "the GPUNode has changed: NotFound"},
		{"the API server is not well", func(s *fakeAPIServer) { s.down = true }, false, "ServiceUnavailable"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			fake, store := newFakeAPIServer(t)
			must(t, store.Write(t.Context(), reportOf(1)))
			tt.change(fake)
			err := store.Write(t.Context(), reportOf(2))
			if err == nil || err.Error() != tt.want || errors.Is(err, ErrChanged) != tt.changed {
				t.Errorf("error %v", err)
			}
			fake.down = false
			_, err = store.Read(t.Context())
			must(t, err)
			must(t, store.Write(t.Context(), reportOf(100)))
		})
	}
}

func TestNothingIsMadeForANodeThatIsNotThere(t *testing.T) {
	fake, store := newFakeAPIServer(t)
	fake.node = false
	err := store.Write(t.Context(), reportOf(1))
	if err == nil || !strings.Contains(err.Error(), "find the Node that owns it: NotFound") || fake.stored != nil {
		t.Errorf("error %v", err)
	}
}

func TestTwoThatMakeItAtOnce(t *testing.T) {
	fake, store := newFakeAPIServer(t)
	must(t, store.Write(t.Context(), reportOf(1)))
	_, second := newFakeAPIServer(t)
	second.gpunodes, second.nodes = store.gpunodes, store.nodes
	if err := second.Write(t.Context(), reportOf(1)); !errors.Is(err, ErrChanged) {
		t.Errorf("error %v", err)
	}
	_, err := second.Read(t.Context())
	must(t, err)
	must(t, second.Write(t.Context(), reportOf(2)))
	if fake.stored.Status.Sequence != 2 {
		t.Errorf("sequence %d", fake.stored.Status.Sequence)
	}
}
