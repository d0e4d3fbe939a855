package webhook_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/quota"
)

// fakeLedgerServer keeps one QuotaLedger as an API server does: a status that is
// written over an older version is a conflict.
type fakeLedgerServer struct {
	mu     sync.Mutex
	ledger v1alpha1.QuotaLedger
}

func (f *fakeLedgerServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	if r.Method == http.MethodPut {
		var next v1alpha1.QuotaLedger
		if err := json.NewDecoder(r.Body).Decode(&next); err != nil || next.ResourceVersion != f.ledger.ResourceVersion {
			w.WriteHeader(http.StatusConflict)
			_ = json.NewEncoder(w).Encode(metav1.Status{Status: "Failure", Reason: metav1.StatusReasonConflict, Code: http.StatusConflict})
			return
		}
		f.ledger.Status = next.Status
		version, _ := strconv.Atoi(f.ledger.ResourceVersion)
		f.ledger.ResourceVersion = strconv.Itoa(version + 1)
	}
	_ = json.NewEncoder(w).Encode(&f.ledger)
}

// TestABurstOnTwoReplicas sends pods to two webhooks with reservers of their own at
// once, some by clients that hardly wait. As many are admitted as the ledger has
// room for; those that left may have reserved too, and nobody else.
func TestABurstOnTwoReplicas(t *testing.T) {
	const limit, patient, hasty = 16, 48, 16
	counted, units := metav1.Now(), gpus(limit)
	kept := &fakeLedgerServer{ledger: v1alpha1.QuotaLedger{
		TypeMeta:   metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "QuotaLedger"},
		ObjectMeta: metav1.ObjectMeta{Name: "a", UID: "l", ResourceVersion: "1"},
		Spec:       v1alpha1.QuotaLedgerSpec{Hard: v1alpha1.QuotaHard{MicroUnits: &units}},
		Status:     v1alpha1.QuotaLedgerStatus{Counted: &counted},
	}}
	api := httptest.NewServer(kept)
	defer api.Close()
	var replicas [2]*served
	for i := range replicas {
		reserver, err := quota.NewReserver(&rest.Config{Host: api.URL}, logr.Discard())
		must(t, err)
		replicas[i] = site{policies: map[string]string{"room": room}, objects: tenantA, ledger: reserver}.start(t)
	}
	var clients sync.WaitGroup
	var admitted atomic.Int64
	for i := range patient + hasty {
		s := replicas[i%2]
		body := reviewBody(t, "v1", "Pod", s.mutated(t, gpuPod(fmt.Sprint("train-", i), "1"), nil), nil)
		clients.Go(func() {
			if i >= patient {
				ctx, leave := context.WithTimeout(t.Context(), time.Duration(i-patient)*time.Millisecond)
				defer leave()
				_, _, _ = s.send(ctx, s.client, "/validate?timeout=10s", strings.NewReader(string(body)))
				return
			}
			_, text, err := s.send(t.Context(), s.client, "/validate?timeout=10s", strings.NewReader(string(body)))
			if err != nil {
				t.Error(err)
				return
			}
			switch response := responseIn(t, text); {
			case response.Allowed:
				admitted.Add(1)
			case !strings.Contains(response.Result.Message, "[room/room]"):
				t.Error(response.Result.Message)
			}
		})
	}
	clients.Wait()
	kept.mu.Lock()
	defer kept.mu.Unlock()
	reserved := int64(len(kept.ledger.Status.Reservations))
	if reserved != limit || admitted.Load() > limit || admitted.Load() < limit-hasty || kept.ledger.Status.Reserved != gpus(limit) {
		t.Errorf("%d pods are admitted, %d have reserved %d", admitted.Load(), reserved, kept.ledger.Status.Reserved)
	}
}
