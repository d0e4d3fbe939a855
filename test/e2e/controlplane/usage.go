package controlplane

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// tick is in which Linux counts CPU time for its users (USER_HZ).
const tick = 10 * time.Millisecond

// CPU returns how much CPU time the process has used so far.
func (p *Process) CPU() (time.Duration, error) {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.command.Process.Pid))
	if err != nil {
		return 0, err
	}
	// The second field is a name in brackets, which may hold anything; utime and
	// stime are the 14th and 15th (proc_pid_stat(5)).
	fields := strings.Fields(string(content[strings.LastIndexByte(string(content), ')')+1:]))
	var sum time.Duration
	for _, field := range fields[11:13] {
		ticks, err := strconv.Atoi(field)
		if err != nil {
			return 0, fmt.Errorf("read the CPU time of %s: %w", p.name, err)
		}
		sum += time.Duration(ticks) * tick
	}
	return sum, nil
}

// Memory returns how many bytes of memory the process has now, and had at most
// (VmRSS and VmHWM of proc_pid_status(5)).
func (p *Process) Memory() (now, peak int64, err error) {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.command.Process.Pid))
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(content)) {
		key, value, _ := strings.Cut(line, ":")
		var into *int64
		switch key {
		case "VmRSS":
			into = &now
		case "VmHWM":
			into = &peak
		default:
			continue
		}
		kilobytes, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		if err != nil {
			return 0, 0, fmt.Errorf("read the memory of %s: %w", p.name, err)
		}
		*into = kilobytes << 10
	}
	return now, peak, nil
}

// CPU returns how much CPU time etcd and kube-apiserver have used.
func (c *ControlPlane) CPU() (etcd, apiserver time.Duration, err error) {
	if etcd, err = c.etcd.CPU(); err != nil {
		return 0, 0, err
	}
	apiserver, err = c.apiserver.CPU()
	return etcd, apiserver, err
}
