// Command compat records what a version of usher leaves behind and says: objects as
// it stores them, lines of its ledgers, its kinds, its registration, its agents'
// reports, and its answers to reviews. Package usher.dev/usher/test/compat holds
// the present version against that, without the other's sources.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"usher.dev/usher/test/e2e/repository"
)

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	commit := flag.String("commit", "", "commit of the version that is recorded; empty for the one that testdata/compat/previous names")
	flag.Parse()
	err := compat(ctx, *commit)
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, "compat:", err)
		os.Exit(1)
	}
}

// compat records a version and makes it the previous one.
func compat(ctx context.Context, commit string) (err error) {
	if commit == "" {
		if commit, err = repository.Previous(); err != nil {
			return err
		}
	}
	whole, err := repository.Run(ctx, "git", "rev-parse", "--verify", commit+"^{commit}")
	if err != nil {
		return err
	}
	commit = strings.TrimSpace(string(whole))
	scratch, err := os.MkdirTemp("", "usher-compat-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	tree, err := repository.Checkout(ctx, commit, filepath.Join(scratch, "tree"))
	if err != nil {
		return err
	}
	corpus := repository.Working().Path("testdata/compat")
	r := &recorder{tree: tree, scratch: scratch, folder: filepath.Join(scratch, "corpus")}
	if err := r.record(ctx); err != nil {
		return fmt.Errorf("record %s: %w", commit, err)
	}
	if err := os.RemoveAll(filepath.Join(corpus, "recorded")); err != nil {
		return err
	}
	if err := os.CopyFS(filepath.Join(corpus, "recorded"), os.DirFS(r.folder)); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(corpus, "previous"), []byte(commit+"\n"), 0o600)
}
