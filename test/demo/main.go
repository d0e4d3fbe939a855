// Command demo shows usher at work without a cluster: it starts the standalone
// webhook, sends it the requests of a folder over TLS as an API server would,
// explains each answer, and fails when one is not what its file says.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

type options struct {
	webhook  string
	objects  string
	requests string
	listen   string
	probes   string
	once     bool

	log, authority string
}

func main() {
	var o options
	flag.StringVar(&o.webhook, "webhook", "bin/usher-webhook", "the webhook's binary")
	flag.StringVar(&o.objects, "objects", "testdata/demo/cluster", "folder of the Namespaces and Tenants that stand in for a cluster")
	flag.StringVar(&o.requests, "requests", "testdata/demo/requests", "folder of the objects to ask about")
	flag.StringVar(&o.listen, "listen", "127.0.0.1:9443", "address of the webhook; port 0 takes a free one")
	flag.StringVar(&o.probes, "probes", "127.0.0.1:8081", "address of its probes and metrics; empty for none")
	flag.StringVar(&o.log, "log", "bin/demo.log", "file for the webhook's log")
	flag.StringVar(&o.authority, "authority", "bin/demo-ca.crt", "file for the certificate that vouches for the webhook")
	flag.BoolVar(&o.once, "once", false, "end after the requests instead of serving on")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, o, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options, out io.Writer) (err error) {
	samples, err := readSamples(o.requests)
	if err != nil {
		return err
	}
	server, err := start(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.stop()) }()

	fmt.Fprintf(out, "The webhook serves %s for the tenants in %s; its log is %s.\n", server.url, o.objects, o.log)
	surprises := 0
	for _, s := range samples {
		a, err := server.ask(ctx, s)
		if err != nil {
			return fmt.Errorf("%s: %w", s.file, err)
		}
		show(out, s, a)
		if got := a.verdict(); got != s.wanted {
			surprises++
			fmt.Fprintf(out, "    UNEXPECTED %s; the file wants: %s\n", got, s.wanted)
		}
	}
	if surprises > 0 {
		return fmt.Errorf("%d of %d answers are not what their files want", surprises, len(samples))
	}
	fmt.Fprintf(out, "\n%d requests, every answer as wanted.\n", len(samples))
	if o.once {
		return nil
	}
	fmt.Fprintf(out, "Serving until Ctrl-C. Ask it yourself in another terminal:\n\n"+
		"    bin/usher review --server %s --server-ca %s -f FILE\n\n", server.url, o.authority)
	if o.probes != "" {
		fmt.Fprintf(out, "What it measures of itself is at http://%s/metrics.\n", o.probes)
	}
	return server.wait(ctx)
}
