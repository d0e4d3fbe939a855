package cli

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"usher.dev/usher/internal/golden"
)

// explaining is an extender that knows some pods, and a command line that asks it.
func explaining(t *testing.T) func(args ...string) string {
	t.Helper()
	mux := http.NewServeMux()
	for _, pod := range []string{"train", "nowhere"} {
		answer, err := os.ReadFile(filepath.Join("testdata", "explanations", pod+".json"))
		if err != nil {
			t.Fatal(err)
		}
		mux.HandleFunc("GET /v1/explain/team-a/"+pod, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(answer) })
	}
	mux.HandleFunc("GET /v1/explain/team-a/gone", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "none of the last answers was about pod team-a/gone", http.StatusNotFound)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return func(args ...string) string {
		shown := transcript(t, "", append(append([]string{"explain"}, args...), "--server", server.URL)...)
		return strings.ReplaceAll(shown, server.URL, "http://127.0.0.1:9444")
	}
}

func TestExplainTranscripts(t *testing.T) {
	explain := explaining(t)
	for _, tt := range []struct {
		name string
		args []string
	}{
		{"explain", []string{"team-a/train"}},
		{"explain-json", []string{"team-a/train", "-o", "json"}},
		{"explain-no-node", []string{"team-a/nowhere"}},
		{"explain-unknown-pod", []string{"team-a/gone"}},
		{"explain-no-namespace", []string{"train"}},
		{"explain-no-pod", nil},
		{"explain-unknown-format", []string{"team-a/train", "-o", "yaml"}},
		{"explain-half-a-certificate", []string{"team-a/train", "--client-cert", "x"}},
		{"explain-authority-not-there", []string{"team-a/train", "--server-ca", "testdata/gone"}},
		{"help-explain", []string{"--help"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			golden.Check(t, filepath.Join("transcripts", tt.name), explain(tt.args...))
		})
	}
}

func TestExplainWithoutAnExtenderSaysWhomItAsked(t *testing.T) {
	code, stdout, stderr := usher(t, "", "explain", "a/b", "--server", "http://127.0.0.1:1")
	if code != 2 || stdout != "" || !strings.Contains(stderr, "ask the extender: Get \"http://127.0.0.1:1/v1/explain/a/b\"") {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
}
