package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	extenderv1 "k8s.io/kube-scheduler/extender/v1"
)

// decisions are what was measured of one extender, one value a round, in seconds.
type decisions struct{ median, tail []float64 }

// scheduling is the comparison of extenders.
type scheduling struct {
	kinds   []kindOfServer // the yardstick first, usher last
	figures []decisions
	rounds  int
	// each is how many decisions one round takes of each extender.
	each int
	// bytesPerNode is what the extender keeps in memory of one node.
	bytesPerNode int
	// fit is how many nodes of the fleet usher left to each demand.
	fit []int
}

// compareExtenders asks both extenders as one kube-scheduler would: filter on all
// names, then prioritize on those that are left, one decision after the other.
func compareExtenders(ctx context.Context, dir string, s schedule, progress io.Writer) (_ *scheduling, err error) {
	objects := filepath.Join(dir, "fleet")
	if err := os.MkdirAll(objects, 0o700); err != nil {
		return nil, err
	}
	fleet, err := newFleet("testdata/gpunodes")
	if err != nil {
		return nil, err
	}
	if err := write(fleet, objects); err != nil {
		return nil, err
	}
	names := namesOf(fleet)
	binary, err := build(ctx, dir, "usher-extender")
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	perNode, err := bytesPerNode(fleet)
	if err != nil {
		return nil, err
	}
	out := &scheduling{rounds: s.rounds, each: s.decisions, bytesPerNode: perNode, kinds: []kindOfServer{
		{name: "thoughtless", about: "parses with encoding/json and answers that any node will do", plain: true, command: []string{self, "serve", "thoughtless"}},
		{name: "usher", about: "`usher-extender --standalone`", plain: true, command: []string{binary, "--standalone", "--objects", objects}},
	}}
	out.figures = make([]decisions, len(out.kinds))
	pods := demandingPods()
	var servers []*process
	defer func() {
		for _, p := range servers {
			err = errors.Join(err, p.stop())
		}
	}()
	for _, kind := range out.kinds {
		p, err := start(ctx, kind, filepath.Join(dir, "extender-"+kind.name))
		if err != nil {
			return nil, err
		}
		servers = append(servers, p)
		if out.fit, _, err = p.decide(ctx, pods, names, len(pods)); err != nil { // warm up
			return nil, fmt.Errorf("%s: %w", kind.name, err)
		}
	}
	for round := range s.rounds {
		for turn := range servers {
			i := (turn + round) % len(servers)
			_, took, err := servers[i].decide(ctx, pods, names, s.decisions)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", out.kinds[i].name, err)
			}
			slices.Sort(took)
			f := &out.figures[i]
			f.median = append(f.median, took[len(took)/2].Seconds())
			f.tail = append(f.tail, took[len(took)*99/100].Seconds())
			fmt.Fprintf(progress, "  round %d  %-11s p50 %s\n", round+1, out.kinds[i].name, microseconds(f.median[round]))
		}
	}
	return out, nil
}

// decide makes decisions for the pods in turn and returns how many nodes were
// left to each, and how long each took.
func (p *process) decide(ctx context.Context, pods []*corev1.Pod, names []string, count int) (fit []int, took []time.Duration, err error) {
	fit = make([]int, len(pods))
	for i := range count {
		pod := pods[i%len(pods)]
		question, err := json.Marshal(&extenderv1.ExtenderArgs{Pod: pod, NodeNames: &names})
		if err != nil {
			return nil, nil, err
		}
		begin := time.Now()
		filtered, err := p.put(ctx, "/v1/filter", question)
		total := time.Since(begin)
		if err != nil {
			return nil, nil, err
		}
		var result extenderv1.ExtenderFilterResult
		if err := json.Unmarshal(filtered, &result); err != nil || result.Error != "" || result.NodeNames == nil {
			return nil, nil, fmt.Errorf("filter for %s: %w%s", pod.Name, err, result.Error)
		}
		left := *result.NodeNames
		fit[i%len(pods)] = len(left)
		if question, err = json.Marshal(&extenderv1.ExtenderArgs{Pod: pod, NodeNames: &left}); err != nil {
			return nil, nil, err
		}
		begin = time.Now()
		ranked, err := p.put(ctx, "/v1/prioritize", question)
		total += time.Since(begin)
		if err != nil {
			return nil, nil, err
		}
		var scores extenderv1.HostPriorityList
		if err := json.Unmarshal(ranked, &scores); err != nil || len(scores) != len(left) {
			return nil, nil, fmt.Errorf("prioritize for %s: %d scores of %d: %w", pod.Name, len(scores), len(left), err)
		}
		took = append(took, total)
	}
	return fit, took, nil
}

// put sends a question and returns the whole answer.
func (p *process) put(ctx context.Context, verb string, question []byte) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url+verb, bytes.NewReader(question))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	reply, err := p.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer reply.Body.Close()
	content, err := io.ReadAll(reply.Body)
	if err == nil && reply.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", verb, reply.Status, content)
	}
	return content, err
}
