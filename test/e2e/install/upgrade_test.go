//go:build linux

package install_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// upgrade brings images with another tag. The tenant's pod runs on, and whoever asks
// the API server meanwhile gets the right answer every time.
func (s *story) upgrade(t *testing.T) {
	archives, err := filepath.Glob(filepath.Join(shared.Folder(), nextTag, "images", "*.tar"))
	if err != nil || len(archives) == 0 {
		t.Fatalf("no images to upgrade to: %v", err)
	}
	for _, archive := range archives {
		if err := shared.Node.Import(t.Context(), archive); err != nil {
			t.Fatal(err)
		}
	}
	s.keepLogs(t)
	asking := ask(t.Context())
	began := time.Now()
	helm(t, append([]string{"upgrade", release}, chart("image.tag="+nextTag)...)...)
	t.Logf("helm upgrade --wait took %s", time.Since(began).Round(time.Second))
	right, wrong := asking.stop()
	t.Logf("asked %d times meanwhile", right+len(wrong))
	if len(wrong) > 0 || right == 0 {
		t.Errorf("%d right answers, %d wrong ones: %s", right, len(wrong), strings.Join(wrong, "\n"))
	}
	expectParts(t, nextTag)
	s.expectTraining(t)
	expectLedger(t, "2000000")
}

// asking is somebody who asks all the time for what is to be refused, without a
// change to the cluster.
type asking struct {
	cancel context.CancelFunc
	done   sync.WaitGroup
	right  int
	wrong  []string
}

func ask(ctx context.Context) *asking {
	ctx, cancel := context.WithCancel(ctx)
	a := &asking{cancel: cancel}
	a.done.Go(func() {
		for ctx.Err() == nil {
			_, complaint, err := shared.Kubectl(ctx, "", "create", "--dry-run=server", "-f", sample("refused"))
			switch {
			case ctx.Err() != nil:
			case err != nil && strings.Contains(complaint, `admission webhook "validate.usher.dev" denied the request`):
				a.right++
			default:
				a.wrong = append(a.wrong, fmt.Sprintf("%v %s", err, complaint))
			}
		}
	})
	return a
}

func (a *asking) stop() (right int, wrong []string) {
	a.cancel()
	a.done.Wait()
	return a.right, a.wrong
}
