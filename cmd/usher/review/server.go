package review

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	admissionv1 "k8s.io/api/admission/v1"

	"usher.dev/usher/internal/config"
	"usher.dev/usher/internal/engine"
	"usher.dev/usher/internal/manifest"
	"usher.dev/usher/internal/report"
	"usher.dev/usher/internal/verdict"
	"usher.dev/usher/policies"
	"usher.dev/usher/webhook"
)

// maxAnswer bounds what is read of a server's answer.
const maxAnswer = 16 << 20

// server asks a running usher-webhook.
type server struct {
	base      *url.URL
	client    *http.Client
	requester webhook.Offline
	// session tells this run's requests from others' in the server's log.
	session string
	// builtin knows which of Kubernetes' own kinds are judged.
	builtin *webhook.Reviewer
}

func newServer(o Options) (*server, error) {
	base, err := url.Parse(o.Server)
	if err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http" {
		return nil, fmt.Errorf("--server %q is no URL such as https://127.0.0.1:9443", o.Server)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if o.ServerCA != "" {
		pem, err := os.ReadFile(o.ServerCA)
		if err != nil {
			return nil, fmt.Errorf("read the server's authority: %w", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("read the server's authority: %s holds no certificate in PEM", o.ServerCA)
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	builtin, err := webhook.NewReviewer(nil, nil, nil, config.Default())
	if err != nil {
		return nil, err
	}
	return &server{
		base:      base,
		client:    &http.Client{Transport: transport, Timeout: timeout},
		requester: o.Requester,
		session:   "usher-review-" + rand.Text()[:8],
		builtin:   builtin,
	}, nil
}

// rules are those of the embedded policies; the server may have others.
func (s *server) rules() ([]report.Rule, error) {
	set, err := engine.Compile(config.Default(), policies.FS)
	if err != nil {
		return nil, err
	}
	return rulesOf(set), nil
}

func (s *server) judge(ctx context.Context, id int, object map[string]any) (*decision, error) {
	req, err := NewRequest(object, nil, s.requester)
	if err != nil {
		return nil, err
	}
	if manifest.Recognizes(req.Group, req.Version, req.Kind) && !s.builtin.Judges(req) {
		return unknownKind(req), nil
	}
	req.Raw["uid"] = fmt.Sprintf("%s-%d", s.session, id)
	// Or the server would reserve GPUs for what nobody creates.
	req.Raw["dryRun"] = true
	mutated, err := s.ask(ctx, "mutate", req.Raw)
	if err != nil {
		return nil, err
	}
	if !mutated.Allowed {
		return decisionOf(req, mutated)
	}
	if len(mutated.Patch) > 0 {
		var patch []verdict.Operation
		if err := json.Unmarshal(mutated.Patch, &patch); err != nil {
			return nil, fmt.Errorf("decode the patch of %s: %w", s.base, err)
		}
		if req.Raw["object"], err = engine.Apply(object, patch); err != nil {
			return nil, err
		}
	}
	validated, err := s.ask(ctx, "validate", req.Raw)
	if err != nil {
		return nil, err
	}
	validated.Warnings = append(mutated.Warnings, validated.Warnings...)
	return decisionOf(req, validated)
}

// ask sends one review.
func (s *server) ask(ctx context.Context, way string, request map[string]any) (*admissionv1.AdmissionResponse, error) {
	body, err := json.Marshal(map[string]any{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request})
	if err != nil {
		return nil, err
	}
	target := s.base.JoinPath(way)
	target.RawQuery = "timeout=" + timeout.String()
	post, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	post.Header.Set("Content-Type", "application/json")
	answer, err := s.client.Do(post)
	if err != nil {
		return nil, explain(err)
	}
	defer answer.Body.Close()
	body, err = io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("read the answer of %s: %w", target, err)
	}
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %s: %s", target, answer.Status, strings.TrimSpace(string(body)))
	}
	var review admissionv1.AdmissionReview
	if err := json.Unmarshal(body, &review); err != nil || review.Response == nil {
		return nil, fmt.Errorf("%s answers no AdmissionReview; is it a usher-webhook?", target)
	}
	if got := string(review.Response.UID); got != request["uid"] {
		return nil, fmt.Errorf("%s answers request %q, asked was %q", target, got, request["uid"])
	}
	return review.Response, nil
}

// unreachable is an error that every further request would meet too.
type unreachable struct{ error }

// explain says what to do about an unknown authority.
func explain(err error) error {
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		err = fmt.Errorf("%w; name the file with the authority's certificate by --server-ca", err)
	}
	return unreachable{fmt.Errorf("ask the server: %w", err)}
}
