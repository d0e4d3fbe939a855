//go:build linux

package install_test

import (
	"errors"
	"strconv"
	"syscall"
	"testing"

	"usher.dev/usher/test/e2e/await"
)

// kill ends one of the webhook's processes as a crash would. Its kubelet starts it
// again; who asks meanwhile gets an answer from the other, at the latest when the
// dead one is no longer behind the Service.
func (s *story) kill(t *testing.T) {
	for _, process := range processes(t) {
		if process.container && process.program == "/usher-webhook" {
			pid, err := strconv.Atoi(process.pid)
			if err != nil {
				t.Fatal(err)
			}
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			break
		}
	}
	await.Success(t, patience, "it is started again and ready", func() (any, error) {
		restarts, ready := 0, 0
		for _, pod := range pods(t) {
			if pod.Labels["app.kubernetes.io/name"] != "usher-webhook" {
				continue
			}
			for _, status := range pod.Status.ContainerStatuses {
				restarts += int(status.RestartCount)
				if status.Ready {
					ready++
				}
			}
		}
		if restarts != 1 || ready != 2 {
			return nil, errors.New(strconv.Itoa(restarts) + " restarts, " + strconv.Itoa(ready) + " ready")
		}
		return nil, nil
	})
	expectRefused(t)
}
