package load

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
)

// auditPrefix begins the audit IDs of this load.
const auditPrefix = "steady-load-"

// patience bounds one request: longer than the API server's own limit.
const patience = 40 * time.Second

// Options say who asks how much.
type Options struct {
	// As returns the connection of a user.
	As func(user string, groups ...string) (*rest.Config, error)
	// Workers ask at once at most, in turn for each tenant.
	Workers int
	// Rate is how many requests are sent a second. Zero: each worker sends the next
	// one when the last has been answered.
	Rate float64
}

// Load is a load that goes on.
type Load struct {
	Tally
	// GoingAway counts the API servers that are going away: the connections to them
	// may break.
	GoingAway atomic.Int32

	name    string // tells its requests from those of other loads
	warned  atomic.Pointer[warning]
	serial  atomic.Int64
	tickets chan struct{}
	stop    context.CancelFunc
	done    sync.WaitGroup
}

// warning is what every judged pod has to be warned of, or must not be.
type warning struct {
	text string
	want bool
}

// Start starts a load that goes on until Stop.
func Start(o Options) (*Load, error) {
	ctx, stop := context.WithCancel(context.Background())
	l := &Load{stop: stop, name: strconv.FormatInt(time.Now().UnixNano(), 36)}
	if o.Rate > 0 {
		l.tickets = make(chan struct{}, o.Workers)
		l.done.Go(func() { l.tick(ctx, o.Rate) })
	}
	for n := range o.Workers {
		tenant := Tenants[n%len(Tenants)]
		config, err := o.As(User(tenant))
		if err != nil {
			l.Stop()
			return nil, err
		}
		client, err := connect(config, &l.GoingAway)
		if err != nil {
			l.Stop()
			return nil, err
		}
		w := &worker{load: l, client: client, tenant: tenant, name: fmt.Sprint("w", n), journeys: journeys(tenant)}
		l.done.Go(func() { w.work(ctx) })
	}
	return l, nil
}

// Stop ends the load once the requests under way are answered.
func (l *Load) Stop() {
	l.stop()
	l.done.Wait()
}

// ExpectWarning says that from now on every new pod must be warned of a text, or must
// not be; "": either.
func (l *Load) ExpectWarning(text string, want bool) {
	if text == "" {
		l.warned.Store(nil)
		return
	}
	l.warned.Store(&warning{text, want})
}

// tick hands out tickets at a rate.
func (l *Load) tick(ctx context.Context, rate float64) {
	ticker := time.NewTicker(time.Duration(float64(time.Second) / rate))
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		select {
		case l.tickets <- struct{}{}:
		default:
			l.mu.Lock()
			l.late++
			l.mu.Unlock()
		}
	}
}

// worker is a user at work.
type worker struct {
	load     *Load
	client   dynamic.Interface
	tenant   string
	name     string
	journeys []journey
}

func (w *worker) work(ctx context.Context) {
	namespaces := Namespaces(w.tenant)
	// Each worker begins elsewhere, so that all kinds of requests are under way at
	// any time.
	first := rand.IntN(len(w.journeys))
	for n := 0; ctx.Err() == nil; n++ {
		j := w.journeys[(first+n)%len(w.journeys)]
		w.travel(ctx, j, namespaces[n%len(namespaces)], fmt.Sprintf("%s-%d", w.name, n))
	}
}

// travel takes one object through its journey. Once begun, it is deleted.
func (w *worker) travel(ctx context.Context, j journey, namespace, name string) {
	client := w.client.Resource(j.resource).Namespace(namespace)
	object := &unstructured.Unstructured{Object: read(j.object)}
	object.SetNamespace(namespace)
	object.SetName(name)
	made := false
	for _, s := range j.steps {
		if s.verb != create && !made {
			return // an earlier step has told why
		}
		if !w.turn(ctx) && s.verb != remove {
			continue
		}
		got := w.ask(client, &s, object)
		switch {
		case s.dryRun || got == nil:
		case s.verb == create:
			made, object = true, got
		case s.verb == update:
			object = got
		}
	}
}

// turn waits for a worker's turn to send a request; false: the load ends.
func (w *worker) turn(ctx context.Context) bool {
	if w.load.tickets == nil {
		return ctx.Err() == nil
	}
	select {
	case <-ctx.Done():
		return false
	case <-w.load.tickets:
		return ctx.Err() == nil
	}
}

// ask sends one request, notes what became of it and returns what came back.
func (w *worker) ask(client dynamic.ResourceInterface, s *step, object *unstructured.Unstructured) *unstructured.Unstructured {
	about := &request{auditID: fmt.Sprintf("%s%s-%d", auditPrefix, w.load.name, w.load.serial.Add(1))}
	ctx, cancel := context.WithTimeout(context.WithValue(context.Background(), requestKey{}, about), patience)
	defer cancel()
	r := Result{
		At: time.Now(), Event: w.load.current(), What: strings.ToLower(object.GetKind()) + " " + object.GetNamespace() + "/" + object.GetName() + ", " + s.what,
		AuditID: about.auditID, Mutated: s.want.mutated, Validated: s.want.validated,
	}
	expected := w.load.warned.Load()
	got, err := send(ctx, client, s, object)
	r.Took, r.Resent, r.Admitted = time.Since(r.At), about.resent, err == nil
	if r.Resent > 0 && cameTwice(s.verb, err) {
		// The first one had been answered, though not to us.
		got, err = client.Get(ctx, object.GetName(), metav1.GetOptions{})
		if s.verb == remove {
			got, err = object, nil
		}
		r.Admitted = err == nil
	}
	fault, why := s.want.judge(got, err)
	if fault == "" && s.want.mutated && r.Admitted && w.load.warned.Load() == expected {
		fault, why = expected.judge(about.heard())
	}
	if fault != "" {
		r.Fault, r.Why = fault, why.Error()
	}
	w.load.add(r)
	if err != nil {
		return nil
	}
	return got
}

func send(ctx context.Context, client dynamic.ResourceInterface, s *step, object *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	var dryRun []string
	if s.dryRun {
		dryRun = []string{metav1.DryRunAll}
	}
	switch s.verb {
	case create:
		return client.Create(ctx, object, metav1.CreateOptions{DryRun: dryRun})
	case remove:
		return object, client.Delete(ctx, object.GetName(), metav1.DeleteOptions{DryRun: dryRun})
	default:
		changed := object.DeepCopy()
		s.change(changed)
		return client.Update(ctx, changed, metav1.UpdateOptions{DryRun: dryRun})
	}
}

// cameTwice says whether an answer means that the same request had come before.
func cameTwice(v verb, err error) bool {
	switch v {
	case create:
		return apierrors.IsAlreadyExists(err)
	case update:
		return apierrors.IsConflict(err)
	default:
		return apierrors.IsNotFound(err)
	}
}

func (r *request) heard() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.warnings)
}

// judge holds warnings against what has to be warned of.
func (w *warning) judge(heard []string) (Fault, error) {
	if w == nil {
		return "", nil
	}
	has := slices.ContainsFunc(heard, func(text string) bool { return strings.Contains(text, w.text) })
	switch {
	case has == w.want:
		return "", nil
	case has:
		return Wrong, fmt.Errorf("warned of %q", w.text)
	}
	return Wrong, errors.New("not warned of " + w.text)
}
