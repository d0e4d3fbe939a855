package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/go-logr/logr"
	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"usher.dev/usher/internal/tracing"
)

const (
	// defaultTimeout is the API server's own where a request names none.
	defaultTimeout = 10 * time.Second
	maxTimeout     = 30 * time.Second
	// writeTimeout bounds how long a client may take to read its answer.
	writeTimeout = 5 * time.Second
	// lingerTimeout bounds how long what is left of a refused body is read:
	// HTTP/1.1 does that before it answers.
	lingerTimeout = time.Second
)

// review is one of the two ways to answer a request.
type review func(context.Context, *Request) (*Outcome, error)

// Handler answers AdmissionReviews over HTTP.
type Handler struct {
	name    string // of the webhook, in logs and metrics
	review  review
	log     logr.Logger
	allowed logr.Logger // sampled
	metrics *Metrics

	places *places
}

// NewHandlers returns the handlers of /mutate and /validate. They share one
// bound on what is in flight. Decisions are logged to log, those that allow to
// allowed, which may be sampled.
func NewHandlers(r *Reviewer, log, allowed logr.Logger, metrics *Metrics) (mutate, validate *Handler) {
	places := newPlaces()
	return &Handler{"mutate", r.Mutate, log, allowed, metrics, places},
		&Handler{"validate", r.Validate, log, allowed, metrics, places}
}

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	done := h.metrics.begin(h.name)
	decision := "error"
	defer func() {
		if p := recover(); p != nil {
			h.log.Error(fmt.Errorf("panic: %v", p), "review failed", "webhook", h.name, "stack", string(debug.Stack()))
			http.Error(w, "usher failed on this review; its log says how", http.StatusInternalServerError)
		}
		done(decision, time.Since(start))
	}()

	ctx, cancel, err := deadline(r)
	if err != nil {
		h.refuse(w, http.StatusBadRequest, err)
		return
	}
	defer cancel()
	body, release, status, err := h.read(ctx, w, r)
	defer release()
	if err != nil {
		h.refuse(w, status, err)
		return
	}
	req, err := decode(ctx, body)
	if err != nil {
		h.refuse(w, http.StatusBadRequest, err)
		return
	}
	defer req.Release()
	out, err := h.review(ctx, req)
	release() // a client that reads its answer slowly keeps no place
	if gone := r.Context().Err(); gone != nil {
		h.log.V(1).Info("client gone before the verdict", "webhook", h.name, "request", req.UID)
		return
	}
	response, err := h.respond(req, out, err)
	if err != nil {
		h.log.Error(err, "review failed", "webhook", h.name, "request", req.UID)
		http.Error(w, "usher failed on request "+req.UID+"; its log says how", http.StatusInternalServerError)
		return
	}
	decision = h.record(tracing.Current(r.Context()), req, out, response, time.Since(start))
	h.write(w, response)
}

// TraceName names what a request is in traces, by its path.
func TraceName(r *http.Request) string {
	switch r.URL.Path {
	case "/mutate", "/validate":
		return "review " + r.URL.Path[1:]
	}
	return ""
}

func decode(ctx context.Context, body []byte) (*Request, error) {
	_, span := tracing.Start(ctx, "decode")
	defer span.End()
	span.Count("usher.bytes", len(body))
	req, err := DecodeReview(body)
	if err != nil {
		span.Fail("no review")
	}
	return req, err
}

// deadline derives the review's deadline from the API server's own (?timeout=),
// less a tenth for the way back.
func deadline(r *http.Request) (context.Context, context.CancelFunc, error) {
	timeout := defaultTimeout
	if s := r.URL.Query().Get("timeout"); s != "" {
		parsed, err := time.ParseDuration(s)
		if err != nil || parsed <= 0 {
			return nil, nil, fmt.Errorf("timeout=%q is not a duration such as 5s", s)
		}
		timeout = min(parsed, maxTimeout)
	}
	ctx, cancel := context.WithTimeout(r.Context(), timeout-timeout/10)
	return ctx, cancel, nil
}

// respond makes the response; err is an error of the review or a nil one.
func (h *Handler) respond(req *Request, out *Outcome, err error) (*admissionv1.AdmissionResponse, error) {
	if err == nil {
		return out.Response(req.UID)
	}
	status := metav1.Status{Status: metav1.StatusFailure, Code: http.StatusForbidden, Reason: metav1.StatusReasonForbidden, Message: err.Error()}
	if Retriable(err) {
		h.log.Error(err, "review failed", "webhook", h.name, "request", req.UID)
		status.Code, status.Reason = http.StatusInternalServerError, metav1.StatusReasonInternalError
		status.Message = "usher could not look up what it needs to judge request " + req.UID + "; try again, or ask the platform team to look for it in usher's log"
	}
	if ledger, ok := errors.AsType[*LedgerError](err); ok {
		status.Message = ledger.text(req.UID)
		status.Details = &metav1.StatusDetails{RetryAfterSeconds: retryAfter}
	}
	return &admissionv1.AdmissionResponse{UID: types.UID(req.UID), Result: &status}, nil
}

func (h *Handler) write(w http.ResponseWriter, response *admissionv1.AdmissionResponse) {
	body, err := json.Marshal(&admissionv1.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"},
		Response: response,
	})
	if err != nil {
		h.log.Error(err, "encode response", "webhook", h.name)
		http.Error(w, "usher could not encode its response", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	bound(w)
	if _, err := w.Write(body); err != nil {
		h.log.V(1).Info("client gone before the response", "webhook", h.name, "error", err.Error())
	}
}

// bound gives a client no more than writeTimeout to read its answer.
func bound(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout))
}

// refuse answers a request that holds no review.
func (h *Handler) refuse(w http.ResponseWriter, status int, err error) {
	reason := clip(err.Error(), maxText)
	h.log.Info("request refused", "webhook", h.name, "status", status, "reason", reason)
	bound(w)
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(lingerTimeout))
	http.Error(w, reason, status)
}

// record logs and counts a decision and returns its name.
func (h *Handler) record(span tracing.Span, req *Request, out *Outcome, response *admissionv1.AdmissionResponse, took time.Duration) string {
	decision := "denied"
	switch {
	case out == nil:
		decision = "error"
	case out.Skipped != "":
		decision = "skipped"
	case response.Allowed:
		decision = "allowed"
	}
	trace(span, decision, req, out)
	fields := []any{
		"webhook", h.name, "decision", decision, "request", req.UID, "operation", req.Operation, "kind", req.kindName(),
		"subresource", req.SubResource, "namespace", req.Namespace, "name", req.Name, "user", req.User, "dryRun", req.DryRun,
		"seconds", took.Seconds(),
	}
	if span.Recorded() {
		fields = append(fields, "trace", span.TraceID())
	}
	if out == nil {
		return decision
	}
	fields = append(fields, "policies", out.Digest)
	if out.Reserved != nil {
		fields = append(fields, "reservation", out.Reserved.ID, "gpus", out.Reserved.Units.String())
	}
	for _, err := range out.Errors {
		h.metrics.policyFailed(err)
		h.log.Error(err, "policy gave no verdict", "request", req.UID)
	}
	h.metrics.found(out)
	if decision == "denied" {
		violations := make([]string, 0, min(len(out.Denied), maxListed))
		for _, f := range out.Denied[:cap(violations)] {
			violations = append(violations, f.Policy+"/"+f.Check+" "+clip(f.Path, maxField))
		}
		h.log.Info("decision", append(fields, "violations", violations)...)
	} else {
		h.allowed.Info("decision", fields...)
	}
	return decision
}

// trace says in the review's span what it was about and what became of it: names
// and words, nothing of the object itself.
func trace(span tracing.Span, decision string, req *Request, out *Outcome) {
	if !span.Recorded() {
		return
	}
	span.Text("usher.decision", decision)
	span.Text("usher.request", req.UID)
	span.Text("usher.operation", req.Operation)
	span.Text("usher.kind", req.kindName())
	span.Text("usher.subresource", req.SubResource)
	span.Text("k8s.namespace.name", req.Namespace)
	if out == nil {
		span.Fail("no verdict")
		return
	}
	span.Text("usher.policies", out.Digest)
	span.Count("usher.denied", len(out.Denied))
	span.Count("usher.warned", len(out.Warned))
	if out.Reserved != nil {
		span.Text("usher.reservation", out.Reserved.ID)
	}
}
