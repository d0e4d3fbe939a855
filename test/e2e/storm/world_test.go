package storm

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/test/e2e/storm/ledgercheck"
)

// Where the API server keeps what is followed.
const (
	podKeys    = "/registry/pods/"
	claimKeys  = "/registry/resourceclaims/"
	ledgerKeys = "/registry/usher.dev/quotaledgers/"
	nodeKeys   = "/registry/usher.dev/gpunodes/"
)

// world is the pods, claims, ledgers and shares of nodes as of one revision.
type world struct {
	pods     map[string]*corev1.Pod // by key, as all maps of objects
	claims   map[string]*resourcev1.ResourceClaim
	ledgers  map[string]*v1alpha1.QuotaLedger
	nodes    map[string]shares // by node
	versions map[string]int64  // etcd's, by key

	checkers map[string]*ledgercheck.Checker // by tenant
	tenants  map[string]string               // by namespace
}

func newWorld() *world {
	return &world{
		pods: map[string]*corev1.Pod{}, claims: map[string]*resourcev1.ResourceClaim{}, ledgers: map[string]*v1alpha1.QuotaLedger{},
		nodes: map[string]shares{}, versions: map[string]int64{},
		checkers: map[string]*ledgercheck.Checker{}, tenants: map[string]string{},
	}
}

// begin takes over what is there already.
func (w *world) begin(kvs []*mvccpb.KeyValue) error {
	for _, kv := range kvs {
		w.versions[string(kv.Key)] = kv.Version
		if err := w.put(kv); err != nil {
			return err
		}
	}
	return nil
}

// track begins to check a tenant at a revision.
func (w *world) track(revision int64, tenant string, namespaces []string) {
	c := ledgercheck.New()
	w.checkers[tenant] = c
	for _, namespace := range namespaces {
		w.tenants[namespace] = tenant
	}
	if ledger := w.ledgers[ledgerKeys+tenant]; ledger != nil {
		c.Begin(revision, ledger)
	}
	for _, pod := range w.pods {
		w.pod(revision, pod)
	}
	for _, claim := range w.claims {
		w.claim(revision, claim)
	}
}

// change is one change of one key.
func (w *world) change(event *clientv3.Event) error {
	key := string(event.Kv.Key)
	if event.Type == clientv3.EventTypeDelete {
		delete(w.versions, key)
		w.remove(event.Kv.ModRevision, key)
		return nil
	}
	if event.Kv.Version != w.versions[key]+1 && key != markKey {
		return fmt.Errorf("etcd's version %d of %s came after %d", event.Kv.Version, key, w.versions[key])
	}
	w.versions[key] = event.Kv.Version
	return w.put(event.Kv)
}

// put decodes what is written and tells the checkers.
func (w *world) put(kv *mvccpb.KeyValue) (err error) {
	key, revision := string(kv.Key), kv.ModRevision
	switch {
	case strings.HasPrefix(key, podKeys):
		pod, err := decode[*corev1.Pod](kv)
		if err != nil {
			return err
		}
		w.pods[key] = pod
		w.pod(revision, pod)
	case strings.HasPrefix(key, claimKeys):
		claim, err := decode[*resourcev1.ResourceClaim](kv)
		if err != nil {
			return err
		}
		w.claims[key] = claim
		w.claim(revision, claim)
	case strings.HasPrefix(key, ledgerKeys):
		ledger := &v1alpha1.QuotaLedger{}
		if err := json.Unmarshal(kv.Value, ledger); err != nil {
			return fmt.Errorf("decode %s: %w", key, err)
		}
		w.ledgers[key] = ledger
		if c := w.checkers[ledger.Name]; c != nil {
			c.Ledger(revision, ledger)
		}
	case strings.HasPrefix(key, nodeKeys):
		node := &v1alpha1.GPUNode{}
		if err := json.Unmarshal(kv.Value, node); err != nil {
			return fmt.Errorf("decode %s: %w", key, err)
		}
		w.node(revision, node)
	}
	return nil
}

func (w *world) remove(revision int64, key string) {
	gone := func(o metav1.Object) {
		if c := w.checkers[w.tenants[o.GetNamespace()]]; c != nil {
			c.Gone(revision, o.GetUID())
		}
	}
	switch {
	case w.pods[key] != nil:
		gone(w.pods[key])
		delete(w.pods, key)
	case w.claims[key] != nil:
		gone(w.claims[key])
		delete(w.claims, key)
	case w.ledgers[key] != nil:
		if c := w.checkers[w.ledgers[key].Name]; c != nil {
			c.Ledger(revision, nil)
		}
		delete(w.ledgers, key)
	}
}

func (w *world) pod(revision int64, pod *corev1.Pod) {
	h, holds := podHolding(pod, w.nodes[pod.Spec.NodeName])
	w.tell(revision, pod.Namespace, pod.UID, h, holds)
}

func (w *world) claim(revision int64, claim *resourcev1.ResourceClaim) {
	h, holds := claimHolding(claim)
	w.tell(revision, claim.Namespace, claim.UID, h, holds)
}

func (w *world) tell(revision int64, namespace string, uid types.UID, h ledgercheck.Holding, holds bool) {
	c := w.checkers[w.tenants[namespace]]
	switch {
	case c == nil:
	case holds:
		c.Holds(revision, h)
	default:
		c.Gone(revision, uid)
	}
}

// node takes over a node's shares, which the pods on it hold by.
func (w *world) node(revision int64, node *v1alpha1.GPUNode) {
	now := shares{}
	for _, r := range node.Status.Resources {
		now[r.Name] = int64(r.Replicas)
	}
	w.nodes[node.Name] = now
	var on []*corev1.Pod
	for _, pod := range w.pods {
		if pod.Spec.NodeName == node.Name {
			on = append(on, pod)
		}
	}
	slices.SortFunc(on, func(a, b *corev1.Pod) int { return cmp.Compare(a.UID, b.UID) })
	for _, pod := range on {
		w.pod(revision, pod)
	}
}

func holdingOf(kind string, meta *metav1.ObjectMeta) ledgercheck.Holding {
	return ledgercheck.Holding{
		UID: meta.UID, Kind: kind, Namespace: meta.Namespace, Name: meta.Name,
		Reservation: meta.Labels[v1alpha1.ReservationLabel], Resources: map[string]int64{},
	}
}

// decode reads an object of Kubernetes' own as the API server stores it.
func decode[T any](kv *mvccpb.KeyValue) (T, error) {
	object, _, err := scheme.Codecs.UniversalDeserializer().Decode(kv.Value, nil, nil)
	decoded, ok := object.(T)
	switch {
	case err != nil:
		return decoded, fmt.Errorf("decode %s: %w", kv.Key, err)
	case !ok:
		return decoded, fmt.Errorf("decode %s: it is a %T", kv.Key, object)
	}
	return decoded, nil
}
