package webhook_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// quickReviews sends one review after the other until the test's slow clients
// are done, and fails unless a good number is answered meanwhile.
func quickReviews(t *testing.T, s *served, until <-chan struct{}) {
	t.Helper()
	body := podReview(t, containers(container("web")))
	client := s.newClient(t, nil)
	for n := 0; ; n++ {
		time.Sleep(5 * time.Millisecond)
		select {
		case <-until:
			if n < 10 {
				t.Errorf("only %d quick reviews beside the slow ones", n)
			}
			return
		default:
		}
		if status, text := s.post(t, client, "/validate?timeout=10s", body); status != 200 || !responseIn(t, text).Allowed {
			t.Errorf("a quick review gets %d %s", status, text)
		}
	}
}

// stalledBody sends the beginning of a body and then nothing.
func stalledBody(t testing.TB, begin []byte) io.Reader {
	r, w := io.Pipe()
	t.Cleanup(func() { w.Close() })
	go func() { _, _ = w.Write(begin) }()
	return r
}

func TestClientsThatNeverFinishAreCutOffAndHoldUpNobody(t *testing.T) {
	body := podReview(t, containers(container("web")))
	for _, tt := range []struct {
		name          string
		clients       int
		contentLength int64
	}{
		{"600 small reviews", 600, int64(len(body))},
		{"12 large reviews", 12, 8 << 20},
		{"12 reviews of no known length", 12, -1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := site{policies: map[string]string{"host_network": hostNetwork}}.start(t)
			client := s.newClient(t, nil)
			done := make(chan struct{})
			var slow sync.WaitGroup
			for range tt.clients {
				slow.Go(func() {
					r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+s.addr+"/validate?timeout=8s", stalledBody(t, body[:len(body)-1]))
					if err != nil {
						t.Error(err)
						return
					}
					r.Header.Set("Content-Type", "application/json")
					r.ContentLength = tt.contentLength
					start := time.Now()
					response, err := client.Do(r)
					if err != nil {
						t.Error(err)
						return
					}
					defer response.Body.Close()
					// Those that wait for room are told so; the others, that
					// they are late.
					if response.StatusCode != 408 && response.StatusCode != 503 {
						t.Errorf("status %d", response.StatusCode)
					}
					if took := time.Since(start); took > 20*time.Second {
						t.Errorf("cut off after %s", took)
					}
				})
			}
			go func() { slow.Wait(); close(done) }()
			quickReviews(t, s, done)
		})
	}
}

func TestATricklingClientIsCutOff(t *testing.T) {
	s := site{policies: map[string]string{"host_network": hostNetwork}}.start(t)
	for _, tt := range []struct{ name, contentType, status, reason string }{
		{"that sends a review", "application/json", "408", "did not arrive in time"},
		{"that sends something else", "text/plain", "415", "send application/json"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			conn, err := (&tls.Dialer{Config: &tls.Config{RootCAs: s.authorities}}).DialContext(t.Context(), "tcp", s.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			start := time.Now()
			fmt.Fprintf(conn, "POST /validate?timeout=1s HTTP/1.1\r\nHost: usher\r\nContent-Type: %s\r\nContent-Length: 100000\r\n\r\n", tt.contentType)
			go func() {
				for {
					if _, err := conn.Write([]byte(" ")); err != nil {
						return
					}
					time.Sleep(50 * time.Millisecond)
				}
			}()
			answer, _ := io.ReadAll(conn) // the connection may end with a reset
			if took := time.Since(start); took > 15*time.Second {
				t.Errorf("cut off after %s", took)
			}
			if !strings.HasPrefix(string(answer), "HTTP/1.1 "+tt.status) || !strings.Contains(string(answer), tt.reason) {
				t.Errorf("answered %q", answer)
			}
		})
	}
}

func TestClientsThatNeverReadTheirAnswerAreCutOffAndHoldUpNobody(t *testing.T) {
	t.Parallel()
	s := site{policies: map[string]string{"host_network": hostNetwork}}.start(t)
	conn, err := (&tls.Dialer{Config: &tls.Config{RootCAs: s.authorities, NextProtos: []string{"h2"}}}).DialContext(t.Context(), "tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, http2.ClientPreface)
	framer := http2.NewFramer(conn, conn)
	must(t, framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0}))
	body := podReview(t, containers(container("web")))
	const streams = 200
	var block bytes.Buffer
	headers := hpack.NewEncoder(&block)
	for i := range streams {
		block.Reset()
		for _, h := range [][2]string{{":method", "POST"}, {":scheme", "https"}, {":authority", "usher"}, {":path", "/validate?timeout=1s"}, {"content-type", "application/json"}} {
			must(t, headers.WriteField(hpack.HeaderField{Name: h[0], Value: h[1]}))
		}
		id := uint32(2*i + 1)
		must(t, framer.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: block.Bytes(), EndHeaders: true}))
		must(t, framer.WriteData(id, true, body))
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		// Each answer's headers come, its body cannot.
		for reset := 0; reset < streams; {
			frame, err := framer.ReadFrame()
			if err != nil {
				t.Error("after", reset, "streams:", err)
				return
			}
			if _, ok := frame.(*http2.RSTStreamFrame); ok {
				reset++
			}
		}
	}()
	start := time.Now()
	quickReviews(t, s, done)
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("cut off after %s", took)
	}
}

func TestAClientThatGoesAwayStopsItsReviewAndBlamesNoPolicy(t *testing.T) {
	s := site{policies: map[string]string{"loops": loops}}.start(t)
	before := runtime.NumGoroutine()
	var clients sync.WaitGroup
	for range 20 {
		clients.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			if _, _, err := s.send(ctx, s.client, "/validate?timeout=30s", bytes.NewReader(loopReview(t))); err == nil {
				t.Error("an answer")
			}
		})
	}
	clients.Wait()
	eventually(t, 10*time.Second, "the reviews to stop", func() bool { return runtime.NumGoroutine() <= before+5 })
	for _, line := range s.logs.all() {
		if strings.Contains(line, "gave no verdict") {
			t.Fatal("logged:", line)
		}
	}
	if got := s.review(t, "/validate", podReview(t, containers(container("web")))); !got.Allowed {
		t.Error("the next review is refused:", got.Result.Message)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
