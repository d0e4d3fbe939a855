package main

import (
	"fmt"
	"strconv"
	"time"
)

func (m memory) String() string {
	return fmt.Sprintf("%s, at most %s", mebibytes(m.now), mebibytes(m.peak))
}

func mebibytes(bytes int64) string { return fmt.Sprintf("%d MiB", (bytes+1<<19)>>20) }

// per is a number of bytes for each of many.
func per(bytes int64, count int) string {
	return fmt.Sprintf("%.1f KiB", float64(bytes)/1024/float64(count))
}

func microseconds(d time.Duration) string { return fmt.Sprintf("%d µs", d.Microseconds()) }

func milliseconds(d time.Duration) string {
	return strconv.FormatFloat(float64(d.Microseconds())/1000, 'f', 1, 64) + " ms"
}

func thousands(n int) string {
	if n < 1000 {
		return strconv.Itoa(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}

func replicasOf(a amounts) string {
	if a.replicas == 0 {
		return "each node"
	}
	return strconv.Itoa(a.replicas)
}

func millicores(n int) string {
	switch {
	case n == 0:
		return "—"
	case n%1000 == 0:
		return strconv.Itoa(n / 1000)
	}
	return strconv.Itoa(n) + "m"
}

func softText(of part, a amounts) string {
	if of == theAgent {
		return "—"
	}
	return fmt.Sprintf("%d MiB", softLimit(a.memoryLimit))
}
