//go:build linux

package node

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// hierarchyVariable names the cgroup of a node to the processes inside.
const hierarchyVariable = "USHER_NODE_CGROUP"

// hierarchyPrefix begins the names of nodes' cgroups; a process ID follows.
const hierarchyPrefix = "usher-node-"

// hierarchy is the name of the cgroup, below the root of each cgroup mount, that
// holds everything of one node. Namespaces do not take cgroups down.
type hierarchy string

// newHierarchy makes the cgroups, and removes those whose node was killed.
func newHierarchy() (hierarchy, error) {
	mounts, err := cgroupMounts()
	if err != nil {
		return "", err
	}
	h := hierarchy(hierarchyPrefix + strconv.Itoa(os.Getpid()))
	for _, mount := range mounts {
		if err := removeAbandoned(mount); err != nil {
			return "", err
		}
		if err := os.Mkdir(filepath.Join(mount, string(h)), 0o755); err != nil {
			return "", fmt.Errorf("make a cgroup: %w", err)
		}
	}
	return h, nil
}

// remove removes the cgroups once the kernel has ended what ran in them.
func (h hierarchy) remove() error {
	mounts, err := cgroupMounts()
	for _, mount := range mounts {
		err = errors.Join(err, removeCgroup(filepath.Join(mount, string(h))))
	}
	return err
}

func removeAbandoned(mount string) error {
	folders, err := filepath.Glob(filepath.Join(mount, hierarchyPrefix+"*"))
	if err != nil {
		return err
	}
	for _, folder := range folders {
		pid, err := strconv.Atoi(strings.TrimPrefix(filepath.Base(folder), hierarchyPrefix))
		if err != nil || syscall.Kill(pid, 0) == nil {
			continue
		}
		if err := removeCgroup(folder); err != nil {
			return err
		}
	}
	return nil
}

// removeCgroup removes a cgroup and all below it, the deepest first.
func removeCgroup(root string) error {
	var folders []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			folders = append(folders, path)
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	slices.Reverse(folders)
	for _, folder := range folders {
		if err := removeWhenEmpty(folder); err != nil {
			return fmt.Errorf("remove a cgroup: %w", err)
		}
	}
	return nil
}

// removeWhenEmpty waits for the last processes to be gone.
func removeWhenEmpty(folder string) error {
	const (
		patience = 20 * time.Second
		pause    = 20 * time.Millisecond
	)
	deadline := time.Now().Add(patience)
	for {
		err := syscall.Rmdir(folder)
		if !errors.Is(err, syscall.EBUSY) || time.Now().After(deadline) {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			return err
		}
		time.Sleep(pause)
	}
}

// cgroupMounts are where the machine's cgroups are mounted: one folder in
// version 2, one for each controller in version 1.
func cgroupMounts() ([]string, error) {
	file, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	var mounts []string
	for lines := bufio.NewScanner(file); lines.Scan(); {
		// proc(5): six fields and more, "-", then the type. The fifth is the place.
		before, after, _ := strings.Cut(lines.Text(), " - ")
		if fields := strings.Fields(before); len(fields) > 4 && strings.HasPrefix(after, "cgroup") {
			mounts = append(mounts, fields[4])
		}
	}
	return mounts, nil
}
