// Command sizing measures what usher's processes take of memory and CPU in clusters
// of 100, 1,000 and 10,000 nodes, and how one to four replicas of the webhook
// compare, and writes what it measured, and what follows from it, as a page of the
// documentation.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"usher.dev/usher/test/e2e/podload"
)

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	out := flag.String("o", "", "file to write the page to; empty for standard output")
	quick := flag.Bool("quick", false, "measure little: shows that everything works, not how large it gets")
	flag.Parse()
	err := sizing(ctx, *out, *quick)
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, "sizing:", err)
		os.Exit(1)
	}
}

func sizing(ctx context.Context, out string, quick bool) (err error) {
	folder, err := os.MkdirTemp("", "usher-sizing-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	p := &page{machine: podload.Machine(), schedule: scheduleOf(quick)}
	if p.live, err = measureLive(ctx, folder, p.schedule); err != nil {
		return err
	}
	for _, size := range p.schedule.sizes {
		fed, err := measureFed(ctx, folder, size, p.schedule)
		if err != nil {
			return fmt.Errorf("%d nodes: %w", size.nodes, err)
		}
		p.fed = append(p.fed, fed)
	}
	if !quick {
		if err := p.suffices(); err != nil {
			fmt.Fprintln(os.Stderr, p)
			return err
		}
	}
	if out == "" {
		_, err := fmt.Print(p)
		return err
	}
	return os.WriteFile(out, []byte(p.String()), 0o644) //nolint:gosec // documentation
}
