package volume

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// look is how often a Secret is looked at.
const look = 250 * time.Millisecond

// Secret is a folder that follows a Secret.
type Secret struct {
	*Folder
	client    kubernetes.Interface
	namespace string
	name      string
	lag       time.Duration
	stop      context.CancelFunc
	done      sync.WaitGroup
	mounted   chan struct{}
}

// Mount lets a folder follow a Secret until Release, lag behind it.
func Mount(folder *Folder, client kubernetes.Interface, namespace, name string, lag time.Duration) *Secret {
	ctx, stop := context.WithCancel(context.Background())
	s := &Secret{Folder: folder, client: client, namespace: namespace, name: name, lag: lag, stop: stop, mounted: make(chan struct{})}
	s.done.Go(func() { s.follow(ctx) })
	return s
}

// WaitMounted waits until the Secret is there and its files are in the folder: a
// kubelet starts no container before.
func (s *Secret) WaitMounted(ctx context.Context) error {
	select {
	case <-s.mounted:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for Secret %s/%s to be mounted: %w", s.namespace, s.name, ctx.Err())
	}
}

// Release ends the following; the files stay.
func (s *Secret) Release() {
	if s != nil {
		s.stop()
		s.done.Wait()
	}
}

func (s *Secret) follow(ctx context.Context) {
	var known map[string][]byte
	same := func(a, b []byte) bool { return string(a) == string(b) }
	for wait(ctx, look) {
		secret, err := s.client.CoreV1().Secrets(s.namespace).Get(ctx, s.name, metav1.GetOptions{})
		// One that is deleted leaves its files where they are mounted.
		if err != nil || maps.EqualFunc(secret.Data, known, same) {
			continue
		}
		if known != nil && !wait(ctx, s.lag) {
			return
		}
		if s.Replace(secret.Data) != nil {
			continue
		}
		if known == nil {
			close(s.mounted)
		}
		known = secret.Data
	}
}

// wait is whether the time has passed before the context ends.
func wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
