package tenancy

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/recorder"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/tracing"
)

// Reconciler makes the cluster match the Tenants.
type Reconciler struct {
	options Options

	// client reads from the cache, live from the API server.
	client client.Client
	live   client.Reader
	events recorder.EventRecorder

	recent    *recent
	tolerated *tolerated
	epochs    *epochs
	uses      *uses
}

// NewReconciler makes a Reconciler; SetupWithManager connects it to a cluster.
func NewReconciler(options Options) *Reconciler {
	options.setDefaults()
	return &Reconciler{
		options: options, recent: newRecent(), tolerated: newTolerated(), epochs: newEpochs(), uses: newUses(),
	}
}

// run is one reconciliation of one Tenant.
type run struct {
	*Reconciler
	*view
	// problems keep the Tenant from being ready.
	problems []problem
	// failed are what is to be tried again.
	failed []error
	// again is when to look again although nothing happens, 0 for never.
	again time.Duration
}

// problem is one reason why a Tenant is not ready.
type problem struct{ reason, message string }

// Reconcile compares one Tenant with the cluster and writes the difference.
func (r *Reconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	ctx, span := tracing.Start(ctx, "reconcile tenant")
	defer span.End()
	span.Text("usher.tenant", request.Name)
	result, err := r.reconcile(ctx, request)
	if err != nil {
		span.Fail("to be tried again")
	}
	if apierrors.IsConflict(err) {
		// Somebody was quicker; what they did is on its way to the cache.
		return reconcile.Result{RequeueAfter: soon}, nil
	}
	return result, err
}

func (r *Reconciler) reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	tenant := &v1alpha1.Tenant{}
	if err := r.client.Get(ctx, request.NamespacedName, tenant); err != nil {
		if apierrors.IsNotFound(err) {
			r.uses.forget(request.Name)
			return reconcile.Result{}, nil
		}
		return reconcile.Result{}, fmt.Errorf("read Tenant: %w", err)
	}
	if _, pending := r.recent.pending(tenant, tenant.ResourceVersion); pending {
		// What was said of it last is not in the cache yet: a status is only compared
		// with the one before it.
		return reconcile.Result{RequeueAfter: catchUp}, nil
	}
	if !tenant.DeletionTimestamp.IsZero() {
		return r.finalize(ctx, tenant)
	}
	if !controllerutil.ContainsFinalizer(tenant, Finalizer) {
		return reconcile.Result{}, r.addFinalizer(ctx, tenant)
	}
	seen, err := r.look(ctx, tenant)
	if err != nil {
		return reconcile.Result{}, err
	}
	run := &run{Reconciler: r, view: seen}
	run.converge(ctx)
	if err := run.report(ctx); err != nil {
		run.failed = append(run.failed, err)
	}
	return run.result()
}

// converge takes access away first and gives it last. In between, each namespace
// gets what bounds it before anything is taken away that did.
func (r *run) converge(ctx context.Context) {
	r.ensureNamespaces(ctx)
	wanted := r.wanted()
	r.removeUnwanted(ctx, wanted, isBinding)
	for _, ns := range r.active() {
		r.label(ctx, ns)
		r.isolate(ctx, ns.Name)
	}
	r.share(ctx)
	r.removeUnwanted(ctx, wanted, func(o client.Object) bool { return !isBinding(o) })
	for _, ns := range r.active() {
		r.admit(ctx, ns.Name)
	}
}

// fail notes an error about an object. What the API server calls invalid is not
// tried again until something changes: the Tenant has to.
func (r *run) fail(what string, err error) {
	if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		r.lookAgain(soon)
		return
	}
	r.problems = append(r.problems, problem{reasonOf(err), fmt.Sprintf("%s: %v", what, err)})
	if !apierrors.IsInvalid(err) && !apierrors.IsBadRequest(err) {
		r.failed = append(r.failed, fmt.Errorf("%s: %w", what, err))
	}
}

func (r *run) problem(reason, format string, arguments ...any) {
	r.problems = append(r.problems, problem{reason, fmt.Sprintf(format, arguments...)})
}

// lookAgain has the Tenant looked at again after a time, the shortest asked for.
func (r *run) lookAgain(after time.Duration) {
	if r.again == 0 || after < r.again {
		r.again = after
	}
}

func (r *run) result() (reconcile.Result, error) {
	if err := errors.Join(r.failed...); err != nil {
		return reconcile.Result{}, err
	}
	return reconcile.Result{RequeueAfter: r.again}, nil
}
