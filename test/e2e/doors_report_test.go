package e2e

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// doorsIntroduction opens the document.
const doorsIntroduction = `# Doors

<!-- Written by TestDoors in test/e2e; go test -run TestDoors -update . writes it anew. -->

Every way by which a pod or a pod template comes into a cluster, tried by a tenant's developer on a
real kube-apiserver at which usher is registered as ` + "`manifests/base`" + ` says. Each cell is one request. A
denied one shows the field of the user's own object that the denial names, and the check. A number
is a note at the end: Kubernetes itself makes the request impossible, in its own words.
`

// doorsReport collects the answers in the order in which they came.
type doorsReport struct {
	cells []cell
	whole []wholeAnswer
	notes []string
}

type cell struct {
	door, list string
	change     change
	answer     answer
}

func (r *doorsReport) add(d door, list string, c change, a answer) {
	r.cells = append(r.cells, cell{d.name(), list, c, a})
}

func (r *doorsReport) markdown() []byte {
	var b bytes.Buffer
	b.WriteString(doorsIntroduction)
	r.writeTotals(&b)
	for _, c := range forbidden {
		fmt.Fprintf(&b, "\n## %s\n\nThe violation: %s.\n\n", c.policy, c.words)
		r.writeTable(&b, c.policy, listsOf(c))
	}
	fmt.Fprintf(&b, "\n## No violation\n\nThe same containers without a violation: %s (through pods/resize: %s).\n\n",
		harmless.words, resized.words)
	r.writeTable(&b, "", containerLists)
	r.writeWhole(&b)
	b.WriteString("\n## Notes\n\n")
	for i, note := range r.notes {
		fmt.Fprintf(&b, "%d. %s\n", i+1, note)
	}
	return b.Bytes()
}

// writeTotals counts the answers of both kinds of tables.
func (r *doorsReport) writeTotals(b *bytes.Buffer) {
	var denied, admitted, impossible int
	count := func(a answer) {
		switch {
		case a.denied != "":
			denied++
		case a.admitted:
			admitted++
		default:
			impossible++
		}
	}
	for _, c := range r.cells {
		count(c.answer)
	}
	for _, w := range r.whole {
		count(w.violating)
		count(w.clean)
	}
	fmt.Fprintf(b, "\nOf %d requests, %d violated a policy and were denied, %d violated none and were admitted, and %d\nKubernetes refused or left undone by itself.\n",
		denied+admitted+impossible, denied, admitted, impossible)
}

// writeTable writes the answers to a policy's violation: a row for each door, a
// column for each list of containers.
func (r *doorsReport) writeTable(b *bytes.Buffer, policy string, lists []string) {
	if len(lists) == 1 {
		b.WriteString("| door | pod |\n")
	} else {
		fmt.Fprintf(b, "| door | %s |\n", strings.Join(lists, " | "))
	}
	b.WriteString(strings.Repeat("| --- ", len(lists)+1) + "|\n")
	for _, d := range doors() {
		fmt.Fprintf(b, "| %s |", d.name())
		for _, list := range lists {
			for _, c := range r.cells {
				if c.door == d.name() && c.list == list && c.change.policy == policy {
					fmt.Fprintf(b, " %s |", r.text(c.answer))
				}
			}
		}
		b.WriteString("\n")
	}
}

func (r *doorsReport) text(a answer) string {
	switch {
	case a.admitted:
		return "admitted"
	case a.denied != "":
		return "denied " + a.denied
	default:
		return fmt.Sprintf("impossible (%d)", r.note(a.impossible))
	}
}

// note returns the number of a note, the same for the same words.
func (r *doorsReport) note(words string) int {
	if i := slices.Index(r.notes, words); i >= 0 {
		return i + 1
	}
	r.notes = append(r.notes, words)
	return len(r.notes)
}
