package main

import (
	"errors"
	"fmt"
)

// amounts are what a replica of a part asks for: CPU in thousandths of a core,
// memory in MiB. No limit of CPU is 0.
type amounts struct{ replicas, cpuRequest, cpuLimit, memoryRequest, memoryLimit int }

// usual is the number of nodes for which manifests set what is recommended.
const usual = 1000

// recommended is what a cluster needs, by number of nodes; an agent runs on each.
// What manifests/base, manifests/scheduler and manifests/agent set is the row of the
// usual size, and replicas are those of manifests/overlays/production: a test
// compares them.
var recommended = map[int]map[part]amounts{
	100: {
		theWebhook:    {2, 200, 2000, 128, 512},
		theController: {2, 100, 2000, 128, 1024},
		theExtender:   {2, 200, 2000, 128, 512},
		theAgent:      {0, 10, 0, 64, 128},
	},
	usual: {
		theWebhook:    {3, 200, 2000, 128, 512},
		theController: {2, 100, 2000, 256, 1024},
		theExtender:   {2, 200, 2000, 256, 512},
		theAgent:      {0, 10, 0, 64, 128},
	},
	10_000: {
		theWebhook:    {4, 750, 2000, 192, 512},
		theController: {2, 500, 2000, 2048, 3072},
		theExtender:   {2, 500, 2000, 2048, 3072},
		theAgent:      {0, 10, 0, 64, 128},
	},
}

// softLimit is the GOMEMLIMIT that goes with a memory limit, in MiB: below it, so
// that the collector works harder before the kernel kills.
func softLimit(memoryLimit int) int { return memoryLimit * 25 / 32 }

// headroom is how many times the average the processors that a part asks for must
// be: pods come in bursts, and each template that a Deployment or a Job brings along
// is judged as well.
const headroom = 2

// suffices says what is recommended too small for what was measured.
func (p *page) suffices() error {
	var wrong []error
	for _, f := range p.fed {
		for _, of := range parts {
			a, n := recommended[f.nodes][of], p.needs(of, f)
			if limit := int64(softLimit(a.memoryLimit)) << 20; of != theAgent && n.peak > limit {
				wrong = append(wrong, fmt.Errorf("%s at %d nodes takes up to %s, and its soft limit is %d MiB", of, f.nodes, mebibytes(n.peak), softLimit(a.memoryLimit)))
			}
			if of == theAgent && n.peak > int64(a.memoryLimit)<<20 {
				wrong = append(wrong, fmt.Errorf("%s takes up to %s, and its limit is %d MiB", of, mebibytes(n.peak), a.memoryLimit))
			}
			if n.now > int64(a.memoryRequest)<<20 {
				wrong = append(wrong, fmt.Errorf("%s at %d nodes takes %s at rest, and asks for %d MiB", of, f.nodes, mebibytes(n.now), a.memoryRequest))
			}
			asked := a.cpuRequest * max(a.replicas, 1)
			if of == theController || of == theExtender {
				// One works at a time.
				asked = a.cpuRequest
			}
			if wanted := n.cores * headroom * 1000; wanted > float64(asked) {
				wrong = append(wrong, fmt.Errorf("%s at %d nodes uses %.0f thousandths of a core on average, and all replicas ask for %d", of, f.nodes, n.cores*1000, asked))
			}
		}
	}
	return errors.Join(wrong...)
}
