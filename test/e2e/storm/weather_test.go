package storm

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"usher.dev/usher/test/e2e/storm/ledgercheck"
)

// weather is clients that create and delete pods of a tenant at random.
type weather struct {
	*tenant
	journal *journal
	clients int
	// draw says what the next pod asks for.
	draw func(*rand.Rand) devices
	// gently deletes pods with the grace period that they have, so that those that
	// run terminate for a while.
	gently bool
	// pause is between two requests of a client.
	pause time.Duration

	mu    sync.Mutex
	alive []*corev1.Pod
}

// whole asks for one GPU, always.
func whole(*rand.Rand) devices { return devices{wholeGPU: 1} }

// rage lets clients create and delete for a while.
func (w *weather) rage(t *testing.T, lasts time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), lasts)
	defer cancel()
	w.rageUntil(ctx, t)
}

// rageUntil lets clients create and delete until a context ends.
func (w *weather) rageUntil(ctx context.Context, t *testing.T) {
	t.Helper()
	seed := rand.Uint64()
	began := time.Now()
	var group sync.WaitGroup
	for i, client := range w.cluster.clients(t, w.clients) {
		random := rand.New(rand.NewPCG(seed, uint64(i)))
		group.Go(func() {
			for ctx.Err() == nil {
				// A request that is under way when the time is up is let finish.
				w.once(t.Context(), client, random)
				time.Sleep(w.pause)
			}
		})
	}
	group.Wait()
	t.Logf("%s: %s in %s, seed %d", w.name, w.journal, time.Since(began).Round(time.Millisecond), seed)
}

// once creates a pod, or deletes one: the more often, the fuller the tenant is.
func (w *weather) once(ctx context.Context, client kubernetes.Interface, random *rand.Rand) {
	if random.IntN(5) < 3 {
		namespace := w.namespaces[random.IntN(len(w.namespaces))]
		w.keep(w.journal.create(ctx, w.tenant, client, podOf(namespace, "", w.draw(random))))
		return
	}
	w.drop(ctx, client, random)
}

// keep remembers a pod that was admitted; nil: it was not.
func (w *weather) keep(created *corev1.Pod) {
	if created != nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.alive = append(w.alive, created)
	}
}

// drop deletes one of the pods, if there is any.
func (w *weather) drop(ctx context.Context, client kubernetes.Interface, random *rand.Rand) {
	pod := w.pick(random)
	if pod == nil {
		return
	}
	how := atOnce()
	if w.gently && random.IntN(2) == 0 {
		how = metav1.DeleteOptions{}
	}
	if err := ignoreNotFound(client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, how)); err != nil {
		w.journal.note(fmt.Errorf("delete: %w", err), refusal{})
	}
}

// pick takes a pod out of those that are alive; nil: there is none.
func (w *weather) pick(random *rand.Rand) *corev1.Pod {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.alive) == 0 {
		return nil
	}
	i := random.IntN(len(w.alive))
	pod := w.alive[i]
	w.alive[i] = w.alive[len(w.alive)-1]
	w.alive = w.alive[:len(w.alive)-1]
	return pod
}

// fill creates pods that all ask for the same, one after the other, in the first
// namespace until one is refused, and returns how many had room. Nothing else may
// be under way.
func (n *tenant) fill(t *testing.T, with devices) int {
	t.Helper()
	return n.fillIn(t, n.namespaces[0], with)
}

func (n *tenant) fillIn(t *testing.T, namespace string, with devices) int {
	t.Helper()
	client := n.client(t)
	j := newJournal()
	for len(j.refusals) == 0 {
		j.create(t.Context(), n, client, podOf(namespace, "", with))
		if len(j.failures)+len(j.strange) > 0 {
			t.Fatalf("%s %v", j, j.strange)
		}
	}
	j.just(t, n)
	return j.admitted
}

// used is what the ledger says is held.
func (n *tenant) used(t *testing.T) (used int64) {
	t.Helper()
	must(t, n.follower.catchUp(t.Context()))
	n.follower.check(n.name, func(c *ledgercheck.Checker) { used = c.Current().Status.Used })
	return used
}
