package main

import (
	"fmt"
	"slices"
	"strings"
)

// mostOfThoughtless is how many times as long as an extender that does not think
// usher may take.
const mostOfThoughtless = 2

// section writes the comparison of extenders.
func (s *scheduling) section(b *strings.Builder) {
	fmt.Fprintf(b, `## Extender

How much slower is an extender that thinks than one that does not? Both are asked
about %d nodes by their names, as one kube-scheduler asks: a filter on all of them,
then a prioritize on those that are left, one decision after the other over plain
HTTP on loopback. The nodes are the machines of testdata/gpunodes with GPUs taken at
random; the pods ask for 1, 2, 4 and 8 GPUs with each topology, and are never bound,
so that usher counts each as on its way when it is asked about the others. Of the
whole fleet, between %d and %d nodes would do for them.

The extenders take turns, %d rounds of %d decisions; ratios are within one round.

| extender | what it does | p50 | times thoughtless | p99 | times thoughtless |
| --- | --- | --- | --- | --- | --- |
`, fleetSize, slices.Min(s.fit), slices.Max(s.fit), s.rounds, s.each)
	yardstick := s.figures[0]
	for i, f := range s.figures {
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s |\n", s.kinds[i].name, s.kinds[i].about,
			spreadOf(f.median).format(microseconds), spreadOf(ratios(f.median, yardstick.median)).format(ratio),
			spreadOf(f.tail).format(microseconds), spreadOf(ratios(f.tail, yardstick.tail)).format(ratio))
	}
	usher := s.figures[len(s.figures)-1]
	median, tail := spreadOf(ratios(usher.median, yardstick.median)), spreadOf(ratios(usher.tail, yardstick.tail))
	fmt.Fprintf(b, "\nOf each node the extender keeps %d bytes in memory, beside the copies of objects that its watches keep.\n", s.bytesPerNode)
	fmt.Fprintf(b, "\nWanted: at most %d times p50 (%s) and p99 (%s).\n\n", mostOfThoughtless,
		reached(median.median <= mostOfThoughtless), reached(tail.median <= mostOfThoughtless))
}
