//go:build linux

package install_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// process is one that runs inside the node's namespaces.
type process struct {
	pid string
	// program is its own path, in the container that it runs in.
	program string
	// container says that it has a root of its own.
	container bool
	confinement
}

// confinement is what the kernel holds a process to.
type confinement struct {
	UID, GID        string
	NoNewPrivileges bool
	Seccomp         bool
	ReadOnlyRoot    bool
	// Capabilities are those that it has or may get; empty: none.
	Capabilities string
}

// processes are all of them, as /proc tells: proc_pid_status(5) and
// proc_pid_mountinfo(5).
func processes(t *testing.T) []process {
	t.Helper()
	folders, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	own, err := os.Readlink("/proc/self/ns/mnt")
	if err != nil {
		t.Fatal(err)
	}
	var all []process
	for _, folder := range folders {
		program, err := os.Readlink(filepath.Join(folder, "exe"))
		if err != nil {
			continue // It is the kernel's, or has ended.
		}
		namespace, _ := os.Readlink(filepath.Join(folder, "ns", "mnt"))
		status, _ := os.ReadFile(filepath.Join(folder, "status"))
		mounts, _ := os.ReadFile(filepath.Join(folder, "mountinfo"))
		all = append(all, process{
			pid: filepath.Base(folder), program: program, container: namespace != own, confinement: readConfinement(status, mounts),
		})
	}
	return all
}

func readConfinement(status, mounts []byte) confinement {
	var c confinement
	for line := range strings.Lines(string(status)) {
		key, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		effective, _, _ := strings.Cut(value, "\t")
		switch key {
		case "Uid":
			c.UID = effective
		case "Gid":
			c.GID = effective
		case "NoNewPrivs":
			c.NoNewPrivileges = value == "1"
		case "Seccomp":
			// 2 is a filter.
			c.Seccomp = value == "2"
		case "CapPrm", "CapBnd":
			if strings.Trim(value, "0") != "" {
				c.Capabilities += key + "=" + value
			}
		}
	}
	for line := range bytes.Lines(mounts) {
		// The fifth field is where, the sixth how.
		if fields := bytes.Fields(line); len(fields) > 5 && string(fields[4]) == "/" {
			c.ReadOnlyRoot = bytes.HasPrefix(fields[5], []byte("ro"))
		}
	}
	return c
}
