package quota

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/tracing"
)

// callTimeout bounds one read or write. The API server does either in
// milliseconds; one that takes longer is better asked again.
const callTimeout = 3 * time.Second

// changedMessage is what the CRD's rule on QuotaLedgerStatus says of a write over
// another version than the one that is there.
const changedMessage = "the ledger has changed since it was read"

// errConflict says that a write was not made, since the ledger had changed or was
// gone.
var errConflict = errors.New("the ledger has changed since it was read")

// errUnknown says that nobody knows whether a write was made.
var errUnknown = errors.New("whether the ledger was written is not known")

// store reads and writes ledgers at the API server, never from a cache.
type store struct {
	client client.Client
	owner  client.FieldOwner
}

func newStore(cfg *rest.Config, owner client.FieldOwner) (*store, error) {
	cfg = rest.CopyConfig(cfg)
	// An admission waits for each call. The API server's own fairness is the
	// limit, not this client's.
	cfg.QPS = -1
	// A ledger of a few hundred entries would be compressed and decompressed with
	// each call, which takes longer than the bytes do inside a cluster.
	cfg.DisableCompression = true
	cfg.Wrap(tracing.Propagate)
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return nil, fmt.Errorf("make a client of ledgers: %w", err)
	}
	// The mapping is known: nothing to discover, nothing to be stale.
	mapper := meta.NewDefaultRESTMapper(nil)
	mapper.Add(v1alpha1.GroupVersion.WithKind("QuotaLedger"), meta.RESTScopeRoot)
	c, err := client.New(cfg, client.Options{Scheme: scheme, Mapper: mapper})
	if err != nil {
		return nil, fmt.Errorf("make a client of ledgers: %w", err)
	}
	return &store{client: c, owner: owner}, nil
}

// version reads the API server's current resource version.
func (s *store) version(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	var list v1alpha1.QuotaLedgerList
	if err := s.client.List(ctx, &list, client.Limit(1)); err != nil {
		return "", fmt.Errorf("read QuotaLedgers: %w", err)
	}
	return list.ResourceVersion, nil
}

// get reads a ledger as it is now; nil if there is none.
func (s *store) get(ctx context.Context, name string) (*v1alpha1.QuotaLedger, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	ledger := &v1alpha1.QuotaLedger{}
	if err := s.client.Get(ctx, types.NamespacedName{Name: name}, ledger); err != nil {
		if apierrors.IsNotFound(err) {
			return nil, nil
		}
		return nil, fmt.Errorf("read QuotaLedger %q: %w", name, err)
	}
	return ledger, nil
}

// put writes a status over the ledger as it was read, under a version of its own,
// and returns what is there then. An error that is neither errConflict nor
// errUnknown says that the API server would not write it.
func (s *store) put(ctx context.Context, over *v1alpha1.QuotaLedger, status *v1alpha1.QuotaLedgerStatus, version string) (*v1alpha1.QuotaLedger, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	next := bare(over)
	next.Spec, next.Status = over.Spec, *status
	next.Status.Version, next.Status.Over = version, over.Status.Version
	if err := s.client.Status().Update(ctx, next, s.owner); err != nil {
		return nil, fmt.Errorf("write QuotaLedger %q: %w", over.Name, outcome(err))
	}
	return next, nil
}

// bare is a ledger's identity and the version that is to be written over. Without
// managedFields in it, the API server keeps those that it has.
func bare(over *v1alpha1.QuotaLedger) *v1alpha1.QuotaLedger {
	return &v1alpha1.QuotaLedger{ObjectMeta: metav1.ObjectMeta{Name: over.Name, UID: over.UID, ResourceVersion: over.ResourceVersion}}
}

// outcome tells writes that were not made from those of which nobody knows.
func outcome(err error) error {
	switch {
	case apierrors.IsConflict(err), apierrors.IsNotFound(err), apierrors.IsInvalid(err) && strings.Contains(err.Error(), changedMessage):
		return fmt.Errorf("%w: %w", errConflict, err)
	case refused(err):
		return err
	default:
		return fmt.Errorf("%w: %w", errUnknown, err)
	}
}

// refused says that the API server considered a request and did not do it, and
// would not the next time.
func refused(err error) bool {
	return apierrors.IsInvalid(err) || apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err) ||
		apierrors.IsBadRequest(err) || apierrors.IsRequestEntityTooLargeError(err) || apierrors.IsMethodNotSupported(err)
}
