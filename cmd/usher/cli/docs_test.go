package cli

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"usher.dev/usher/internal/golden"
)

// consoleBlock is a command of a page and what it prints.
var consoleBlock = regexp.MustCompile("(?s)```console\n\\$ usher ([^\n]*)\n.*?```\n")

// TestThePagesOfCommandsAreTrue runs what the pages show, in the root of the
// repository.
func TestThePagesOfCommandsAreTrue(t *testing.T) {
	for _, page := range []string{"README.md", "docs/cli.md"} {
		t.Run(page, func(t *testing.T) { checkPage(t, page) })
	}
}

func checkPage(t *testing.T, name string) {
	t.Helper()
	page, err := os.ReadFile("../../../" + name)
	if err != nil {
		t.Fatal(err)
	}
	var rendered string
	t.Run("commands", func(t *testing.T) {
		t.Chdir("../../..")
		rendered = consoleBlock.ReplaceAllStringFunc(string(page), func(block string) string {
			line := consoleBlock.FindStringSubmatch(block)[1]
			_, stdout, stderr := usher(t, "", strings.Fields(line)...)
			return "```console\n$ usher " + line + "\n" + stdout + stderr + "```\n"
		})
	})
	golden.Check(t, "../../../../"+name, rendered)
}
