package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	extender "usher.dev/usher/scheduler-extender"
)

func writeExplanation(w io.Writer, e *extender.Explanation, format string) error {
	filtered := slices.IndexFunc(e.Nodes, func(n extender.ExplainedNode) bool { return n.Cause != "" })
	if filtered < 0 {
		filtered = len(e.Nodes)
	}
	if format == "json" {
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(e); err != nil {
			return err
		}
	} else if err := writeRanking(w, e, e.Nodes[:filtered], e.Nodes[filtered:]); err != nil {
		return err
	}
	if filtered == 0 {
		return errFound
	}
	return nil
}

func writeRanking(w io.Writer, e *extender.Explanation, ranked, filtered []extender.ExplainedNode) error {
	fmt.Fprintf(w, "Pod %s/%s asks for %s.\n", e.Namespace, e.Pod, e.Demand)
	where := "It is not bound."
	if e.Node != "" {
		where = "It is bound to " + e.Node + "."
	}
	fmt.Fprintf(w, "%s: %d of %d nodes will do. %s\n", e.Time.UTC().Format(time.DateTime), len(ranked), len(e.Nodes), where)
	if len(ranked) > 0 {
		fmt.Fprintln(w)
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprint(t, "  NODE\tGPUS\tSCORE\tTOTAL\tFRESH")
		for _, term := range e.Terms {
			fmt.Fprintf(t, "\t%s", strings.ToUpper(term.Name))
		}
		fmt.Fprint(t, "\n  \t\t\t\tweight")
		for _, term := range e.Terms {
			fmt.Fprintf(t, "\t%.2f", term.Weight)
		}
		fmt.Fprintln(t)
		for _, n := range ranked {
			mark := " "
			if n.Name == e.Node {
				mark = "*"
			}
			fmt.Fprintf(t, "%s %s\t%s\t%d\t%.3f\t%.2f", mark, n.Name, n.GPUs, n.Score, n.Total, n.Freshness)
			for _, score := range n.Scores {
				if score == nil {
					fmt.Fprint(t, "\t-")
				} else {
					fmt.Fprintf(t, "\t%.2f", *score)
				}
			}
			fmt.Fprintln(t)
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	return writeFiltered(w, filtered)
}

// maxNamed bounds the nodes that are named for one reason.
const maxNamed = 8

// writeFiltered tells why nodes were filtered: those with one reason together, in
// the order of their first names.
func writeFiltered(w io.Writer, filtered []extender.ExplainedNode) error {
	var reasons []string
	nodes := map[string][]string{}
	for _, n := range filtered {
		if nodes[n.Filtered] == nil {
			reasons = append(reasons, n.Filtered)
		}
		nodes[n.Filtered] = append(nodes[n.Filtered], n.Name)
	}
	for _, reason := range reasons {
		names := nodes[reason]
		rest := ""
		if len(names) > maxNamed {
			rest = fmt.Sprintf(" and %d more", len(names)-maxNamed)
			names = names[:maxNamed]
		}
		if _, err := fmt.Fprintf(w, "\nFiltered: %s\n  %s%s\n", reason, strings.Join(names, ", "), rest); err != nil {
			return err
		}
	}
	return nil
}
