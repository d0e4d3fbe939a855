package agent

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"usher.dev/usher/api/v1alpha1"
)

// Facts are what was read of the machine last, and what must be remembered of
// what was read before.
type Facts struct {
	// Now is when the round began.
	Now time.Time

	Driver  DriverFacts
	GPUs    []GPUFacts
	NICs    []NICFacts
	Kubelet KubeletFacts

	// Snapshot is the report that was captured elsewhere.
	Snapshot *v1alpha1.GPUNodeStatus

	// Marks are kept by UUID.
	Marks map[string]Marks

	// Errors are those of the last round, by probe.
	Errors map[string]error
}

// DriverFacts are what was read of the driver.
type DriverFacts struct {
	// Session is its number, 0 before the first.
	Session       int
	Version, CUDA string
	// Unknown are GPUs that have not told who they are, by index.
	Unknown map[int]error
	// Err is why the driver has not answered everything in this round.
	Err error

	devices []Device
}

// GPUFacts are what was read of one GPU.
type GPUFacts struct {
	Identity
	// Lost is why the GPU has not answered in this round.
	Lost error

	Place Place
	// Ancestors are the driver's words for the PCIe paths to the GPUs before
	// this one, empty where it said nothing.
	Ancestors []v1alpha1.PCIePath
	Links     []NVLink
	Fabric    FabricState
	MIG       *v1alpha1.MIG
	Wear      Wear
	// Busy and Memory are smoothed, and their steps.
	Busy, Memory gauge
}

// NICFacts are what was read of a network interface.
type NICFacts struct {
	Name  string
	RDMA  bool
	Place Place
}

// errNotAsked is the error of probes that need a driver that does not answer.
var errNotAsked = errors.New("not asked: the driver does not answer")

// eachGPU asks every GPU. One that is lost is remembered as such; an error of
// the whole driver ends the round.
func (f *Facts) eachGPU(ask func(Device, *GPUFacts) error) error {
	if f.Driver.Err != nil {
		return errNotAsked
	}
	var errs []error
	for i, device := range f.Driver.devices {
		gpu := &f.GPUs[i]
		err := ask(device, gpu)
		switch {
		case err == nil:
		case errors.Is(err, ErrLost), errors.Is(err, ErrResetRequired):
			gpu.Lost = err
		case ofDriver(err):
			f.Driver.Err = err
			return err
		default:
			errs = append(errs, fmt.Errorf("GPU %d: %w", gpu.Index, err))
		}
	}
	return errors.Join(errs...)
}

// ofDriver says whether an error is one of the whole driver.
func ofDriver(err error) bool {
	for _, whole := range []error{ErrNoLibrary, ErrNoDriver, ErrReloaded, ErrMismatch, ErrHung} {
		if errors.Is(err, whole) {
			return true
		}
	}
	return false
}

// failed returns the names of essential probes that failed, sorted.
func (f *Facts) failed(probes []Probe) []string {
	var names []string
	for _, p := range probes {
		if p.Essential && f.Errors[p.Name] != nil {
			names = append(names, p.Name)
		}
	}
	slices.Sort(names)
	return names
}

// sortedKeys lists a map's keys in order.
func sortedKeys[K ~int | ~string | ~uint64, V any](m map[K]V) []K {
	return slices.Sorted(maps.Keys(m))
}
