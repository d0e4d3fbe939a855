package quota

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"usher.dev/usher/api/v1alpha1"
)

// writer is the field manager of the webhook's writes.
const writer = client.FieldOwner("usher-webhook")

// store reads and writes ledgers at the API server.
type store struct {
	client client.WithWatch
}

func newStore(cfg *rest.Config) (*store, error) {
	cfg = rest.CopyConfig(cfg)
	// Each call is one that an admission waits for; the API server's own fairness
	// is the limit, not this client's.
	cfg.QPS = -1
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return nil, fmt.Errorf("make a client of ledgers: %w", err)
	}
	// The mapping is known: nothing to discover, nothing to be stale.
	mapper := meta.NewDefaultRESTMapper(nil)
	mapper.Add(v1alpha1.GroupVersion.WithKind("QuotaLedger"), meta.RESTScopeRoot)
	c, err := client.NewWithWatch(cfg, client.Options{Scheme: scheme, Mapper: mapper})
	if err != nil {
		return nil, fmt.Errorf("make a client of ledgers: %w", err)
	}
	return &store{client: c}, nil
}

// get reads a ledger, as it is now; nil if there is none.
func (s *store) get(ctx context.Context, name string) (*v1alpha1.QuotaLedger, error) {
	ledger := &v1alpha1.QuotaLedger{}
	if err := s.client.Get(ctx, types.NamespacedName{Name: name}, ledger); err != nil {
		if apierrors.IsNotFound(err) {
			return nil, nil
		}
		return nil, fmt.Errorf("read QuotaLedger %q: %w", name, err)
	}
	return ledger, nil
}

// put writes a status over the ledger as it was read, and returns what is there
// then.
func (s *store) put(ctx context.Context, over *v1alpha1.QuotaLedger, status *v1alpha1.QuotaLedgerStatus) (*v1alpha1.QuotaLedger, error) {
	next := &v1alpha1.QuotaLedger{ObjectMeta: metav1.ObjectMeta{Name: over.Name, UID: over.UID, ResourceVersion: over.ResourceVersion}, Spec: over.Spec, Status: *stamped(status)}
	if err := s.client.Status().Update(ctx, next, writer); err != nil {
		return nil, fmt.Errorf("write QuotaLedger %q: %w", over.Name, err)
	}
	return next, nil
}
