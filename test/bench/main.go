// Command bench compares usher with a webhook that allows everything and with
// Kubernetes' own Pod Security evaluator, and its extender with one that does not
// think, in one run on one machine, and writes what it measured as a page of the
// documentation.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

type options struct {
	out     string
	quick   bool
	only    string
	profile string
}

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	var err error
	if len(os.Args) > 1 && os.Args[1] == "serve" {
		err = serve(ctx, os.Args[2:], os.Stderr)
	} else {
		var o options
		flag.StringVar(&o.out, "o", "", "file to write the page to; empty for standard output")
		flag.BoolVar(&o.quick, "quick", false, "measure for seconds instead of minutes: shows that everything works, not how fast")
		flag.StringVar(&o.only, "only", "", "measure one workload, or \"extender\"")
		flag.StringVar(&o.profile, "profile", "", "folder to keep the CPU profiles of usher in")
		flag.Parse()
		err = compare(ctx, o, os.Stderr)
	}
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}
