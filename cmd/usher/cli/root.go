// Package cli is the command line of usher: commands, flags and exit codes.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

// Exit codes of every command.
const (
	exitOK = iota
	// exitFound: a violation, a failed test.
	exitFound
	// exitFailed: the command could not do its work.
	exitFailed
)

// errFound ends a command that did its work and found something. What it found
// is printed already.
var errFound = errors.New("found something")

// errPrinted ends a command that failed and has said so.
var errPrinted = errors.New("failed")

// streams are what a command reads and writes.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// Execute runs a command line and returns its exit code.
func Execute(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	s := streams{in, out, errOut}
	// What a client library has to say, its errors say too.
	log.SetLogger(logr.Discard())
	root := newRoot(s)
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errOut)
	command, err := root.ExecuteContextC(ctx)
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errFound):
		return exitFound
	case errors.Is(err, errPrinted):
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(errOut, "usher: interrupted")
	default:
		fmt.Fprintf(errOut, "usher: %v\n", err)
		if _, ok := errors.AsType[usageError](err); ok {
			fmt.Fprintf(errOut, "`%s --help` shows how it is used.\n", command.CommandPath())
		}
	}
	return exitFailed
}

// usageError is a command line that says nothing that can be done.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

func newRoot(s streams) *cobra.Command {
	root := &cobra.Command{
		Use:   "usher",
		Short: "Review manifests, test policies and look at GPUs and tenants",
		Long: `usher says what a cluster that runs usher would say of your manifests, before
you apply them, and tests the policies that it says it by. It shows how the GPUs
of nodes are linked, who holds them and whether they are well, and what tenants
hold of what they may.`,
		Example: `  # What would the cluster say of these manifests?
  usher review -f deploy/

  # Which policies are there, and what do they check?
  usher policy list
  usher policy docs

  # Write a policy of your own, test it, and review by it.
  usher policy new no_latest_tag
  usher test policies
  usher review --policy-dir policies -f deploy/

  # How are the GPUs of a node linked, and who holds them?
  usher topo gpu-node-3

  # What does a tenant hold, and who in it?
  usher tenants team-a

  # Would usher run in this cluster?
  usher preflight

  # What will hurt this cluster?
  usher doctor`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          knownCommand,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(newReview(s), newTest(s), newPolicy(s), newTopo(s), newTenants(s), newExplain(s), newDoctor(s), newPreflight(s), newUnregister(s), newVersion(s))
	return root
}

// knownCommand refuses what is no subcommand, with those that are like it.
func knownCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	c.SuggestionsMinimumDistance = 2
	advice := ""
	if like := c.SuggestionsFor(args[0]); len(like) > 0 {
		advice = "; did you mean " + strings.Join(like, " or ") + "?"
	}
	return usagef("there is no command %q%s", args[0], advice)
}

// noArgs is cobra.NoArgs with a word on what to do with what is too much.
func noArgs(advice string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		return usagef("unexpected %q; %s", args[0], advice)
	}
}
