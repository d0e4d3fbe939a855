package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

// thisMachine says where and when was measured, and how busy it was before.
func thisMachine() string {
	return fmt.Sprintf("%d cores of %s, %s/%s, %s, %s. Load average before the run: %s.",
		runtime.NumCPU(), cpuModel(), runtime.GOOS, runtime.GOARCH, runtime.Version(), time.Now().UTC().Format(time.DateOnly), loadAverage())
}

func cpuModel() string {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown make"
	}
	lines := bufio.NewScanner(bytes.NewReader(info))
	for lines.Scan() {
		if key, value, _ := strings.Cut(lines.Text(), ":"); strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown make"
}

func loadAverage() string {
	content, err := os.ReadFile("/proc/loadavg")
	if fields := strings.Fields(string(content)); err == nil && len(fields) > 0 {
		return fields[0]
	}
	return "unknown"
}
