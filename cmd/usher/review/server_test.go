package review

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admission/v1"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/verdict"
)

func asking(t *testing.T, server *httptest.Server, text string) Options {
	t.Helper()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(ca, block, 0o644); err != nil {
		t.Fatal(err)
	}
	return Options{Files: []string{"-"}, Stdin: strings.NewReader(text), Server: server.URL, ServerCA: ca}
}

func TestAServerSaysWhatALocalReviewSays(t *testing.T) {
	server := newTestServer(t)
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			want := run(t, options(tt.text))
			if strings.HasPrefix(tt.name, "a policy that fails") {
				// How it failed stands in the server's log, not in its answer.
				want = append(want[:1:1], want[2:]...)
			}
			got := run(t, asking(t, server, tt.text))
			for i := range got {
				if before, after, found := strings.Cut(got[i], "request usher-review-"); found {
					_, after, _ = strings.Cut(after, " ")
					got[i] = before + "request offline " + after
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-local +server)\n%s", diff)
			}
		})
	}
}

func TestServersThatGiveNoVerdict(t *testing.T) {
	answer := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		}
	}
	for _, tt := range []struct {
		name    string
		handler http.HandlerFunc
		want    string
	}{
		{"an error", answer(http.StatusInternalServerError, "usher failed\n"), "/mutate?timeout=10s answers 500 Internal Server Error: usher failed"},
		{"something else", answer(http.StatusOK, "<html>"), "answers no AdmissionReview; is it a usher-webhook?"},
		{"no response", answer(http.StatusOK, `{"kind":"AdmissionReview"}`), "answers no AdmissionReview"},
		{"another's response", answer(http.StatusOK, `{"response":{"uid":"other","allowed":true}}`), `answers request "other", asked was "usher-review-`},
		{"a refusal without causes", func(w http.ResponseWriter, r *http.Request) {
			uid := uidOf(r)
			fmt.Fprintf(w, `{"response":{"uid":%q,"allowed":false,"status":{"code":500,"message":"cannot look up"}}}`, uid)
		}, "the server gives no verdict: cannot look up"},
		{"a refusal without a word", func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, `{"response":{"uid":%q,"allowed":false}}`, uidOf(r))
		}, "the server denies without saying why"},
		{"a patch that is none", func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, `{"response":{"uid":%q,"allowed":true,"patch":"e30="}}`, uidOf(r))
		}, "decode the patch of https://"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewTLSServer(tt.handler)
			defer server.Close()
			got := run(t, asking(t, server, pod))
			if len(got) != 2 || !strings.HasPrefix(got[0], "1:1 problem: ") || !strings.Contains(got[0], tt.want) {
				t.Errorf("%q, want a problem with %q", got, tt.want)
			}
		})
	}
}

func TestAServerThatCannotBeReachedIsOneProblem(t *testing.T) {
	server := newTestServer(t)
	o := asking(t, server, pod+"---\n"+pod+"---\n"+pod)
	o.ServerCA = ""
	got := run(t, o)
	if len(got) != 2 || !strings.Contains(got[0], "0:0 problem: ask the server: ") || !strings.Contains(got[0], "by --server-ca") {
		t.Errorf("an unknown authority: %q", got)
	}
	o = asking(t, server, pod+"---\n"+pod)
	server.Close()
	if got = run(t, o); len(got) != 2 || !strings.Contains(got[0], "connection refused") {
		t.Errorf("nobody listens: %q", got)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Run(ctx, options(pod)); err == nil {
		t.Error("an interrupted review has no error")
	}
}

func TestWarningsAreRead(t *testing.T) {
	object := map[string]any{"spec": map[string]any{}, "metadata": map[string]any{}}
	for _, tt := range []struct{ line, message, field, id string }{
		{`spec.containers[0].image: not pinned (container "a \"b\"") [images/tag]`, "not pinned", "spec.containers[0].image", "images/tag"},
		{`metadata.labels[a.b/c]: not set: no owner [my_policy/a-check]`, "not set: no owner", "metadata.labels[a.b/c]", "my_policy/a-check"},
		{`cpu: is text [p/c]`, "cpu: is text", "", "p/c"},
		{`says (container "a") and more [p/c]`, `says (container "a") and more`, "", "p/c"},
		{`and 3 more warnings`, "and 3 more warnings", "", "usher/server"},
	} {
		got := parseFinding(tt.line, object, v1alpha1.ModeWarn)
		policy, check, _ := strings.Cut(tt.id, "/")
		want := finding{Finding: verdict.Finding{Policy: policy, Check: check, Message: tt.message}, field: tt.field, mode: v1alpha1.ModeWarn}
		if got != want {
			t.Errorf("parseFinding(%q) = %+v, want %+v", tt.line, got, want)
		}
	}
}

func uidOf(r *http.Request) string {
	var review struct {
		Request struct{ UID string }
	}
	if err := json.NewDecoder(r.Body).Decode(&review); err != nil {
		return err.Error()
	}
	return review.Request.UID
}

// TestAServerIsAskedForDryRuns looks at what reaches it: nobody creates what is
// reviewed, so nothing may be reserved for it.
func TestAServerIsAskedForDryRuns(t *testing.T) {
	var asked []string
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var review struct{ Request admissionv1.AdmissionRequest }
		if err := json.NewDecoder(r.Body).Decode(&review); err != nil {
			t.Error(err)
		}
		asked = append(asked, fmt.Sprint(r.URL.Path, " ", review.Request.DryRun != nil && *review.Request.DryRun))
		fmt.Fprintf(w, `{"response":{"uid":%q,"allowed":true}}`, review.Request.UID)
	}))
	defer server.Close()
	run(t, asking(t, server, pod))
	if diff := cmp.Diff([]string{"/mutate true", "/validate true"}, asked); diff != "" {
		t.Error("dry runs (-want +got):\n" + diff)
	}
}
