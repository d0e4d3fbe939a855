package scheduling

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"usher.dev/usher/test/e2e/await"
	"usher.dev/usher/test/e2e/controlplane"
)

const extenderName = "usher-extender"

// extender is the usher-extender of the cluster, at the addresses that the
// scheduler's configuration names.
type extender struct {
	folder    string
	binary    string
	port      *controlplane.Port
	probePort *controlplane.Port
	// shipped is the configuration in the manifests.
	shipped   map[string]any
	arguments []string
	process   *controlplane.Process
}

// configure writes the shipped configuration with some fields replaced.
func (e *extender) configure(fields string) error {
	configuration := maps.Clone(e.shipped)
	if err := yaml.Unmarshal([]byte(fields), &configuration); err != nil {
		return fmt.Errorf("read the fields of a configuration: %w", err)
	}
	encoded, err := yaml.Marshal(configuration)
	if err != nil {
		return err
	}
	return os.WriteFile(e.path("extender.yaml"), encoded, 0o600)
}

// start starts the extender and waits until it is ready.
func (e *extender) start(ctx context.Context) error {
	var err error
	if e.process, err = controlplane.StartProcess(extenderName, e.path("extender.log"), e.binary, e.arguments...); err != nil {
		return err
	}
	return e.ready(ctx)
}

// ready waits until the extender says that it is ready.
func (e *extender) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	return e.process.WaitReady(ctx, http.DefaultClient, "http://"+e.probePort.Address()+"/readyz")
}

// kill ends the extender as a crash would.
func (e *extender) kill() { e.process.Kill() }

// restart starts the extender anew with fields of its configuration replaced,
// until the test ends.
func (e *extender) restart(t *testing.T, fields string) {
	t.Helper()
	t.Cleanup(func() { e.restore(t) })
	e.kill()
	if err := e.configure(fields); err != nil {
		t.Fatal(err)
	}
	if err := e.start(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// restore starts the extender as shipped, whether it runs or not.
func (e *extender) restore(t *testing.T) {
	t.Helper()
	e.kill()
	if err := e.configure(""); err != nil {
		t.Fatal(err)
	}
	if err := e.start(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
}

func (e *extender) release() {
	if e == nil {
		return
	}
	e.process.Kill()
	e.port.Release()
	e.probePort.Release()
}

func (e *extender) path(name string) string { return filepath.Join(e.folder, name) }

// explanation is what the extender says of its last decision on a pod.
type explanation struct {
	Nodes []explainedNode
}

// explainedNode is how one node did.
type explainedNode struct {
	Name      string
	Filtered  string
	Score     int64
	Freshness float64
	GPUs      string
}

// explain asks about the last decision on a pod.
func (e *extender) explain(t *testing.T, namespace, pod string) explanation {
	t.Helper()
	return await.Success(t, patience, "the decision on "+pod+" is explained", func() (explanation, error) {
		var explained explanation
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet,
			fmt.Sprintf("http://%s/v1/explain/%s/%s", e.port.Address(), namespace, pod), http.NoBody)
		if err != nil {
			return explained, err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return explained, err
		}
		defer func() { _ = response.Body.Close() }()
		if response.StatusCode != http.StatusOK {
			return explained, fmt.Errorf("the extender answers %s", response.Status)
		}
		return explained, json.NewDecoder(response.Body).Decode(&explained)
	})
}

// of returns how a node did.
func (e explanation) of(t *testing.T, name string) explainedNode {
	t.Helper()
	for _, node := range e.Nodes {
		if node.Name == name {
			return node
		}
	}
	t.Fatalf("the extender was not asked about %s, but about %v", name, e.Nodes)
	return explainedNode{}
}
