package repository

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// ErrNoHistory says that a commit is neither in this clone nor where it came from.
var ErrNoHistory = errors.New("the commit is not in this clone's history, and cannot be fetched")

// fetchTimeout bounds an attempt to fetch one commit.
const fetchTimeout = time.Minute

// Previous is the commit of the version before this one: what is installed where
// this version arrives. See docs/upgrades.md.
func Previous() (commit string, err error) {
	content, err := os.ReadFile(Working().Path("testdata/compat/previous"))
	return strings.TrimSpace(string(content)), err
}

// Checkout puts a commit's files into a folder, which it makes. The working tree
// and its index stay as they are.
func Checkout(ctx context.Context, commit, folder string) (Tree, error) {
	working := Working()
	if _, err := working.Run(ctx, "git", "cat-file", "-e", commit+"^{commit}"); err != nil {
		// A clone may be shallow.
		fetching, cancel := context.WithTimeout(ctx, fetchTimeout)
		defer cancel()
		if _, err := working.Run(fetching, "git", "fetch", "--quiet", "--no-tags", "--depth=1", "origin", commit); err != nil {
			return "", fmt.Errorf("check out %s: %w: %w", commit, ErrNoHistory, err)
		}
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", err
	}
	archive := filepath.Join(folder, ".archive.tar")
	if _, err := working.Run(ctx, "git", "archive", "--output="+archive, commit); err != nil {
		return "", err
	}
	tree := Tree(folder)
	if _, err := tree.Run(ctx, "tar", "-xf", archive); err != nil {
		return "", err
	}
	return tree, os.Remove(archive)
}
