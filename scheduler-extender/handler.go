package extender

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/go-logr/logr"
	extenderv1 "k8s.io/kube-scheduler/extender/v1"

	"usher.dev/usher/internal/tracing"
)

const (
	// maxBody bounds a question: 5,000 whole Nodes take some 65 MB.
	maxBody = 128 << 20
	// keepBody bounds the memory that is kept for the next question.
	keepBody = 4 << 20
	// readTimeout and writeTimeout bound how long a scheduler may take to send
	// and to read; its own patience is 5 s unless it is told otherwise.
	readTimeout  = 10 * time.Second
	writeTimeout = 10 * time.Second
	// deadline bounds one answer.
	deadline = 5 * time.Second
	// maxInFlight bounds the questions that are read and judged at once. A
	// scheduler asks one at a time.
	maxInFlight = 8
)

// Handler answers kube-scheduler over HTTP.
type Handler struct {
	store  *Store
	log    logr.Logger // every answer that is none
	told   logr.Logger // decisions, may be sampled
	places chan struct{}
}

// NewHandler returns the handler of /v1/filter, /v1/prioritize, /v1/preempt and
// /v1/explain/{namespace}/{pod}.
func NewHandler(s *Store, log, sampled logr.Logger) http.Handler {
	h := &Handler{store: s, log: log, told: sampled, places: make(chan struct{}, maxInFlight)}
	mux := http.NewServeMux()
	mux.Handle("/v1/filter", h.verb("filter", h.filter))
	mux.Handle("/v1/prioritize", h.verb("prioritize", h.prioritize))
	mux.Handle("/v1/preempt", h.verb("preempt", h.preempt))
	mux.HandleFunc("GET /v1/explain/{namespace}/{pod}", h.explain)
	return mux
}

// TraceName names what a request is in traces, by its path.
func TraceName(r *http.Request) string {
	switch r.URL.Path {
	case "/v1/filter", "/v1/prioritize", "/v1/preempt":
		return strings.TrimPrefix(r.URL.Path, "/v1/")
	}
	return ""
}

// answer makes the answer to a question, appended to out.
type answer func(ctx context.Context, body, out []byte) ([]byte, error)

// buffers are the memory of a question and its answer.
type buffers struct {
	in  bytes.Buffer
	out []byte
}

var memory = sync.Pool{New: func() any { return new(buffers) }}

func (h *Handler) verb(name string, answer answer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		done := h.store.metrics.begin(name)
		result := "error"
		defer func() {
			if p := recover(); p != nil {
				h.log.Error(fmt.Errorf("panic: %v", p), "question failed", "verb", name, "stack", string(debug.Stack()))
				http.Error(w, "usher failed on this question; its log says how", http.StatusInternalServerError)
			}
			done(result, time.Since(start))
			tracing.Current(r.Context()).Text("usher.result", result)
		}()
		refuse := func(status int, err error) {
			result = "refused"
			h.log.Info("question refused", "verb", name, "status", status, "reason", err.Error())
			http.Error(w, err.Error(), status)
		}
		if err := h.store.Synced(); err != nil {
			// Devices whose holders are not known yet would count as free.
			refuse(http.StatusServiceUnavailable, err)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), deadline)
		defer cancel()
		select {
		case h.places <- struct{}{}:
			defer func() { <-h.places }()
		case <-ctx.Done():
			refuse(http.StatusServiceUnavailable, errors.New("too many questions at once"))
			return
		}
		b, _ := memory.Get().(*buffers)
		defer func() {
			if b.in.Cap() <= keepBody && cap(b.out) <= keepBody {
				memory.Put(b)
			}
		}()
		if status, err := receive(w, r, &b.in); err != nil {
			refuse(status, err)
			return
		}
		out, err := answer(ctx, b.in.Bytes(), b.out[:0])
		if err != nil {
			refuse(http.StatusBadRequest, err)
			return
		}
		b.out, result = out, "answered"
		w.Header().Set("Content-Type", "application/json")
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout))
		if _, err := w.Write(out); err != nil {
			h.log.V(1).Info("scheduler gone before the answer", "verb", name, "error", err.Error())
		}
	})
}

// receive reads a question into b, and says with what status it is refused.
func receive(w http.ResponseWriter, r *http.Request, b *bytes.Buffer) (status int, err error) {
	b.Reset()
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return http.StatusMethodNotAllowed, fmt.Errorf("method %s: ask by POST", r.Method)
	}
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return http.StatusUnsupportedMediaType, fmt.Errorf("content type %q: send application/json", r.Header.Get("Content-Type"))
	}
	if r.ContentLength > maxBody {
		return http.StatusRequestEntityTooLarge, fmt.Errorf("the question has %d bytes; at most %d are read", r.ContentLength, maxBody)
	}
	// Not every connection can have deadlines; the server's own bounds remain.
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(readTimeout))
	defer func() { _ = control.SetReadDeadline(time.Time{}) }()
	if n := r.ContentLength; n > 0 && n <= keepBody {
		b.Grow(int(n) + bytes.MinRead) // else as much as arrives, times two
	}
	_, err = io.Copy(b, http.MaxBytesReader(w, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return http.StatusRequestEntityTooLarge, fmt.Errorf("the question has more than %d bytes", maxBody)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return http.StatusRequestTimeout, errors.New("the question did not arrive in time")
	case err != nil:
		return http.StatusBadRequest, fmt.Errorf("read the question: %w", err)
	}
	return 0, nil
}

func (h *Handler) filter(ctx context.Context, body, out []byte) ([]byte, error) {
	q, err := decode(ctx, body)
	if err != nil {
		return nil, err
	}
	a, err := h.store.ask(q)
	switch {
	case err != nil:
		h.store.metrics.refused(causeBadDemand, len(q.names))
		return appendError(out, err), nil
	case a.demand == nil:
		return appendFiltered(out, q, nil), nil
	}
	judging, span := tracing.Start(ctx, "judge nodes")
	rows := h.store.filter(judging, q, a)
	span.End()
	h.store.remember(q, a, rows, false)
	fit, causes := 0, map[cause]int{}
	for i := range rows {
		if r := rows[i].refused; r != nil {
			causes[r.cause]++
		} else {
			fit++
		}
	}
	for c, n := range causes {
		h.store.metrics.refused(c, n)
	}
	about(tracing.Current(ctx), a, len(rows), fit)
	h.told.Info("filtered", "pod", a.pod.String(), "demand", a.demand.String(), "nodes", len(rows), "fit", fit)
	return appendFiltered(out, q, rows), nil
}

func (h *Handler) prioritize(ctx context.Context, body, out []byte) ([]byte, error) {
	q, err := decode(ctx, body)
	if err != nil {
		return nil, err
	}
	a, err := h.store.ask(q)
	if err != nil || a.demand == nil {
		return appendPriorities(out, q, nil), nil // the filter says why
	}
	_, span := tracing.Start(ctx, "score nodes")
	rows := h.store.prioritize(q, a)
	span.End()
	about(tracing.Current(ctx), a, len(rows), len(rows))
	h.store.metrics.ranked(rows)
	h.store.remember(q, a, rows, true)
	return appendPriorities(out, q, rows), nil
}

func (h *Handler) preempt(ctx context.Context, body, out []byte) ([]byte, error) {
	p, err := decodePreemption(body)
	if err != nil {
		return nil, err
	}
	a, err := h.store.ask(&question{pod: p.pod})
	victims := map[string]*extenderv1.MetaVictims{}
	if err == nil { // else no eviction helps
		victims = h.store.preempt(p, a)
		about(tracing.Current(ctx), a, len(p.victims), len(victims))
		h.told.Info("preemption", "pod", a.pod.String(), "nodes", len(p.victims), "possible", len(victims))
	}
	encoded, err := json.Marshal(&extenderv1.ExtenderPreemptionResult{NodeNameToMetaVictims: victims})
	return append(out, encoded...), err
}

func decode(ctx context.Context, body []byte) (*question, error) {
	_, span := tracing.Start(ctx, "decode")
	defer span.End()
	span.Count("usher.bytes", len(body))
	return decodeQuestion(body)
}

// about says in a question's span what it was about.
func about(span tracing.Span, a *asked, nodes, fit int) {
	if !span.Recorded() {
		return
	}
	span.Text("k8s.namespace.name", a.pod.namespace)
	span.Text("k8s.pod.name", a.pod.name)
	span.Count("usher.nodes", nodes)
	span.Count("usher.fit", fit)
}

func (h *Handler) explain(w http.ResponseWriter, r *http.Request) {
	namespace, pod := r.PathValue("namespace"), r.PathValue("pod")
	e := h.store.Explain(namespace, pod)
	if e == nil {
		http.Error(w, fmt.Sprintf("none of the last answers was about pod %s/%s", namespace, pod), http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(e); err != nil {
		h.log.V(1).Info("client gone before the explanation", "error", err.Error())
	}
}

// remember keeps an answer for explanations.
func (s *Store) remember(q *question, a *asked, rows []row, scored bool) {
	r := &record{asked: a, uid: q.pod.UID, at: time.Now(), rows: rows, scored: scored}
	for i := range rows {
		if rows[i].node == nil {
			r.unknown = append(r.unknown, string(plainName(q.names[i])))
		}
	}
	s.records.add(r)
}
