package storm

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"usher.dev/usher/test/e2e/storm/ledgercheck"
)

// journal notes what became of requests.
type journal struct {
	mu       sync.Mutex
	admitted int
	refusals []refusal
	failures map[string]int // by what the API server said
	strange  []error        // denials that are not for want of room
}

// refusal is what a user was told, and when.
type refusal struct {
	ledgercheck.Refusal
	text string
}

func newJournal() *journal { return &journal{failures: map[string]int{}} }

// isRefusal says whether a request was denied for want of room in the ledger.
func isRefusal(err error) bool {
	return apierrors.IsForbidden(err) && strings.Contains(err.Error(), "denied the request") && strings.Contains(err.Error(), "asked for")
}

// create creates a pod and notes what became of it; nil: it was not admitted.
func (j *journal) create(ctx context.Context, n *tenant, client kubernetes.Interface, pod *corev1.Pod) *corev1.Pod {
	ask, _ := podHolding(pod, nil)
	return try(ctx, j, n, ask, func() (*corev1.Pod, error) {
		return client.CoreV1().Pods(pod.Namespace).Create(ctx, pod, metav1.CreateOptions{})
	})
}

// createClaim creates a claim and notes what became of it; nil: it was not admitted.
func (j *journal) createClaim(ctx context.Context, n *tenant, client kubernetes.Interface, claim *resourcev1.ResourceClaim) *resourcev1.ResourceClaim {
	ask, _ := claimHolding(claim)
	return try(ctx, j, n, ask, func() (*resourcev1.ResourceClaim, error) {
		return client.ResourceV1().ResourceClaims(claim.Namespace).Create(ctx, claim, metav1.CreateOptions{})
	})
}

// try notes what becomes of a request for so much, and between which revisions it
// was decided.
func try[T any](ctx context.Context, j *journal, n *tenant, ask ledgercheck.Holding, send func() (*T, error)) *T {
	from, err := n.follower.now(ctx)
	if err != nil {
		j.note(err, refusal{})
		return nil
	}
	created, err := send()
	to, failed := n.follower.now(ctx)
	if err == nil && failed != nil {
		err = failed
	}
	j.note(err, refusal{Refusal: ledgercheck.Refusal{From: from, To: to, Ask: ask}})
	if err != nil {
		return nil
	}
	return created
}

func (j *journal) note(err error, r refusal) {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case err == nil:
		j.admitted++
	case isRefusal(err):
		r.text = err.Error()
		j.refusals = append(j.refusals, r)
	case strings.Contains(err.Error(), "denied the request"):
		j.strange = append(j.strange, err)
	default:
		j.failures[cause(err)]++
	}
}

// causes are what requests fail of, in the words of those who say so.
var causes = []string{
	"connection refused", "EOF", "connection reset", "context deadline exceeded", "could not reserve GPUs", "is being counted",
	"context canceled", "already exists", "failed calling webhook",
}

// cause is a failure without what is peculiar to it.
func cause(err error) string {
	for _, known := range causes {
		if strings.Contains(err.Error(), known) {
			return known
		}
	}
	return err.Error()
}

// just fails the test unless every denial was for want of room, and there was none
// at some time while the request was under way.
func (j *journal) just(t *testing.T, n *tenant) {
	t.Helper()
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, err := range j.strange {
		t.Errorf("denied for another reason: %v", err)
	}
	must(t, n.follower.catchUp(t.Context()))
	n.follower.check(n.name, func(c *ledgercheck.Checker) {
		for i := range j.refusals {
			c.Refused(j.refusals[i].Refusal)
		}
	})
}

// String says how many requests were admitted, refused and failed of what.
func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	text := fmt.Sprintf("%d admitted, %d refused", j.admitted, len(j.refusals))
	for _, cause := range slices.Sorted(maps.Keys(j.failures)) {
		text += fmt.Sprintf(", %d failed (%s)", j.failures[cause], cause)
	}
	return text
}
