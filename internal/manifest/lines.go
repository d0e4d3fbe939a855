package manifest

import "sort"

// Position is a place in a file: line and column count from 1, columns in
// Unicode code points.
type Position struct {
	Line   int
	Column int
}

// isEditorBreak reports how many bytes long the line break at text[i] is, as
// editors see it; 0 if there is none.
func isEditorBreak(text string, i int) int {
	switch text[i] {
	case '\n':
		return 1
	case '\r':
		if i+1 < len(text) && text[i+1] == '\n' {
			return 2
		}
		return 1
	}
	return 0
}

// isYAMLBreak is isEditorBreak with the further breaks of YAML 1.1, by which
// the parser counts its lines: NEL, LS and PS.
func isYAMLBreak(text string, i int) int {
	switch {
	case text[i] == 0xC2 && i+1 < len(text) && text[i+1] == 0x85:
		return 2
	case text[i] == 0xE2 && i+2 < len(text) && text[i+1] == 0x80 && (text[i+2] == 0xA8 || text[i+2] == 0xA9):
		return 3
	}
	return isEditorBreak(text, i)
}

// lineStarts lists the offset of every line's first byte.
func lineStarts(text string, breakAt func(string, int) int) []int {
	starts := []int{0}
	for i := 0; i < len(text); {
		n := breakAt(text, i)
		if n == 0 {
			i++
			continue
		}
		i += n
		starts = append(starts, i)
	}
	return starts
}

// lineOf counts from 1 the line that the offset is in.
func lineOf(starts []int, offset int) int {
	return sort.SearchInts(starts, offset+1)
}
