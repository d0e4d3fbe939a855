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

	mu    sync.Mutex
	alive []*corev1.Pod
}

// whole asks for one GPU, always.
func whole(*rand.Rand) devices { return devices{wholeGPU: 1} }

// rage lets clients create and delete for a while.
func (w *weather) rage(t *testing.T, lasts time.Duration) {
	t.Helper()
	seed := rand.Uint64()
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), lasts)
	defer cancel()
	var group sync.WaitGroup
	for i, client := range w.cluster.clients(t, w.clients) {
		random := rand.New(rand.NewPCG(seed, uint64(i)))
		group.Go(func() {
			for ctx.Err() == nil {
				// A request that is under way when the time is up is let finish.
				w.once(t.Context(), client, random)
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
		if created := w.journal.create(ctx, w.tenant, client, podOf(namespace, "", w.draw(random))); created != nil {
			w.mu.Lock()
			w.alive = append(w.alive, created)
			w.mu.Unlock()
		}
		return
	}
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

// fill creates pods that all ask for the same, one after the other, until one is
// refused, and returns how many had room. Nothing else may be under way.
func (n *tenant) fill(t *testing.T, with devices) int {
	t.Helper()
	client := n.client(t)
	j := newJournal()
	for len(j.refusals) == 0 {
		j.create(t.Context(), n, client, podOf(n.namespaces[0], "", with))
		if len(j.failures)+len(j.strange) > 0 {
			t.Fatalf("%s %v", j, j.strange)
		}
	}
	j.just(t, n)
	return j.admitted
}
