package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	extenderv1 "k8s.io/kube-scheduler/extender/v1"
	"sigs.k8s.io/yaml"

	"usher.dev/usher/test/e2e/controlplane"
	"usher.dev/usher/test/e2e/podload"
	"usher.dev/usher/test/e2e/repository"
)

// TestExtendersOfBothVersionsReadReportsOfBoth: agents roll long after the extender,
// or before it. Whichever version reports, and whichever reads, the same nodes will
// do for a pod.
func TestExtendersOfBothVersionsReadReportsOfBoth(t *testing.T) {
	t.Log("tree", os.Getenv("USHER_TREE")) // the result depends on what is built
	commit, err := repository.Previous()
	must(t, err)
	older, err := repository.Checkout(t.Context(), commit, filepath.Join(t.TempDir(), "previous"))
	if errors.Is(err, repository.ErrNoHistory) {
		t.Skipf("without the previous version there is nothing to compare: %v", err)
	}
	must(t, err)
	trees := map[string]repository.Tree{"older": older, "newer": repository.Working()}
	extenders := map[string]string{}
	for version, tree := range trees {
		extenders[version], err = tree.Build(t.Context(), t.TempDir(), "usher-extender")
		must(t, err)
	}
	for _, reporting := range []string{"older", "newer"} {
		t.Run("reports of the "+reporting, func(t *testing.T) {
			objects := t.TempDir()
			names := reportsOf(t, trees[reporting], objects)
			answers := map[string]map[string][]string{}
			for reading, extender := range extenders {
				answers[reading] = decisions(t, extender, objects, names)
			}
			if diff := cmp.Diff(answers["older"], answers["newer"]); diff != "" {
				t.Errorf("nodes that will do, by what is asked for (-older version +newer):\n%s", diff)
			}
			if fit := answers["newer"]["1 best-effort"]; len(fit) < len(names)/2 {
				t.Errorf("only %q of %q will do for a GPU", fit, names)
			}
		})
	}
}

// reportsOf writes what agents of a version report into a folder, each as a node of
// its own, and returns their names.
func reportsOf(t *testing.T, tree repository.Tree, folder string) (names []string) {
	t.Helper()
	for _, from := range []string{"agent/testdata", "testdata/gpunodes"} {
		files, err := filepath.Glob(tree.Path(from + "/*.yaml"))
		must(t, err)
		for _, file := range files {
			name := strings.TrimSuffix(filepath.Base(file), ".yaml")
			objects, err := tree.Decoded(from + "/" + filepath.Base(file))
			must(t, err)
			objects[0].SetName(name)
			content, err := yaml.Marshal(objects[0].Object)
			must(t, err)
			must(t, os.WriteFile(filepath.Join(folder, name+".yaml"), content, 0o600))
			names = append(names, name)
		}
	}
	if len(names) < 10 {
		t.Fatalf("there are only the reports %q", names)
	}
	return names
}

// decisions are the nodes that an extender finds will do, sorted, by number of GPUs
// and topology.
func decisions(t *testing.T, binary, objects string, names []string) map[string][]string {
	t.Helper()
	var addresses []string
	for range 2 {
		port, err := controlplane.ReservePort()
		must(t, err)
		t.Cleanup(port.Release)
		addresses = append(addresses, port.Address())
	}
	process, err := controlplane.StartProcess("usher-extender", filepath.Join(t.TempDir(), "log"), binary,
		"--standalone", "--objects="+objects, "--listen="+addresses[0], "--probe-listen="+addresses[1])
	must(t, err)
	defer process.Kill()
	must(t, process.WaitReady(t.Context(), http.DefaultClient, "http://"+addresses[1]+"/readyz"))
	out := map[string][]string{}
	for _, gpus := range []int64{1, 2, 4, 8} {
		for _, topology := range []string{"best-effort", "numa", "nvlink"} {
			pod := podload.Pod("default", gpus)
			pod.Name = fmt.Sprintf("asks-%d-%s", gpus, topology)
			pod.Annotations = map[string]string{"usher.dev/gpu-topology": topology}
			fit := filter(t, "http://"+addresses[0]+"/v1/filter", &extenderv1.ExtenderArgs{Pod: pod, NodeNames: &names})
			out[fmt.Sprint(gpus, " ", topology)] = fit
		}
	}
	return out
}

func filter(t *testing.T, url string, question *extenderv1.ExtenderArgs) []string {
	t.Helper()
	body, err := json.Marshal(question)
	must(t, err)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(body))
	must(t, err)
	request.Header.Set("Content-Type", "application/json")
	reply, err := http.DefaultClient.Do(request)
	must(t, err)
	defer func() { _ = reply.Body.Close() }()
	content, err := io.ReadAll(reply.Body)
	must(t, err)
	var result extenderv1.ExtenderFilterResult
	if err := json.Unmarshal(content, &result); err != nil || result.Error != "" || result.NodeNames == nil {
		t.Fatalf("%s: %s: %v", reply.Status, content, err)
	}
	return slices.Sorted(slices.Values(*result.NodeNames))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
