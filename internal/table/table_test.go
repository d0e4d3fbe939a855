package table

import (
	"strings"
	"testing"

	"github.com/fatih/color"
)

func TestColumnsAreAsWideAsWhatStandsInThem(t *testing.T) {
	table := Table{
		Head(Style(true, color.Bold), "a", "bb", "c"),
		{Plain("größer"), Plain("x")},
		{Plain("y\x1b[2J\n"), {Text: "1", Style: Style(false, color.FgRed)}, Plain("the last needs no room")},
	}
	var b strings.Builder
	table.Write(&b)
	want := "\x1b[1ma\x1b[22m       \x1b[1mbb\x1b[22m  \x1b[1mc\x1b[22m\n" +
		"größer  x\n" +
		"y\ufffd[2J   1   the last needs no room\n"
	if b.String() != want {
		t.Errorf("got\n%q, want\n%q", b.String(), want)
	}
}
