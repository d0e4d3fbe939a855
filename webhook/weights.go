package webhook

import (
	"encoding/json"
	"fmt"
	"reflect"

	lru "github.com/hashicorp/golang-lru/v2"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/quota"
)

// rememberedTenants is for how many tenants with parameters of their own the
// weights are kept.
const rememberedTenants = 4096

// weights are what resources count in GPU units, for each tenant.
type weights struct {
	configured *quota.Weights
	// own are those of tenants with parameters of their own, by name.
	own *lru.Cache[string, ownWeights]
}

// ownWeights are the weights of a tenant as it was. Whoever serves tenants serves
// the same object until the tenant changes.
type ownWeights struct {
	tenant  map[string]any
	weights *quota.Weights
}

func newWeights(cfg *v1alpha1.AdmissionConfiguration) (*weights, error) {
	configured, err := quota.WeightsOf(cfg)
	if err != nil {
		return nil, fmt.Errorf("read the GPU weights: %w", err)
	}
	own, err := lru.New[string, ownWeights](rememberedTenants)
	return &weights{configured, own}, err
}

// of returns the weights of a tenant.
func (w *weights) of(tenant map[string]any) (*quota.Weights, error) {
	spec, _ := tenant["spec"].(map[string]any)
	all, _ := spec["parameters"].(map[string]any)
	parameters, ok := all[quota.Policy]
	if !ok {
		return w.configured, nil
	}
	name := nameOf(tenant)
	if known, ok := w.own.Get(name); ok && reflect.ValueOf(known.tenant).Pointer() == reflect.ValueOf(tenant).Pointer() {
		return known.weights, nil
	}
	raw, err := json.Marshal(parameters)
	if err != nil {
		return nil, fmt.Errorf("read the GPU weights of tenant %q: %w", name, err)
	}
	own, err := w.configured.For(&v1alpha1.Tenant{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       v1alpha1.TenantSpec{Parameters: map[string]apiextensionsv1.JSON{quota.Policy: {Raw: raw}}},
	})
	if err != nil {
		return nil, fmt.Errorf("read the GPU weights of tenant %q: %w", name, err)
	}
	w.own.Add(name, ownWeights{tenant, own})
	return own, nil
}

// nameOf returns the name of a plain object.
func nameOf(object map[string]any) string {
	metadata, _ := object["metadata"].(map[string]any)
	name, _ := metadata["name"].(string)
	return name
}

// grantsGPUs reports whether a tenant is granted any GPU, so that it has a ledger.
func grantsGPUs(tenant map[string]any) bool {
	spec, _ := tenant["spec"].(map[string]any)
	return isObject(spec["gpu"])
}
