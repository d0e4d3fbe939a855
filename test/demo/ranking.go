package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"

	corev1 "k8s.io/api/core/v1"
	schedulerv1 "k8s.io/kube-scheduler/extender/v1"
	"sigs.k8s.io/yaml"

	"usher.dev/usher/internal/gpunode"
)

// ranking is a running extender that knows the nodes of a folder.
type ranking struct {
	*process
	url   string
	nodes []string
	asked string // NAMESPACE/POD that was asked about
}

// startExtender runs the extender and returns once it answers.
func startExtender(ctx context.Context, o options) (*ranking, error) {
	listen, err := freePort(ctx, o.rankListen, "RANK_LISTEN")
	if err != nil {
		return nil, err
	}
	r := &ranking{url: "http://" + listen}
	if r.nodes, err = nodeNames(o.nodes); err != nil {
		return nil, err
	}
	r.process, err = startProcess(ctx, o.rankLog, o.extender, "--standalone", "--objects", o.nodes,
		"--listen", listen, "--probe-listen", "", "--drain", "0s")
	if err != nil {
		return nil, err
	}
	return r, r.awaitReady(ctx, func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url, nil)
		if err != nil {
			return err
		}
		reply, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		return reply.Body.Close()
	})
}

// nodeNames are the names of the GPUNodes in the files of a folder.
func nodeNames(folder string) ([]string, error) {
	nodes, err := gpunode.Read([]string{folder}, nil)
	if err != nil {
		return nil, err
	}
	var names []string
	for i := range nodes {
		names = append(names, nodes[i].Name)
	}
	if names == nil {
		return nil, fmt.Errorf("no GPUNode in %s", folder)
	}
	slices.Sort(names)
	return names, nil
}

// show asks the extender about the pod of a manifest, as a kube-scheduler would,
// and prints how it explains its answer.
func (r *ranking) show(ctx context.Context, o options, out io.Writer) error {
	content, err := os.ReadFile(o.rankPod)
	if err != nil {
		return err
	}
	var pod corev1.Pod
	if err := yaml.UnmarshalStrict(content, &pod); err != nil {
		return fmt.Errorf("%s: %w", o.rankPod, err)
	}
	if pod.Namespace == "" {
		pod.Namespace = corev1.NamespaceDefault
	}
	var filtered schedulerv1.ExtenderFilterResult
	if err := r.ask(ctx, "/v1/filter", &pod, r.nodes, &filtered); err != nil {
		return err
	}
	if filtered.Error != "" || filtered.NodeNames == nil || len(*filtered.NodeNames) == 0 {
		return fmt.Errorf("no node will do for %s: %s", o.rankPod, filtered.Error)
	}
	var scores schedulerv1.HostPriorityList
	if err := r.ask(ctx, "/v1/prioritize", &pod, *filtered.NodeNames, &scores); err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%s: four GPUs that can talk over NVLink, and the nodes in %s.\n", o.rankPod, o.nodes)
	r.asked = pod.Namespace + "/" + pod.Name
	explain := exec.CommandContext(ctx, o.usher, "explain", r.asked, "--server", r.url)
	explain.Stdout, explain.Stderr = out, out
	return explain.Run()
}

// ask sends what a kube-scheduler sends of a pod and nodes that it caches itself.
func (r *ranking) ask(ctx context.Context, verb string, pod *corev1.Pod, nodes []string, answer any) error {
	body, err := json.Marshal(schedulerv1.ExtenderArgs{Pod: pod, NodeNames: &nodes})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url+verb, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	reply, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	content, err := io.ReadAll(reply.Body)
	if err != nil {
		return err
	}
	if reply.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s: %s", verb, reply.Status, content)
	}
	return json.Unmarshal(content, answer)
}
