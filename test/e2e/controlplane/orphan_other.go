//go:build !linux

package controlplane

import "syscall"

// withoutOrphans can do nothing on systems other than Linux: a test that is
// killed there leaves its servers behind.
func withoutOrphans() *syscall.SysProcAttr { return nil }
