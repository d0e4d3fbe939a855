package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/engine"
)

func newPolicyList(s streams) *cobra.Command {
	var from policySources
	var format string
	c := &cobra.Command{
		Use:   "list",
		Short: "List the policies and their modes",
		Example: `  usher policy list
  usher policy list --config usher.yaml -o json`,
		Args: noArgs("`usher policy list` takes no name; `usher policy docs` tells all of them"),
		RunE: func(*cobra.Command, []string) error {
			set, _, err := from.load()
			if err != nil {
				return err
			}
			switch format {
			case "table":
				return writeTable(s.out, set.Policies())
			case "json":
				return writeList(s.out, set.Policies())
			default:
				return usagef("unknown format %q; -o takes table or json", format)
			}
		},
	}
	c.Flags().StringVarP(&format, "output", "o", "table", "`FORMAT`: table, json")
	c.Flags().StringVar(&from.config, "config", "", "the webhook's configuration `FILE` (kind AdmissionConfiguration)")
	from.addFlags(c)
	return c
}

func writeTable(w io.Writer, policies []engine.Policy) error {
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(t, "NAME\tMODE\tSEVERITY\tMUTATES\tCHECKS\tTITLE")
	for _, p := range policies {
		mutates := "no"
		if p.Mutates {
			mutates = "yes"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%d\t%s\n", p.Name, p.Mode, p.Severity, mutates, len(p.Checks), p.Title)
	}
	return t.Flush()
}

// listed is a policy as JSON.
type listed struct {
	Name        string                      `json:"name"`
	Title       string                      `json:"title"`
	Description string                      `json:"description"`
	Severity    string                      `json:"severity"`
	Mode        v1alpha1.Mode               `json:"mode"`
	Mutates     bool                        `json:"mutates"`
	Checks      map[string]string           `json:"checks"`
	Parameters  map[string]engine.Parameter `json:"parameters"`
}

func writeList(w io.Writer, policies []engine.Policy) error {
	list := make([]listed, len(policies))
	for i, p := range policies {
		list[i] = listed{p.Name, p.Title, p.Description, p.Severity, p.Mode, p.Mutates, p.Checks, p.Parameters}
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(list)
}
