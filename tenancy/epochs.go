package tenancy

import (
	"fmt"
	"sync"

	"k8s.io/apimachinery/pkg/util/uuid"
)

// epochs are the names under which this process writes shares, one a tenant.
type epochs struct {
	mu       sync.Mutex
	process  string
	byTenant map[string]int
}

func newEpochs() *epochs {
	return &epochs{process: string(uuid.NewUUID()), byTenant: map[string]int{}}
}

func (e *epochs) of(tenant string) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return fmt.Sprintf("%s-%d", e.process, e.byTenant[tenant])
}

// renew gives a tenant an epoch that no write bears yet.
func (e *epochs) renew(tenant string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.byTenant[tenant]++
}
