// Command usher reviews manifests and tests policies without a cluster.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"usher.dev/usher/cmd/usher/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := cli.Execute(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
