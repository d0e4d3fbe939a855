//go:build linux && !race

// It is /proc that says how much memory a process has. The race detector keeps
// several times the program's own beside it, which no container does.

package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
)

func TestABarrageOfLargeReviewsStaysWithinTheContainersMemory(t *testing.T) {
	limit := resource.MustParse(inManifest(t, `limits:\s+cpu: \S+\s+memory: (\w+)`))
	p := start(t)
	list := func(element string, n int) string {
		return "[" + strings.TrimSuffix(strings.Repeat(element+",", n), ",") + "]"
	}
	review := func(spec string) []byte {
		return []byte(strings.Replace(string(podReview(t, nil, "@")), `"@"`, spec, 1))
	}
	bodies := [][]byte{
		review(`{"containers":` + list("{}", 120_000) + `}`),
		review(`{"containers":[{"name":"a","args":` + list(`"x"`, 250_000) + `}]}`),
		review(`{"containers":[{"name":"a","args":` + list("0", 3_900_000) + `}]}`),
		review(`{"containers":[{"name":"a","env":` + list(`{"name":"a","value":"b"}`, 80_000) + `}]}`),
		review(`{"containers":[{"name":"a","args":["` + strings.Repeat("x", 7<<20) + `"]}]}`),
		review(`{"tolerations":` + list(`{"key":"a","operator":"Exists"}`, 80_000) + `}`),
		review(`{"containers":` + list(`{"name":"a","image":"b"}`, 4000) + `}`),
		review(`{"containers":` + list(`{}`, 40_000) + `}`),
		review(strings.Repeat(" ", 10<<20) + `{}`),
		[]byte(strings.Repeat("[", 8<<20)),
	}
	var clients sync.WaitGroup
	var answers [600]atomic.Int64
	end := time.Now().Add(10 * time.Second)
	for worker := range 32 {
		client := p.newClient(t)
		clients.Go(func() {
			for i := worker; time.Now().Before(end); i++ {
				path := []string{"/mutate", "/validate"}[i/len(bodies)%2]
				status, text, err := p.post(client, path+"?timeout=5s", bodies[i%len(bodies)])
				if err != nil && !strings.Contains(err.Error(), "stream error") {
					t.Error(err)
					return
				}
				answers[status].Add(1)
				if status >= 500 && status != http.StatusServiceUnavailable {
					t.Errorf("status %d: %.300s", status, text)
				}
			}
		})
	}
	most := 0
	for ; time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		now, err := memory(p)
		must(t, err)
		most = max(most, now)
	}
	clients.Wait()
	counts := ""
	for status := range answers {
		if n := answers[status].Load(); n > 0 {
			counts += fmt.Sprintf(" %d:%d", status, n)
		}
	}
	t.Logf("at most %d MiB; answers by status%s", most>>20, counts)
	if int64(most) > limit.Value() {
		t.Errorf("at most %d MiB, more than %s", most>>20, limit.String())
	}
	if answers[http.StatusOK].Load() == 0 || answers[http.StatusRequestEntityTooLarge].Load() == 0 {
		t.Errorf("answers by status%s", counts)
	}
	if _, err := p.review(p.newClient(t), "/validate", podReview(t, nil, map[string]any{})); err != nil {
		t.Error("a small review afterwards:", err)
	}
}

// memory is what a process keeps in memory of its own, in bytes: what counts
// against a container's limit and cannot be given back. Pages of the binary's
// file can.
func memory(p *process) (int, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if text, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			kib, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(text), " kB"))
			return kib << 10, err
		}
	}
	return 0, errors.New("no RssAnon in /proc/PID/status")
}
