package cli

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"usher.dev/usher/cmd/usher/catalog"
	"usher.dev/usher/cmd/usher/scaffold"
	"usher.dev/usher/internal/config"
	"usher.dev/usher/internal/engine"
	"usher.dev/usher/policies"
)

func newPolicy(s streams) *cobra.Command {
	c := &cobra.Command{
		Use:   "policy",
		Short: "List, document and make policies",
		Long:  "List the policies, print what they check as Markdown, or make a new one.",
		Args:  knownCommand,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newPolicyList(s), newPolicyDocs(s), newPolicyNew(s))
	return c
}

// policySources are where policies come from, as flags.
type policySources struct {
	config    string
	policyDir string
}

func (p *policySources) addFlags(c *cobra.Command) {
	c.Flags().StringVar(&p.policyDir, "policy-dir", "", "`DIR` of Rego policies over the embedded ones")
}

func (p *policySources) load() (*engine.Set, []fs.FS, error) {
	cfg, err := config.Load(p.config)
	if err != nil {
		return nil, nil, err
	}
	sources := []fs.FS{policies.FS}
	if p.policyDir != "" {
		if _, err := os.Stat(p.policyDir); err != nil {
			return nil, nil, fmt.Errorf("read policies: %w", err)
		}
		sources = append(sources, os.DirFS(p.policyDir))
	}
	set, err := engine.Compile(cfg, sources...)
	return set, sources, err
}

func newPolicyDocs(s streams) *cobra.Command {
	var from policySources
	var output string
	c := &cobra.Command{
		Use:   "docs",
		Short: "Print what the policies check, as Markdown",
		Long:  "Print a catalogue of the policies in Markdown: their checks, their parameters with\ndefaults, and their fixtures as examples.",
		Example: `  usher policy docs -o docs/policies.md
  usher policy docs --policy-dir policies | less`,
		Args: noArgs("name the file to write by -o FILE"),
		RunE: func(*cobra.Command, []string) error {
			set, sources, err := from.load()
			if err != nil {
				return err
			}
			loaded, err := catalog.Load(set.Policies(), sources...)
			if err != nil {
				return err
			}
			text := catalog.Markdown(loaded)
			if output == "" {
				_, err = fmt.Fprint(s.out, text)
				return err
			}
			if err := os.WriteFile(output, []byte(text), 0o644); err != nil {
				return fmt.Errorf("write the catalogue: %w", err)
			}
			return nil
		},
	}
	c.Flags().StringVarP(&output, "output", "o", "", "`FILE` to write instead of printing")
	from.addFlags(c)
	return c
}

func newPolicyNew(s streams) *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:   "new NAME",
		Short: "Make the folder of a new policy, with tests that pass",
		Long: `Make a folder with a small policy that works, its unit tests and two fixtures, to be
changed into the policy that you want. Nothing that is there is overwritten.`,
		Example: "  usher policy new no_latest_tag\n  usher policy new no_latest_tag --dir platform/policies",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("name one policy, such as no_latest_tag")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			written, err := scaffold.New(dir, args[0])
			if err != nil {
				return err
			}
			for _, file := range written {
				fmt.Fprintln(s.out, file)
			}
			folder := filepath.Join(dir, args[0])
			fmt.Fprintf(s.out, "\nTest it with `usher test %s`, and review by it with `usher review --policy-dir %s -f FILE`.\n", folder, dir)
			return nil
		},
	}
	c.Flags().StringVar(&dir, "dir", "policies", "`DIR` to make it in")
	return c
}
