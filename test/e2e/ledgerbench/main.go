// Command ledgerbench measures how fast pods with GPUs are admitted on one
// tenant's ledger by three webhooks, against pods that need no ledger and against
// no usher at all, in one run on one machine, and writes what it measured as a page
// of the documentation.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	out := flag.String("o", "", "file to write the page to; empty for standard output")
	quick := flag.Bool("quick", false, "measure a few pods: shows that everything works, not how fast")
	flag.Parse()
	err := bench(ctx, *out, *quick)
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, "ledgerbench:", err)
		os.Exit(1)
	}
}

func bench(ctx context.Context, out string, quick bool) error {
	p, err := measure(ctx, scheduleOf(quick))
	if err != nil {
		return err
	}
	if out == "" {
		_, err := fmt.Print(p)
		return err
	}
	return os.WriteFile(out, []byte(p.String()), 0o600)
}
