package quota

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"usher.dev/usher/api/v1alpha1"
)

// fault is what befalls a request.
type fault int

const (
	none      fault = iota
	cutBefore       // the connection breaks before anything is done
	cutAfter        // it is done, and the answer is lost
	refuse          // 403
	overload        // 503
)

// ledgerServer keeps QuotaLedgers as an API server does, as far as get, list and
// put of the status go. The end-to-end tests use a real one; this one can fail at
// will.
type ledgerServer struct {
	*httptest.Server

	mu      sync.Mutex
	stored  map[string]*v1alpha1.QuotaLedger
	version int
	gets    int
	puts    int
	// before is asked what befalls each request, without the lock.
	before func(r *http.Request) fault
}

func newLedgerServer(t *testing.T, ledgers ...*v1alpha1.QuotaLedger) *ledgerServer {
	t.Helper()
	s := &ledgerServer{stored: map[string]*v1alpha1.QuotaLedger{}, before: func(*http.Request) fault { return none }}
	for _, l := range ledgers {
		l.APIVersion, l.Kind, l.UID = v1alpha1.GroupVersion.String(), "QuotaLedger", types.UID("uid-"+l.Name)
		s.keep(l)
	}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	return s
}

func (s *ledgerServer) keep(l *v1alpha1.QuotaLedger) {
	s.version++
	l = l.DeepCopy()
	l.ResourceVersion = fmt.Sprint(s.version)
	s.stored[l.Name] = l
}

// change is a write of "t" by somebody else.
func (s *ledgerServer) change(change func(*v1alpha1.QuotaLedgerStatus)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.stored["t"].DeepCopy()
	change(&l.Status)
	l.Status.Over, l.Status.Version = l.Status.Version, NewID()
	s.keep(l)
}

func (s *ledgerServer) status() v1alpha1.QuotaLedgerStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	return *s.stored["t"].Status.DeepCopy()
}

func (s *ledgerServer) calls() (gets, puts int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gets, s.puts
}

func (s *ledgerServer) serve(w http.ResponseWriter, r *http.Request) {
	f := s.before(r)
	w.Header().Set("Content-Type", "application/json")
	switch f {
	case cutBefore:
		panic(http.ErrAbortHandler)
	case refuse:
		answerStatus(w, http.StatusForbidden, metav1.StatusReasonForbidden)
		return
	case overload:
		answerStatus(w, http.StatusServiceUnavailable, metav1.StatusReasonServiceUnavailable)
		return
	case none, cutAfter:
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	name, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/apis/usher.dev/v1alpha1/quotaledgers/"), "/")
	at := s.stored[name]
	switch {
	case strings.HasSuffix(r.URL.Path, "/quotaledgers"):
		_ = json.NewEncoder(w).Encode(&v1alpha1.QuotaLedgerList{ListMeta: metav1.ListMeta{ResourceVersion: fmt.Sprint(s.version)}})
	case at == nil:
		answerStatus(w, http.StatusNotFound, metav1.StatusReasonNotFound)
	case r.Method == http.MethodGet:
		s.gets++
		_ = json.NewEncoder(w).Encode(at)
	case r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, "/status"):
		s.put(w, r, at, f)
	default:
		answerStatus(w, http.StatusMethodNotAllowed, metav1.StatusReasonMethodNotAllowed)
	}
}

func (s *ledgerServer) put(w http.ResponseWriter, r *http.Request, at *v1alpha1.QuotaLedger, f fault) {
	var sent v1alpha1.QuotaLedger
	if err := json.NewDecoder(r.Body).Decode(&sent); err != nil {
		answerStatus(w, http.StatusBadRequest, metav1.StatusReasonBadRequest)
		return
	}
	if sent.ResourceVersion != at.ResourceVersion || sent.UID != at.UID || sent.Status.Over != at.Status.Version {
		answerStatus(w, http.StatusConflict, metav1.StatusReasonConflict)
		return
	}
	s.puts++
	next := at.DeepCopy()
	next.Status = sent.Status
	s.keep(next)
	if f == cutAfter {
		panic(http.ErrAbortHandler)
	}
	_ = json.NewEncoder(w).Encode(s.stored[at.Name])
}

func answerStatus(w http.ResponseWriter, code int, reason metav1.StatusReason) {
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(&metav1.Status{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}, Status: metav1.StatusFailure, Code: int32(code), Reason: reason, Message: string(reason),
	})
}

// reserver is one replica's.
func (s *ledgerServer) reserver(t *testing.T) *Reserver {
	t.Helper()
	r, err := NewReserver(&rest.Config{Host: s.URL}, logr.Discard())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// ledgerOf is the ledger "t", counted, with a limit in whole units.
func ledgerOf(limit int64, holders ...v1alpha1.LedgerEntry) *v1alpha1.QuotaLedger {
	hard := limit * int64(One)
	l := &v1alpha1.QuotaLedger{ObjectMeta: metav1.ObjectMeta{Name: "t"}, Spec: v1alpha1.QuotaLedgerSpec{Hard: v1alpha1.QuotaHard{MicroUnits: &hard}}}
	l.Status = *statusOf(holders, nil)
	l.Status.Version, l.Status.Counted = NewID(), someTime()
	return l
}
