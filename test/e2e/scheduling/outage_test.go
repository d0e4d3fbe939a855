package scheduling

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"usher.dev/usher/test/e2e/await"
)

// TestTheExtenderIsKilled kills the extender while pods arrive. Those without
// GPUs go on, those with GPUs wait, and go on when it is back.
func TestTheExtenderIsKilled(t *testing.T) {
	f := shared.newFleet(t, map[string]shape{"dgx-0": dgxH100, "dgx-1": dgxH100, "boards": twoBoards})
	f.startAgents(t)
	const namespace = "outage"
	f.cluster.namespace(t, namespace, nil)
	asks := map[string]ask{}
	submit := func(count int) {
		t.Helper()
		for range count {
			i := len(asks)
			a := []ask{{}, {gpus, 1, ""}, {gpus, 2, nvlink}}[i%3]
			name := fmt.Sprintf("pod-%02d", i)
			asks[name] = a
			f.cluster.create(t, a.pod(namespace, name, gpuScheduler))
		}
	}
	bound := func() (with, without int) {
		t.Helper()
		pods, err := f.cluster.list(t.Context(), namespace)
		if err != nil {
			t.Fatal(err)
		}
		for i := range pods {
			switch {
			case pods[i].Spec.NodeName == "":
			case asks[pods[i].Name].count > 0:
				with++
			default:
				without++
			}
		}
		return with, without
	}

	submit(9)
	await.Success(t, patience, "the first GPU pods are bound", func() (struct{}, error) {
		if with, _ := bound(); with < 3 {
			return struct{}{}, fmt.Errorf("%d are", with)
		}
		return struct{}{}, nil
	})
	f.cluster.extender.kill()
	t.Cleanup(func() { f.cluster.extender.restore(t) })
	submit(9)

	t.Run("pods without GPUs go on", func(t *testing.T) {
		await.Success(t, patience, "all of them are bound", func() (struct{}, error) {
			if _, without := bound(); without < 6 {
				return struct{}{}, fmt.Errorf("%d of 6 are", without)
			}
			return struct{}{}, nil
		})
	})
	t.Run("pods with GPUs wait", func(t *testing.T) {
		said := await.Success(t, patience, "all of them were tried", func() (string, error) {
			pods, err := f.cluster.list(t.Context(), namespace)
			if err != nil {
				return "", err
			}
			said := ""
			for i := range pods {
				condition := scheduled(&pods[i])
				switch {
				case condition == nil:
					return "", errors.New(pods[i].Name + " was not")
				case condition.Status == corev1.ConditionFalse:
					said = waitsFor(&pods[i])
				}
			}
			return said, nil
		})
		t.Logf("the scheduler says: %s", said)
		if !strings.Contains(said, "/v1/filter") {
			t.Errorf("the scheduler does not say that the extender is away")
		}
		before, _ := bound()
		time.Sleep(3 * time.Second)
		if after, _ := bound(); after != before {
			t.Errorf("%d pods with GPUs were bound without the extender", after-before)
		}
	})
	back := time.Now()
	f.cluster.extender.restore(t)
	t.Run("and go on when it is back", func(t *testing.T) {
		for name := range asks {
			f.cluster.waitBound(t, namespace, name)
		}
		t.Logf("all pods were bound %s after the extender was started", time.Since(back).Round(100*time.Millisecond))
		for name, a := range asks {
			if a.count > 0 {
				f.expectMet(t, namespace, name, a.topology)
			}
		}
	})
	f.expectNoRefusal(t)
}
