// Command demo shows usher at work without a cluster: it starts the standalone
// webhook, sends it the requests of a folder over TLS as an API server would,
// explains each answer, and fails when one is not what its file says. Then it
// starts the standalone extender and shows how it ranks nodes for a pod.
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
	webhook, extender, usher string // binaries

	objects, requests   string
	listen, probes      string
	log, authority      string
	nodes, rankPod      string
	rankListen, rankLog string
	once                bool
}

func main() {
	var o options
	flag.StringVar(&o.webhook, "webhook", "bin/usher-webhook", "the webhook's binary")
	flag.StringVar(&o.extender, "extender", "bin/usher-extender", "the extender's binary")
	flag.StringVar(&o.usher, "usher", "bin/usher", "the command line's binary")
	flag.StringVar(&o.objects, "objects", "testdata/demo/cluster", "folder of the Namespaces and Tenants that stand in for a cluster")
	flag.StringVar(&o.requests, "requests", "testdata/demo/requests", "folder of the objects to ask about")
	flag.StringVar(&o.listen, "listen", "127.0.0.1:9443", "address of the webhook; port 0 takes a free one")
	flag.StringVar(&o.probes, "probes", "127.0.0.1:8081", "address of its probes and metrics; empty for none")
	flag.StringVar(&o.log, "log", "bin/demo.log", "file for the webhook's log")
	flag.StringVar(&o.authority, "authority", "bin/demo-ca.crt", "file for the certificate that vouches for the webhook")
	flag.StringVar(&o.nodes, "nodes", "testdata/gpunodes", "folder of the GPUNodes to rank")
	flag.StringVar(&o.rankPod, "rank-pod", "testdata/seed/distributed-training.yaml", "the pod to rank them for")
	flag.StringVar(&o.rankListen, "rank-listen", "127.0.0.1:9444", "address of the extender; port 0 takes a free one")
	flag.StringVar(&o.rankLog, "rank-log", "bin/demo-extender.log", "file for the extender's log")
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
	server, err := startWebhook(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.stop()) }()
	if err := askAll(ctx, o, server, samples, out); err != nil {
		return err
	}
	nodes, err := startExtender(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, nodes.stop()) }()
	if err := nodes.show(ctx, o, out); err != nil {
		return err
	}
	if o.once {
		return nil
	}
	fmt.Fprintf(out, "\nServing until Ctrl-C. Ask yourself in another terminal:\n\n"+
		"    bin/usher review --server %s --server-ca %s -f FILE\n"+
		"    bin/usher topo -f %s/dgx-h100.yaml\n"+
		"    bin/usher explain %s --server %s\n\n", server.url, o.authority, o.nodes, nodes.asked, nodes.url)
	if o.probes != "" {
		fmt.Fprintf(out, "What the webhook measures of itself is at http://%s/metrics.\n", o.probes)
	}
	select {
	case <-server.exited:
		return errors.New("the webhook ended by itself")
	case <-nodes.exited:
		return errors.New("the extender ended by itself")
	case <-ctx.Done():
		return nil
	}
}

// askAll sends the samples to the webhook and explains its answers.
func askAll(ctx context.Context, o options, server *server, samples []sample, out io.Writer) error {
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
	return nil
}
