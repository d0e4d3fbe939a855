package nvml

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// Script is what a mocked machine goes through.
type Script struct {
	// Faults are what goes wrong, and when.
	Faults []Fault `json:"faults,omitempty"`
	// MIG is how GPUs are partitioned. Others have MIG off.
	MIG []Partitioning `json:"mig,omitempty"`
}

// Fault is one thing that goes wrong for a while.
type Fault struct {
	// Kind is one of the kinds below.
	Kind Kind `json:"fault"`
	// GPU is an index; faults of the driver have none, a hang may have one.
	GPU *int `json:"gpu,omitempty"`
	// Value is the XID, the recovery action, a count or a percentage.
	Value *uint64 `json:"value,omitempty"`
	// After is when it begins, Until when it is over, both since the script was
	// read. Without Until it stays.
	After metav1.Duration `json:"after,omitzero"`
	Until metav1.Duration `json:"until,omitzero"`
}

// Kind is a kind of fault.
type Kind string

// kinds say what each kind of fault is, and what it takes.
var kinds = map[Kind]struct{ gpu, value need }{
	"xid":             {required, required}, // an XID event, once
	"lost":            {required, refused},  // NVML_ERROR_GPU_IS_LOST
	"reset-required":  {required, refused},  // NVML_ERROR_RESET_REQUIRED
	"ecc":             {required, required}, // uncorrectable errors
	"rows-pending":    {required, refused},
	"rows-failed":     {required, refused},
	"pages-pending":   {required, refused},
	"recovery":        {required, required}, // nvmlDeviceGpuRecoveryAction_t
	"links-down":      {required, required}, // how many
	"link-errors":     {required, required}, // replays counted
	"fabric-pending":  {required, refused},
	"fabric-failed":   {required, refused},
	"fabric-degraded": {required, refused},
	"load":            {required, required}, // percent busy
	"memory":          {required, required}, // percent used
	"hang":            {optional, refused},  // calls do not return while it lasts
	"no-driver":       {refused, refused},   // unloaded; when it is over, loaded anew
	"mismatch":        {refused, refused},   // a driver of another release
}

type need int

const (
	refused need = iota
	optional
	required
)

// Partitioning is the MIG devices of one GPU.
type Partitioning struct {
	GPU int `json:"gpu"`
	// Profiles, such as 3g.20gb, each placed at the first free slices.
	Profiles []string `json:"profiles"`
}

// ParseScript reads a script, in YAML or JSON.
func ParseScript(data []byte) (Script, error) {
	var s Script
	if err := yaml.UnmarshalStrict(data, &s); err != nil {
		return Script{}, err
	}
	return s, s.validate()
}

func (s *Script) validate() error {
	var errs []error
	for i, f := range s.Faults {
		at := fmt.Sprintf("faults[%d]", i)
		want, known := kinds[f.Kind]
		if !known {
			errs = append(errs, fmt.Errorf("%s.fault: there is no %q; there is %s", at, f.Kind, kindNames()))
			continue
		}
		if f.GPU == nil && want.gpu == required || f.GPU != nil && want.gpu == refused {
			errs = append(errs, fmt.Errorf("%s.gpu: %q %s", at, f.Kind, mustOrNot(want.gpu, "a GPU")))
		}
		if f.Value == nil && want.value == required || f.Value != nil && want.value == refused {
			errs = append(errs, fmt.Errorf("%s.value: %q %s", at, f.Kind, mustOrNot(want.value, "a value")))
		}
		if f.After.Duration < 0 || f.Until.Duration < 0 || f.Until.Duration > 0 && f.Until.Duration <= f.After.Duration {
			errs = append(errs, fmt.Errorf("%s.until: it must be later than after, and neither before the start", at))
		}
	}
	return errors.Join(errs...)
}

func mustOrNot(n need, what string) string {
	if n == required {
		return "needs " + what
	}
	return "takes no " + strings.TrimPrefix(what, "a ")
}

func kindNames() string {
	var names []string
	for kind := range kinds {
		names = append(names, string(kind))
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// active says whether a fault holds at a time since the start.
func (f *Fault) active(elapsed time.Duration) bool {
	return elapsed >= f.After.Duration && (f.Until.Duration == 0 || elapsed < f.Until.Duration)
}
