//go:build linux

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"usher.dev/usher/test/e2e/repository"
)

// What the command says to type is what docs/install.md says.
func TestTheGuideIsThatOfTheDocumentation(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(repository.Root(), "docs", "install.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, block, _ := strings.Cut(string(page), "```sh\n")
	block, _, found := strings.Cut(block, "```\n")
	if !found {
		t.Fatal("docs/install.md has no commands")
	}
	if want := strings.Join(commands, "\n") + "\n"; block != want {
		t.Errorf("docs/install.md says\n%s\nthe command says\n%s", block, want)
	}
}

// The files that the commands name are there.
func TestTheGuidesFilesAreThere(t *testing.T) {
	for _, command := range commands {
		for _, word := range strings.Fields(command) {
			if strings.Contains(word, "/") && !strings.ContainsAny(word, "=$") && !strings.HasPrefix(word, "tenant/") {
				if _, err := os.Stat(filepath.Join(repository.Root(), word)); err != nil {
					t.Errorf("%s: %v", command, err)
				}
			}
		}
	}
}
