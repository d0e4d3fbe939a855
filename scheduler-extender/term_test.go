package extender

import (
	"fmt"
	"math"
	"os"
	"regexp"
	"strings"
	"testing"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/golden"
)

// at is a placement of units on a board.
func at(b *board, o occupancy, units ...int) *placement {
	return &placement{board: b, occupied: o, pick: &pick{units: units}, gpus: b.gpusOf(units)}
}

// near fails where a score is not the wanted one.
func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 0.0005 {
		t.Errorf("%s: got %.4f, want %.4f", what, got, want)
	}
}

// TestEveryTermHasATestAndStaysInItsScale walks the list of terms: each has a test
// file beside it and a sentence, and scores every pick on every sample machine
// from 0 to 1.
func TestEveryTermHasATestAndStaysInItsScale(t *testing.T) {
	for i := range terms {
		term := &terms[i]
		if _, err := os.Stat("term_" + term.name + "_test.go"); err != nil {
			t.Errorf("term %s has no test: %v", term.name, err)
		}
		if term.what == "" || term.weight <= 0 {
			t.Errorf("term %s lacks a sentence or a weight", term.name)
		}
	}
	for _, file := range []string{"dgx-h100", "dgx-a100", "half-nvlinked", "pcie-only", "gb200-tray", "a100-mixed-mig"} {
		b := boardOf(t, sample(t, file, file))
		node := &snapshot{name: file, board: b}
		for _, r := range b.resources {
			for n := 1; n <= b.usable(r.name); n++ {
				d := &demand{containers: []containerDemand{{roleApp, []deviceCount{{r.name, n}}}}}
				p, short := b.admit(b.empty(), d)
				if short != nil {
					t.Fatalf("%s: %d %s: %+v", file, n, r.name, short)
				}
				where := at(b, b.empty(), p.units...)
				where.node, where.peers = node, &peers{total: 2, nodes: map[string]int{file: 1}}
				for i := range terms {
					if score := terms[i].score(where); score != notAsked && !(score >= 0 && score <= 1) {
						t.Errorf("%s: %d %s: term %s is %g", file, n, r.name, terms[i].name, score)
					}
				}
			}
		}
	}
}

func TestTermsThatSayNothingLeaveTheScaleToTheOthers(t *testing.T) {
	w, err := newWeights(nil)
	must(t, err)
	var all, some scores
	for i := range all {
		all[i], some[i] = 0.5, 0.5
	}
	some[0], some[3] = notAsked, notAsked
	near(t, "all", w.total(&all), 0.5)
	near(t, "some", w.total(&some), 0.5)
}

// TestThePageOfTheExtenderListsTheTerms renders the table of docs/extender.md.
func TestThePageOfTheExtenderListsTheTerms(t *testing.T) {
	page, err := os.ReadFile("../docs/extender.md")
	must(t, err)
	var table strings.Builder
	table.WriteString("| term | weight | is 1 where |\n| --- | --- | --- |\n")
	for i := range terms {
		fmt.Fprintf(&table, "| `%s` | %d | %s |\n", terms[i].name, terms[i].weight, terms[i].what)
	}
	rows := regexp.MustCompile(`(?s)\| term \| weight .*?\n\n`)
	golden.Check(t, "../../docs/extender.md", rows.ReplaceAllLiteralString(string(page), table.String()+"\n"))
}

func unhealthyBoard(t *testing.T, change func(gpus []v1alpha1.GPU)) *board {
	t.Helper()
	g := made("n", 4, pairs, nil)
	change(g.Status.GPUs)
	return boardOf(t, g)
}
