package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"usher.dev/usher/cmd/usher/policytest"
	"usher.dev/usher/policies"
)

func newTest(s streams) *cobra.Command {
	var names string
	var update, verbose bool
	c := &cobra.Command{
		Use:   "test [DIR]",
		Short: "Test policies: their Rego unit tests and their fixtures",
		Long: `Test the policies in a folder, or one policy if the folder is one; without a
folder, those that usher embeds. For each policy

  - its Rego unit tests run,
  - every fixture (testdata/*.txtar) is reviewed as a cluster would review it, with
    that policy alone and enforced, and has to get the verdict in its verdict.yaml,
  - every check that METADATA declares needs a fixture that violates it, and the
    policy a fixture without a violation, and one with a patch if it has patch rules.

The percentage is how many lines of the policy its tests and fixtures reach.

Exit code 0: everything passed; 1: something failed or is missing; 2: the
policies could not be tested.`,
		Example: `  # The policies that usher embeds, then your own.
  usher test
  usher test policies

  # One policy; one of its fixtures and all unit tests about CPU.
  usher test policies/resource_limits
  usher test policies --run 'resource_limits/(no-limits|test_cpu)'

  # Let fixtures want the verdict that they get. Read what it wrote.
  usher test policies --update && git diff policies`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o, err := testOptions(args, names, update)
			if err != nil {
				return err
			}
			line := newProgress(s.err)
			o.Progress = func(what string) { line.show("testing %s", what) }
			results, err := policytest.Run(c.Context(), o)
			line.done()
			if err != nil {
				return err
			}
			return writeResults(s.out, results, verbose, names)
		},
	}
	f := c.Flags()
	f.SortFlags = false
	f.StringVar(&names, "run", "", "run only the unit tests and fixtures whose `POLICY/NAME` matches this regular expression")
	f.BoolVar(&update, "update", false, "write into each fixture the verdict that it gets")
	f.BoolVarP(&verbose, "verbose", "v", false, "list every test, and the lines that none reaches")
	return c
}

// testOptions finds out what is tested and where it stands.
func testOptions(args []string, names string, update bool) (policytest.Options, error) {
	o := policytest.Options{FS: policies.FS}
	if names != "" {
		pattern, err := regexp.Compile(names)
		if err != nil {
			return o, usagef("--run: %w", err)
		}
		o.Names = pattern
	}
	if len(args) == 0 {
		if update {
			return o, usagef("the embedded policies cannot be written; name their folder, as in `usher test policies --update`")
		}
		return o, nil
	}
	info, err := os.Stat(args[0])
	switch {
	case err != nil:
		return o, fmt.Errorf("read policies: %w", err)
	case !info.IsDir():
		return o, usagef("%s is no folder; name a folder of policies, or one policy's", args[0])
	}
	root, err := filepath.Abs(args[0])
	if err != nil {
		return o, err
	}
	if rego, _ := filepath.Glob(filepath.Join(root, "*.rego")); len(rego) > 0 {
		root, o.Only = filepath.Dir(root), []string{filepath.Base(root)}
	}
	o.FS = os.DirFS(root)
	if update {
		o.Write = func(name string, data []byte) error {
			return os.WriteFile(filepath.Join(root, filepath.FromSlash(name)), data, 0o644)
		}
	}
	return o, nil
}

// indented puts a margin before every line.
func indented(margin, text string) string {
	return margin + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n"+margin) + "\n"
}
