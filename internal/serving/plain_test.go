package serving

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
)

func TestPlainHTTPIsForLoopbackAlone(t *testing.T) {
	for host, want := range map[string]bool{"127.0.0.1": true, "127.8.8.8": true, "::1": true, "localhost": true, "": false, "0.0.0.0": false, "::": false, "10.0.0.1": false, "example.com": false} {
		if got := IsLoopback(host); got != want {
			t.Errorf("%q: %t", host, got)
		}
	}
	s := &Server{What: "the handlers", Listen: "0.0.0.0:9", Plain: true, Log: logr.Discard()}
	if err := s.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "plain HTTP is for loopback") {
		t.Errorf("error %v", err)
	}
}

func TestPlainHTTPLetsRequestsInFlightEnd(t *testing.T) {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	arrived, goOn := make(chan struct{}), make(chan struct{})
	slow := func(w http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-goOn
		if r.Context().Err() != nil {
			w.WriteHeader(http.StatusInternalServerError)
		}
		_, _ = w.Write([]byte("done"))
	}
	s := &Server{
		What: "the handlers", Listen: addr, Plain: true, Log: logr.Discard(), Metrics: prometheus.NewRegistry(),
		Handlers: map[string]http.Handler{"/slow": http.HandlerFunc(slow)},
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	for !s.Started() {
		time.Sleep(time.Millisecond)
	}
	answer := make(chan string, 1)
	go func() {
		response, err := http.Get("http://" + addr + "/slow") //nolint:noctx // the test ends it
		if err != nil {
			answer <- err.Error()
			return
		}
		defer response.Body.Close()
		text, _ := io.ReadAll(response.Body)
		answer <- response.Status + " " + string(text)
	}()
	<-arrived
	stop()
	select {
	case err := <-ended:
		t.Fatalf("ended before the request: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	close(goOn)
	if got := <-answer; got != "200 OK done" {
		t.Error(got)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
