package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	extenderv1 "k8s.io/kube-scheduler/extender/v1"

	"usher.dev/usher/test/e2e/podload"
)

// exercise has GPUNodes change, and asks an extender about all nodes.
func (c *cluster) exercise(ctx context.Context, e *server, plan schedule, out *fed) error {
	// Half the nodes have room from here on.
	for i := 0; i < len(c.names); i += 2 {
		if err := c.report(i, 0, 1); err != nil {
			return err
		}
	}
	last, err := c.settle(ctx, e)
	if err != nil {
		return err
	}
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same changes in every run
	for sequence := range plan.changes {
		if err := c.report(random.IntN(len(c.names)), random.IntN(gpusPerNode+1), int64(sequence+2)); err != nil {
			return err
		}
	}
	after, err := c.settle(ctx, e)
	if err != nil {
		return err
	}
	out.perChange = (after - last) / time.Duration(plan.changes)
	var took []time.Duration
	for range plan.decisions {
		one, err := c.decide(ctx, e)
		if err != nil {
			return err
		}
		took = append(took, one)
	}
	decided, err := e.CPU()
	if err != nil {
		return err
	}
	out.perDecision = (decided - after) / time.Duration(plan.decisions)
	slices.Sort(took)
	out.median, out.tail = took[len(took)/2], took[len(took)*99/100]
	return nil
}

// settle waits until an extender uses no more CPU time, and says how much it has.
func (c *cluster) settle(ctx context.Context, e *server) (time.Duration, error) {
	// A tick of Linux's own count is 10 ms.
	const quiet, least = 500 * time.Millisecond, 20 * time.Millisecond
	last, err := e.CPU()
	for err == nil {
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(quiet):
		}
		var now time.Duration
		if now, err = e.CPU(); err == nil && now-last <= least {
			return now, nil
		}
		last = now
	}
	return 0, err
}

// decide asks about one pod of a GPU as kube-scheduler does, and says how long the
// answers took.
func (c *cluster) decide(ctx context.Context, e *server) (time.Duration, error) {
	pod := podload.Pod(namespaceName(0, 0), 1)
	pod.Name, pod.UID = "asks", "asks"
	var filtered extenderv1.ExtenderFilterResult
	took, err := e.post(ctx, "/v1/filter", &extenderv1.ExtenderArgs{Pod: pod, NodeNames: &c.names}, &filtered)
	if err != nil {
		return 0, err
	}
	if filtered.Error != "" || filtered.NodeNames == nil {
		return 0, fmt.Errorf("filter: %s", filtered.Error)
	}
	var ranked extenderv1.HostPriorityList
	more, err := e.post(ctx, "/v1/prioritize", &extenderv1.ExtenderArgs{Pod: pod, NodeNames: filtered.NodeNames}, &ranked)
	if err == nil && len(ranked) != len(*filtered.NodeNames) {
		err = fmt.Errorf("prioritize: %d scores of %d nodes", len(ranked), len(*filtered.NodeNames))
	}
	return took + more, err
}

func (s *server) post(ctx context.Context, path string, question, into any) (time.Duration, error) {
	body, err := json.Marshal(question)
	if err != nil {
		return 0, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.address+path, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Content-Type", "application/json")
	began := time.Now()
	reply, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer func() { _ = reply.Body.Close() }()
	content, err := io.ReadAll(reply.Body)
	took := time.Since(began)
	if err != nil {
		return 0, err
	}
	if reply.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("%s: %s: %s", path, reply.Status, content)
	}
	return took, json.Unmarshal(content, into)
}
