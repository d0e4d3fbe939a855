package engine

import (
	"runtime"
	"sync"
)

// workers evaluate queries. OPA recurses deeply, and a goroutine that lives on
// keeps the stack that it has grown.
var workers = sync.OnceValue(func() chan<- func() {
	jobs := make(chan func())
	for range 2 * runtime.GOMAXPROCS(0) {
		go func() {
			for job := range jobs {
				job()
			}
		}()
	}
	return jobs
})

// inBackground runs a job on a worker, or where all are busy, or hang, on a
// goroutine of its own.
func inBackground(job func()) {
	select {
	case workers() <- job:
	default:
		go job()
	}
}
