package agent

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"usher.dev/usher/api/v1alpha1"
)

// XIDs that say nothing about the GPU. NVIDIA's list of them is at
// https://docs.nvidia.com/deploy/xid-errors/.
var harmlessXIDs = map[uint64]string{
	// The application's own fault, as NVIDIA's device plugin has it too.
	13:  "graphics engine exception: the application",
	31:  "memory page fault: the application",
	43:  "reset channel: the application",
	45:  "preemptive cleanup: an application was stopped",
	68:  "video processor exception: the application",
	109: "context switch time-out: the application",
	// What other rules judge, and clear, better.
	63:  "rows will be remapped: RowRemapPending",
	94:  "contained memory error, only its application ended: ECCUncorrectable",
	154: "the recovery action changed: Recovery…",
}

const (
	// xidSettled is how long after an XID the driver has said that it needs no
	// recovery, before it is believed. It may say so before it knows better.
	xidSettled = 5 * time.Minute
	// linkErrorsQuiet is how long NVLinks are without a new error before the old
	// ones are forgotten.
	linkErrorsQuiet = 10 * time.Minute
)

// Marks are what is remembered of one GPU from round to round, until a new
// session with the driver.
type Marks struct {
	XIDs map[uint64]XIDMark
	// Lanes is the most NVLinks that were up.
	Lanes int
	// LinkErrors is the last count of NVLink errors, LinkErrorsAt when it grew.
	LinkErrors      uint64
	LinkErrorsKnown bool
	LinkErrorsAt    time.Time
}

// XIDMark is one XID that stands against a GPU.
type XIDMark struct {
	// Last is when it was seen last.
	Last time.Time
	// Asked says that the driver has since asked for a recovery.
	Asked bool
	// Restored says that an agent before this one saw it.
	Restored bool
}

// next returns the marks after a round. It changes none that it was given.
func (m Marks) next(gpu *GPUFacts, events []Event, now time.Time) Marks {
	m.XIDs = maps.Clone(m.XIDs)
	for _, e := range events {
		if _, harmless := harmlessXIDs[e.XID]; harmless || e.UUID != gpu.UUID {
			continue
		}
		m = m.with(e.XID, XIDMark{Last: now})
	}
	if gpu.Lost != nil {
		return m
	}
	for xid, mark := range m.XIDs {
		switch {
		case !gpu.Wear.RecoveryKnown && mark.Restored:
			// The driver cannot tell that the GPU was reset meanwhile; that no
			// agent may be running during a reset makes it likely.
			delete(m.XIDs, xid)
		case !gpu.Wear.RecoveryKnown:
		case gpu.Wear.Recovery != RecoveryNone:
			mark.Asked = true
			m.XIDs[xid] = mark
		case mark.Asked || passed(mark.Last, now, xidSettled):
			delete(m.XIDs, xid)
		}
	}
	m.Lanes = max(m.Lanes, gpu.activeLanes())
	var count uint64
	for _, link := range gpu.Links {
		count += link.Errors
	}
	if m.LinkErrorsKnown && count > m.LinkErrors {
		m.LinkErrorsAt = now
	}
	m.LinkErrors, m.LinkErrorsKnown = count, true
	return m
}

// restoredMarks returns the marks that an earlier agent of the same boot left in
// its report.
func restoredMarks(status *v1alpha1.GPUNodeStatus, now time.Time) map[string]Marks {
	marks := map[string]Marks{}
	for _, gpu := range status.GPUs {
		for _, reason := range gpu.HealthReasons {
			number, isXID := strings.CutPrefix(reason.Code, "XID")
			xid, err := strconv.ParseUint(number, 10, 64)
			if !isXID || err != nil {
				continue
			}
			marks[gpu.UUID] = marks[gpu.UUID].with(xid, XIDMark{Last: now, Restored: true})
		}
	}
	return marks
}

// passed says whether a time has passed. A clock that was set back must not
// keep anything for ever.
func passed(since, now time.Time, d time.Duration) bool {
	elapsed := now.Sub(since)
	return elapsed < 0 || elapsed >= d
}

// finding is one thing that is wrong with a GPU.
type finding struct {
	code    string
	state   v1alpha1.Health
	message string
}

// recoveries are the driver's wishes, and the code of each.
var recoveries = map[Recovery]struct{ code, message string }{
	1: {"RecoveryReset", "the driver asks for a reset of the GPU"},
	2: {"RecoveryReboot", "the driver asks for a reboot of the node"},
	3: {"RecoveryDrainP2P", "the driver asks to stop all peer-to-peer traffic of the GPU"},
	4: {"RecoveryDrainAndReset", "the driver asks to drain the GPU, then to reset it"},
	5: {"RecoveryIMEXDomain", "the driver asks to recover the IMEX domain"},
	6: {"RecoveryBusReset", "the driver asks for a reset of the GPU's PCIe bus"},
	7: {"RecoverySystemReboot", "the driver asks for a reboot of the system"},
}

// judge says what is wrong with a GPU. Messages hold no counts: a report is
// written when it changes.
func judge(gpu *GPUFacts, marks Marks, expectedLanes int, now time.Time) []finding {
	var found []finding
	bad := func(code, message string) {
		found = append(found, finding{code, v1alpha1.Unhealthy, message})
	}
	worn := func(code, message string) {
		found = append(found, finding{code, v1alpha1.Degraded, message})
	}

	for _, xid := range sortedKeys(marks.XIDs) {
		bad(fmt.Sprintf("XID%d", xid), fmt.Sprintf("the driver reported XID %d", xid))
	}
	if gpu.Lost != nil {
		bad("Lost", gpu.Lost.Error())
	}

	wear := gpu.Wear
	asked := wear.RecoveryKnown && wear.Recovery != RecoveryNone
	if asked {
		r, known := recoveries[wear.Recovery]
		if !known {
			r.code, r.message = fmt.Sprintf("Recovery%d", wear.Recovery), fmt.Sprintf("the driver asks for recovery action %d", wear.Recovery)
		}
		bad(r.code, r.message)
	}
	if wear.Uncorrected > 0 {
		message := "uncorrectable memory errors since the GPU was last reset"
		if wear.RecoveryKnown && !asked {
			worn("ECCUncorrectable", message+"; the driver has contained them and asks for no recovery")
		} else {
			bad("ECCUncorrectable", message)
		}
	}
	if wear.RowsFailed {
		bad("RowRemapFailed", "a memory row could not be remapped: the GPU is to be replaced")
	}
	if wear.RowsPending {
		worn("RowRemapPending", "memory rows are remapped at the next reset")
	}
	if wear.PagesPending {
		worn("PageRetirementPending", "memory pages are retired at the next reset")
	}

	if gpu.activeLanes() < expectedLanes {
		worn("NVLinkDown", fmt.Sprintf("%d of %d NVLinks are up", gpu.activeLanes(), expectedLanes))
	}
	if !marks.LinkErrorsAt.IsZero() && !passed(marks.LinkErrorsAt, now, linkErrorsQuiet) {
		worn("NVLinkErrors", "NVLinks replay data or recover")
	}

	switch fabric := gpu.Fabric; {
	case !fabric.Supported:
	case !fabric.Completed:
		bad("FabricNotReady", "the GPU has not registered with the NVLink fabric")
	case fabric.Failure != "":
		bad("FabricFailed", "the GPU could not join the NVLink fabric: "+fabric.Failure)
	case fabric.Unhealthy:
		bad("FabricUnhealthy", "the NVLink fabric calls the GPU unhealthy")
	case fabric.Degraded:
		worn("FabricDegraded", "the NVLink fabric serves the GPU with less than full bandwidth")
	}
	return found
}

// with returns the marks with one more XID.
func (m Marks) with(xid uint64, mark XIDMark) Marks {
	m.XIDs = maps.Clone(m.XIDs)
	if m.XIDs == nil {
		m.XIDs = map[uint64]XIDMark{}
	}
	m.XIDs[xid] = mark
	return m
}

// merged returns newer marks, with the XIDs of older ones that they do not have.
func merged(older, newer map[string]Marks) map[string]Marks {
	all := maps.Clone(older)
	for uuid, marks := range newer {
		for xid, mark := range older[uuid].XIDs {
			if _, known := marks.XIDs[xid]; !known {
				marks = marks.with(xid, mark)
			}
		}
		all[uuid] = marks
	}
	return all
}
