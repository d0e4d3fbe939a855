package controlplane

import "syscall"

// withoutOrphans has the kernel kill a process when the thread that started it
// ends, however that comes about.
func withoutOrphans() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
