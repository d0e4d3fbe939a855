package webhook_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestBadInputGetsTheRightStatusAndAReason(t *testing.T) {
	s := site{policies: map[string]string{"host_network": hostNetwork}}.start(t)
	good := podReview(t, containers(container("web")))
	edit := func(request fields) []byte {
		return reviewBody(t, "v1", "Pod", fields{"spec": containers()}, request)
	}
	replace := func(from, to string) []byte { return bytes.Replace(good, []byte(from), []byte(to), 1) }
	deep := strings.Repeat(`{"a":`, 100_000) + "1" + strings.Repeat("}", 100_000)

	for _, tt := range []struct {
		name   string
		body   []byte
		status int
		reason string
	}{
		{"nothing", nil, 400, "decode AdmissionReview"},
		{"a truncated body", good[:len(good)/2], 400, "decode AdmissionReview"},
		{"not JSON", []byte("apiVersion: v1"), 400, "decode AdmissionReview"},
		{"an array", []byte("[]"), 400, "not a JSON object"},
		{"null", []byte("null"), 400, "not a JSON object"},
		{"a second document after the first", append(good, "{}"...), 400, "decode AdmissionReview"},
		{"10 MB", bytes.Repeat([]byte(" "), 10<<20), 413, "at most 8388608"},
		{"no version", []byte(`{"kind":"AdmissionReview","request":{}}`), 400, "expected an AdmissionReview of admission.k8s.io/v1"},
		{"an unknown version", replace("admission.k8s.io/v1", "admission.k8s.io/v1beta1"), 400, `got "AdmissionReview" of "admission.k8s.io/v1beta1"`},
		{"another kind", replace("AdmissionReview", "Pod"), 400, `got "Pod"`},
		{"a version that is no string", replace(`"admission.k8s.io/v1"`, "1"), 400, "expected an AdmissionReview"},
		{"no request", []byte(`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}`), 400, "no request"},
		{"a request that is a list", []byte(`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":[]}`), 400, "no request"},
		{"no uid", edit(fields{"uid": ""}), 400, "uid is empty"},
		{"a uid that is a number", edit(fields{"uid": 1}), 400, "uid in the request is not a string"},
		{"no kind", edit(fields{"kind": nil}), 400, "kind is empty"},
		{"a kind that is a string", edit(fields{"kind": "Pod"}), 400, "request.kind is not an object"},
		{"no operation", edit(fields{"operation": nil}), 400, `request.operation is ""`},
		{"an unknown operation", edit(fields{"operation": "PATCH"}), 400, `request.operation is "PATCH"`},
		{"a dryRun that is a string", edit(fields{"dryRun": "true"}), 400, "dryRun is not a boolean"},
		{"a user that is a string", edit(fields{"userInfo": "jane"}), 400, "request.userInfo is not an object"},
		{"no object", edit(fields{"object": nil}), 400, "there is no request.object"},
		{"an object that is a list", edit(fields{"object": []any{}}), 400, "request.object is not an object"},
		{"an update without the old object", edit(fields{"operation": "UPDATE"}), 400, "there is no request.oldObject"},
		{"100,000 levels", []byte(deep), 400, "decode AdmissionReview"},
		{"100,000 levels in the spec", replace(`"spec":{`, `"spec":{"deep":`+deep+","), 400, "decode AdmissionReview"},
		{"a name twice in the object", replace(`"spec":{`, `"spec":{"hostNetwork":true,"hostNetwork":false,`), 400, "decode AdmissionReview"},
		{"the request twice", replace(`"request":`, `"request":{},"request":`), 400, "decode AdmissionReview"},
		{"invalid UTF-8", replace("web:1", "web\xff\xfe"), 400, "decode AdmissionReview"},
		{"a NUL byte", replace("web:1", "web\x00"), 400, "decode AdmissionReview"},
		{"a NUL byte between fields", replace(`"spec":`, "\x00\"spec\":"), 400, "decode AdmissionReview"},
	} {
		for _, path := range []string{"/mutate", "/validate"} {
			t.Run(tt.name+path, func(t *testing.T) {
				start := time.Now()
				status, text := s.post(t, s.client, path+"?timeout=5s", tt.body)
				if took := time.Since(start); took > 5*time.Second {
					t.Errorf("answered after %s", took)
				}
				if status != tt.status || !strings.Contains(text, tt.reason) {
					t.Errorf("status %d, %.300q; want %d and %q", status, text, tt.status, tt.reason)
				}
				if len(text) > 2048 {
					t.Errorf("an answer of %d bytes", len(text))
				}
			})
		}
	}
	if got := s.review(t, "/validate", good); !got.Allowed {
		t.Error("a good review after the bad ones:", got.Result.Message)
	}
}

func TestRequestsThatAreNoReview(t *testing.T) {
	s := site{policies: map[string]string{"host_network": hostNetwork}}.start(t)
	good := string(podReview(t, containers(container("web"))))
	for _, tt := range []struct {
		name, method, path, contentType, body string
		status                                int
		reason                                string
	}{
		{"GET", "GET", "/validate", "", "", 405, "send an AdmissionReview by POST"},
		{"PUT", "PUT", "/mutate", "application/json", good, 405, "method PUT"},
		{"no content type", "POST", "/validate", "", good, 415, `content type ""`},
		{"YAML", "POST", "/validate", "application/yaml", good, 415, `content type "application/yaml"`},
		{"a form", "POST", "/mutate", "application/x-www-form-urlencoded", good, 415, "send application/json"},
		{"a content type that is none", "POST", "/validate", ";;", good, 415, "send application/json"},
		{"JSON with a charset is fine", "POST", "/validate", "application/json; charset=utf-8", good, 200, `"allowed":true`},
		{"another path", "POST", "/", "application/json", good, 404, ""},
		{"a timeout that is a number", "POST", "/validate?timeout=5", "application/json", good, 400, `timeout="5"`},
		{"a timeout of words", "POST", "/validate?timeout=soon", "application/json", good, 400, `timeout="soon"`},
		{"a timeout of nothing", "POST", "/validate?timeout=0s", "application/json", good, 400, `timeout="0s"`},
		{"a timeout in the past", "POST", "/validate?timeout=-5s", "application/json", good, 400, `timeout="-5s"`},
		{"a timeout beyond all time", "POST", "/validate?timeout=9999999h", "application/json", good, 400, "timeout="},
		{"a long timeout is capped", "POST", "/validate?timeout=48h", "application/json", good, 200, `"allowed":true`},
		{"parameters that do not parse are not read", "POST", "/validate?%zz", "application/json", good, 200, `"allowed":true`},
	} {
		for protocol, client := range map[string]*http.Client{"HTTP/2": s.client, "HTTP/1.1": s.newClient(t, http1)} {
			t.Run(tt.name+" by "+protocol, func(t *testing.T) {
				r, err := http.NewRequestWithContext(t.Context(), tt.method, "https://"+s.addr+tt.path, strings.NewReader(tt.body))
				if err != nil {
					t.Fatal(err)
				}
				if tt.contentType != "" {
					r.Header.Set("Content-Type", tt.contentType)
				}
				response, err := client.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				defer response.Body.Close()
				answer, err := io.ReadAll(response.Body)
				if err != nil {
					t.Fatal(err)
				}
				if got := response.Proto; !strings.HasPrefix(got, protocol) {
					t.Errorf("spoke %s", got)
				}
				if response.StatusCode != tt.status || !strings.Contains(string(answer), tt.reason) {
					t.Errorf("status %d, %q; want %d and %q", response.StatusCode, answer, tt.status, tt.reason)
				}
				if tt.status == http.StatusMethodNotAllowed && response.Header.Get("Allow") != "POST" {
					t.Errorf("Allow is %q", response.Header.Get("Allow"))
				}
			})
		}
	}
}

func TestALyingContentLengthIsRefused(t *testing.T) {
	s := site{policies: map[string]string{"host_network": hostNetwork}}.start(t)
	body := string(podReview(t, containers(container("web"))))
	ask := func(t *testing.T, length int) string {
		conn, err := (&tls.Dialer{Config: &tls.Config{RootCAs: s.authorities}}).DialContext(t.Context(), "tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "POST /validate?timeout=1s HTTP/1.1\r\nHost: usher\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", length, body)
		if err := conn.(*tls.Conn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(conn)
		if err != nil {
			t.Fatal(err)
		}
		return string(answer)
	}
	for _, tt := range []struct {
		name   string
		length int
		want   string
	}{
		{"longer than the body", len(body) + 1, "400 Bad Request"},
		{"much longer than the body", 7 << 20, "400 Bad Request"},
		{"longer than any body", 1 << 40, "413 Request Entity Too Large"},
		{"shorter than the body", len(body) - 1, "400 Bad Request"},
		{"negative", -1, "400 Bad Request"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := ask(t, tt.length); !strings.HasPrefix(got, "HTTP/1.1 "+tt.want) {
				t.Errorf("got %.200q, want %s", got, tt.want)
			}
		})
	}
	if got := s.review(t, "/validate", []byte(body)); !got.Allowed {
		t.Error("a good review after the lies is refused")
	}
}
