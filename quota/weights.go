package quota

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"regexp"
	"strconv"
	"strings"

	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"usher.dev/usher/api/v1alpha1"
)

// Policy is the policy whose parameters say which resources are GPUs and what each
// is worth.
const Policy = "gpu_quota"

// Weights say which resources and device classes are GPUs and how much of a GPU
// each is worth. They read the parameters of gpu_quota as policies/lib/gpus.rego
// does, so that the ledger counts what the policy judges.
type Weights struct {
	parameters map[string]any

	resources, classes patterns
	configured         map[string]*big.Rat // nil: what cannot be read
	migSlices          int64               // 0: what cannot be read
	sharedReplicas     int64
	allDevices         int64
}

// Defaults are the parameters of gpu_quota that weights are read from, as its
// METADATA has them.
func Defaults() map[string]any {
	return map[string]any{
		"gpu_resources":      []any{"nvidia.com/*", "amd.com/gpu*", "gpu.intel.com/*", "habana.ai/*", "*gpu*"},
		"gpu_device_classes": []any{"*"},
		"weights":            map[string]any{},
		"mig_slices":         json.Number("7"),
		"shared_replicas":    json.Number("1"),
		"max_all_devices":    nil,
	}
}

// ParseWeights reads weights from parameters of gpu_quota, the defaults standing
// for those that are absent; parameters that say nothing of weights are passed
// over. A value that cannot be read weighs its devices as whole GPUs.
func ParseWeights(parameters map[string]any) (*Weights, error) {
	all := Defaults()
	for name, value := range parameters {
		if _, known := all[name]; known {
			all[name] = value
		}
	}
	w := &Weights{
		parameters:     all,
		resources:      patternsOf(all["gpu_resources"]),
		classes:        patternsOf(all["gpu_device_classes"]),
		configured:     map[string]*big.Rat{},
		migSlices:      positive(all["mig_slices"]),
		sharedReplicas: positive(all["shared_replicas"]),
		allDevices:     v1alpha1.MaxGPUs,
	}
	configured, _ := all["weights"].(map[string]any)
	for name, value := range configured {
		w.configured[name] = parseWeight(value)
	}
	if most, ok := parseQuantity(all["max_all_devices"]); ok {
		w.allDevices = clampCount(most)
	}
	return w, nil
}

// WeightsOf reads the weights of a configuration.
func WeightsOf(cfg *v1alpha1.AdmissionConfiguration) (*Weights, error) {
	parameters := map[string]any{}
	for name, value := range cfg.Policies[Policy].Parameters {
		decoded, err := decodeJSON(value.Raw)
		if err != nil {
			return nil, fmt.Errorf("read parameter %s of %s: %w", name, Policy, err)
		}
		parameters[name] = decoded
	}
	return ParseWeights(parameters)
}

// For returns the weights with a tenant's own parameters over them; w itself
// where it has none.
func (w *Weights) For(tenant *v1alpha1.Tenant) (*Weights, error) {
	own, ok := tenant.Spec.Parameters[Policy]
	if !ok {
		return w, nil
	}
	decoded, err := decodeJSON(own.Raw)
	if err != nil {
		return nil, fmt.Errorf("read parameters of %s of tenant %q: %w", Policy, tenant.Name, err)
	}
	values, ok := decoded.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("read parameters of %s of tenant %q: they are no object", Policy, tenant.Name)
	}
	over := maps.Clone(w.parameters)
	maps.Copy(over, values)
	return ParseWeights(over)
}

// IsGPU reports whether an extended resource may be a GPU, or a part of one.
func (w *Weights) IsGPU(name string) bool {
	if class, ok := strings.CutPrefix(name, resourcev1.ResourceDeviceClassPrefix); ok {
		return w.classes.match(class)
	}
	return strings.Contains(name, "/") && w.resources.match(strings.ToLower(name))
}

var one = big.NewRat(1, 1)

// sharedSuffix is how NVIDIA's device plugin renames what it shares.
const sharedSuffix = ".shared"

// weight is what one device of a resource is worth, in GPUs: a whole one where
// nobody knows. replicas tells into how many shares the devices of a resource are
// divided where it is known, and may be nil.
func (w *Weights) weight(name string, replicas func(string) (int64, bool)) *big.Rat {
	if weight, ok := w.configured[name]; ok {
		return orOne(weight)
	}
	base, shared := strings.CutSuffix(name, sharedSuffix)
	weight, ok := w.configured[base]
	if !ok {
		weight = w.builtIn(base)
	}
	if !shared || weight == nil {
		return orOne(weight)
	}
	shares := w.sharedReplicas
	if replicas != nil {
		if n, known := replicas(name); known && n > 0 {
			shares = n
		}
	}
	if shares == 0 {
		return one
	}
	return new(big.Rat).Quo(weight, big.NewRat(shares, 1))
}

func orOne(weight *big.Rat) *big.Rat {
	if weight == nil {
		return one
	}
	return weight
}

// migProfile is a MIG profile as the device plugin names it: [Cc.]Gg.MgB with
// attributes after a dot. A compute instance is worth its own slices.
var migProfile = regexp.MustCompile(`^nvidia\.com/mig-(?:([1-9][0-9]?)c\.)?([1-9][0-9]?)g\.[0-9]+gb(?:[.+-][a-z0-9.+-]*)?$`)

func (w *Weights) builtIn(name string) *big.Rat {
	if name == "nvidia.com/gpu" || strings.HasPrefix(name, resourcev1.ResourceDeviceClassPrefix) {
		return one
	}
	profile := migProfile.FindStringSubmatch(name)
	if profile == nil || w.migSlices == 0 {
		return nil
	}
	slices := profile[1]
	if slices == "" {
		slices = profile[2]
	}
	n, err := strconv.ParseInt(slices, 10, 64)
	if err != nil {
		return nil
	}
	return big.NewRat(n, w.migSlices)
}

// patterns have * at their beginning, their end or both, for any text; nil stands
// for all names, as no list does.
type patterns []string

func patternsOf(value any) patterns {
	list, ok := value.([]any)
	if !ok {
		return nil
	}
	p := patterns{}
	for _, element := range list {
		if pattern, ok := element.(string); ok {
			p = append(p, pattern)
		}
	}
	return p
}

func (p patterns) match(name string) bool {
	if p == nil {
		return true
	}
	for _, pattern := range p {
		begin, prefix := strings.CutSuffix(pattern, "*")
		end, suffix := strings.CutPrefix(pattern, "*")
		switch {
		case pattern == name,
			prefix && strings.HasPrefix(name, begin),
			suffix && strings.HasSuffix(name, end),
			prefix && suffix && strings.Contains(name, strings.TrimPrefix(begin, "*")):
			return true
		}
	}
	return false
}

var (
	fraction = regexp.MustCompile(`^(0|[1-9][0-9]{0,5})/([1-9][0-9]{0,5})$`)
	whole    = regexp.MustCompile(`^[1-9][0-9]{0,5}$`)
)

// parseWeight reads "3/7" or a quantity; nil for what is neither.
func parseWeight(value any) *big.Rat {
	if text, ok := value.(string); ok {
		if parts := fraction.FindStringSubmatch(text); parts != nil {
			weight, _ := new(big.Rat).SetString(text)
			return weight
		}
	}
	quantity, ok := parseQuantity(value)
	if !ok {
		return nil
	}
	return quantity
}

// parseQuantity reads a quantity of 0 or more, written as a string or a number.
func parseQuantity(value any) (*big.Rat, bool) {
	quantity, err := resource.ParseQuantity(asWritten(value))
	if err != nil || quantity.Sign() < 0 {
		return nil, false
	}
	amount := quantity.AsDec()
	return new(big.Rat).SetString(amount.String())
}

// positive reads a whole number above 0; 0 for what is none.
func positive(value any) int64 {
	text := asWritten(value)
	if !whole.MatchString(text) {
		return 0
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// asWritten is a string or a number as it was written; "" for anything else.
func asWritten(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return ""
}

func decodeJSON(raw []byte) (any, error) {
	var value any
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	return value, nil
}
