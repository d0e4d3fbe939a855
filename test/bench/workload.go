package main

import "fmt"

// workload is one kind of traffic.
type workload struct {
	name  string
	about string
	// shapes take turns.
	shapes []*template
	// violates says that everyone who judges pods has to deny.
	violates bool
	target   target
}

// target is what usher has to reach against the webhook that allows everything;
// zero where none is set.
type target struct {
	// throughput is the least share of its reviews per second, median the most
	// times its median latency.
	throughput, median float64
}

var (
	repeated = target{throughput: 1. / 2, median: 1.5}
	distinct = target{throughput: 1. / 3, median: 2}
)

// shapeCount is how many shapes the pods that all differ have.
const shapeCount = 64

func workloads() ([]workload, error) {
	clean, err := cleanPod()
	if err != nil {
		return nil, fmt.Errorf("the clean pod: %w", err)
	}
	violating, err := violatingPod()
	if err != nil {
		return nil, fmt.Errorf("the violating pod: %w", err)
	}
	varied, err := shapes(shapeCount)
	if err != nil {
		return nil, fmt.Errorf("the pods that all differ: %w", err)
	}
	filled, err := parseTemplate(string(clean))
	if err != nil {
		return nil, fmt.Errorf("the clean pod: %w", err)
	}
	out := []workload{
		{
			name: "clean", target: repeated,
			about: "one pod again and again; only the request's UID differs",
		},
		{
			name: "replicas", target: repeated,
			about: "the pods of one ReplicaSet: name, UIDs, the ID of the GPUs' reservation and the name of the `kube-api-access-…` volume and of its mounts differ, as the API server makes them",
		},
		{
			name: "different", target: distinct,
			about: fmt.Sprintf("no two pods alike: names, labels, annotations, images, arguments, variables, CPU and memory at random, in %d shapes (1 to 4 containers, with and without GPU, probes, further volumes)", shapeCount),
		},
		{
			name: "violating", violates: true,
			about: "the pods of one ReplicaSet that violates every policy that judges pods",
		},
	}
	for i, pods := range [][][]byte{{filled.render(0)}, {clean}, varied, {violating}} {
		for _, pod := range pods {
			review, err := newReview(pod)
			if err != nil {
				return nil, fmt.Errorf("workload %s: %w", out[i].name, err)
			}
			out[i].shapes = append(out[i].shapes, review)
		}
	}
	return out, nil
}

// body returns the n-th review.
func (w *workload) body(n uint64) []byte {
	return w.shapes[n%uint64(len(w.shapes))].render(n)
}

// size returns the mean size of a review in bytes.
func (w *workload) size() int {
	total := 0
	for n := range w.shapes {
		total += len(w.body(uint64(n)))
	}
	return total / len(w.shapes)
}

// denied says whether a server has to deny this traffic.
func (w *workload) denied(by kindOfServer) bool { return w.violates && by.judges }
