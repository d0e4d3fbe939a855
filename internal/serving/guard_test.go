package serving_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/go-logr/logr"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	"k8s.io/client-go/rest"

	"usher.dev/usher/internal/serving"
)

// apiServer knows the tokens "reader", who may get /metrics, and "tenant", who may
// not; it is away for others.
func apiServer(t *testing.T) *rest.Config {
	t.Helper()
	mux := http.NewServeMux()
	answer := func(w http.ResponseWriter, v any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		_ = json.NewEncoder(w).Encode(v)
	}
	mux.HandleFunc("POST /apis/authentication.k8s.io/v1/tokenreviews", func(w http.ResponseWriter, r *http.Request) {
		var review authenticationv1.TokenReview
		if err := json.NewDecoder(r.Body).Decode(&review); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if token := review.Spec.Token; token == "reader" || token == "tenant" {
			review.Status = authenticationv1.TokenReviewStatus{Authenticated: true, User: authenticationv1.UserInfo{Username: token}}
		}
		answer(w, &review)
	})
	mux.HandleFunc("POST /apis/authorization.k8s.io/v1/subjectaccessreviews", func(w http.ResponseWriter, r *http.Request) {
		var review authorizationv1.SubjectAccessReview
		if err := json.NewDecoder(r.Body).Decode(&review); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		asked := review.Spec.NonResourceAttributes
		review.Status.Allowed = review.Spec.User == "reader" && asked != nil && asked.Path == "/metrics" && asked.Verb == "get"
		answer(w, &review)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return &rest.Config{Host: server.URL, ContentConfig: rest.ContentConfig{ContentType: "application/json", AcceptContentTypes: "application/json"}}
}

func TestMetricsAreForWhoeverTheAPIServerLetsHaveThem(t *testing.T) {
	guard, err := serving.Guard(apiServer(t), logr.Discard())
	if err != nil {
		t.Fatal(err)
	}
	guarded := guard(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "metrics") }))
	for _, tt := range []struct {
		name, from, token string
		want              int
	}{
		{"a reader", "10.1.2.3:4567", "reader", http.StatusOK},
		{"a tenant's pod", "10.1.2.3:4567", "tenant", http.StatusForbidden},
		// As controller-runtime answers where a token is not valid.
		{"a token of nobody's", "10.1.2.3:4567", "forged", http.StatusInternalServerError},
		{"no token", "10.1.2.3:4567", "", http.StatusUnauthorized},
		{"no token, over IPv6", "[2001:db8::1]:4567", "", http.StatusUnauthorized},
		{"no token, from this machine", "127.0.0.1:4567", "", http.StatusOK},
		{"no token, from this machine over IPv6", "[::1]:4567", "", http.StatusOK},
		{"no token, from what is no address", "127.0.0.1", "", http.StatusUnauthorized},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody)
			r.RemoteAddr = tt.from
			if tt.token != "" {
				r.Header.Set("Authorization", "Bearer "+tt.token)
			}
			w := httptest.NewRecorder()
			guarded.ServeHTTP(w, r)
			if w.Code != tt.want || (w.Body.String() == "metrics") != (tt.want == http.StatusOK) {
				t.Errorf("%d: %s, want %d", w.Code, w.Body, tt.want)
			}
		})
	}
}

func TestMetricsAreForNobodyWhileTheAPIServerIsAway(t *testing.T) {
	guard, err := serving.Guard(&rest.Config{Host: "http://127.0.0.1:1"}, logr.Discard())
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody)
	r.RemoteAddr = "10.1.2.3:4567"
	r.Header.Set("Authorization", "Bearer reader")
	w := httptest.NewRecorder()
	guard(http.NotFoundHandler()).ServeHTTP(w, r)
	if w.Code != http.StatusInternalServerError {
		t.Errorf("%d: %s", w.Code, w.Body)
	}
}
