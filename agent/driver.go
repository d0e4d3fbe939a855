package agent

import (
	"errors"

	"usher.dev/usher/api/v1alpha1"
)

// Driver is the NVIDIA driver of the machine. Every method returns within a
// bounded time, whatever the driver does.
type Driver interface {
	// Open returns the session with the driver, and begins one where there is
	// none. Its errors, and those of devices, wrap the errors below.
	Open() (*Session, error)

	// Events returns what the driver told of its own accord since the last call,
	// oldest first.
	Events() []Event

	// Changed has a value when it is worth looking before the next round is due.
	Changed() <-chan struct{}

	// Close ends the session.
	Close()
}

// What can be wrong with the driver as a whole. A session does not outlive any
// of them but ErrHung.
var (
	// ErrNoLibrary: the machine has no NVML library.
	ErrNoLibrary = errors.New("the NVML library is not there")
	// ErrNoDriver: the kernel module is not loaded.
	ErrNoDriver = errors.New("the NVIDIA driver is not loaded")
	// ErrReloaded: the driver went away under the session.
	ErrReloaded = errors.New("the NVIDIA driver was reloaded")
	// ErrMismatch: the library in memory is of another release than the driver.
	// A library that was once used is never unloaded, so that only a new process
	// can load its successor.
	ErrMismatch = errors.New("the NVML library and the NVIDIA driver are of different releases")
	// ErrHung: a call has not returned in time.
	ErrHung = errors.New("the NVIDIA driver does not answer")
)

// What can be wrong with one GPU.
var (
	// ErrLost: the GPU has fallen off the bus, or is otherwise out of reach.
	ErrLost = errors.New("the GPU is lost")
	// ErrResetRequired: the GPU answers nothing until it is reset.
	ErrResetRequired = errors.New("the GPU must be reset")
)

// Session is the time between two loads of the driver.
type Session struct {
	// Number grows with each session since the agent started.
	Number int
	// Version is the driver's, CUDA the newest that it serves, such as 12.8.
	Version, CUDA string
	// Devices are the GPUs that have told who they are, by index.
	Devices []Device
	// Unknown are those that have not, by index.
	Unknown map[int]error
}

// Device is one physical GPU.
type Device interface {
	Identity() Identity

	// CommonAncestor returns the closest PCIe ancestor with another GPU of the
	// session, empty where the driver does not say.
	CommonAncestor(other Device) (v1alpha1.PCIePath, error)

	// NVLinks returns the GPU's links by number; none on boards without.
	NVLinks() ([]NVLink, error)

	Fabric() (FabricState, error)

	// MIG returns nil for a GPU that cannot be partitioned.
	MIG() (*v1alpha1.MIG, error)

	Wear() (Wear, error)

	Load() (Load, error)
}

// Identity is what never changes of a GPU.
type Identity struct {
	Index, Minor              int
	UUID, Model, Architecture string
	MemoryMiB                 int64
	// PCIBusID as sysfs names it, such as 0000:07:00.0.
	PCIBusID string
}

// NVLink is one link of a GPU.
type NVLink struct {
	Active bool
	// Switch says that an NVSwitch is at the other end.
	Switch bool
	// Peer is the PCI bus ID at the other end, if the link is active.
	Peer string
	// Errors counts replays and recoveries since the driver was loaded.
	Errors uint64
}

// FabricState is how far a GPU is with joining its NVLink fabric.
type FabricState struct {
	// Supported is false on boards without a fabric that is registered with.
	Supported bool
	// Completed says that the GPU has registered; Failure then says why it could
	// not join, if it could not.
	Completed bool
	Failure   string
	// Unhealthy and Degraded are the fabric's own verdict on the GPU's part.
	Unhealthy, Degraded bool
	// ClusterUUID is empty where the fabric does not leave the node: every HGX
	// board names the same cluster then, of zeros.
	ClusterUUID string
	Clique      int64
}

// Wear is what the GPU counts against itself.
type Wear struct {
	// Uncorrected counts memory errors since the GPU was last reset.
	Uncorrected uint64
	// RowsPending: rows are remapped at the next reset; RowsFailed: no spare
	// rows were left.
	RowsPending, RowsFailed bool
	// PagesPending: pages are retired at the next reset (before Ampere).
	PagesPending bool
	// RecoveryKnown says that the driver tells which recovery it needs
	// (NVML_FI_DEV_GET_GPU_RECOVERY_ACTION, field 230).
	RecoveryKnown bool
	Recovery      Recovery
}

// Recovery is nvmlDeviceGpuRecoveryAction_t.
type Recovery uint32

// RecoveryNone says that the driver asks for nothing.
const RecoveryNone Recovery = 0

// Load is how busy a GPU is.
type Load struct {
	// Percent of the last sample period in which a kernel ran.
	Percent int
	// MemoryUsedPercent is the share of memory in use.
	MemoryUsedPercent int
}

// Event is an XID error.
type Event struct {
	UUID string
	XID  uint64
}
