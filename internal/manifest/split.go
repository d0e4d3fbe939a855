package manifest

import "strings"

// span is the part of a file's text that holds one document.
type span struct{ start, end int }

// splitYAML cuts the text at its document markers, where YAML says they are; a
// marker line may hold the document's first node. A document begins at its
// first line with content or a directive, behind a byte order mark, which
// concatenated files leave there.
func splitYAML(text string) []span {
	var spans []span
	starts := lineStarts(text, isYAMLBreak)
	begin, content := -1, false
	cut := func(end int) {
		if content {
			spans = append(spans, span{begin, end})
		}
		begin, content = -1, false
	}
	for i, start := range starts {
		end := len(text)
		if i+1 < len(starts) {
			end = starts[i+1]
		}
		line := strings.TrimPrefix(text[start:end], byteOrderMark)
		first := end - len(line)
		switch {
		case isMarker(line, "---"):
			if content {
				cut(start)
			}
			if content = hasContent(line[len("---"):]); content && begin < 0 {
				begin = first
			}
		case isMarker(line, "..."):
			cut(start)
		case !content && (hasContent(line) || strings.HasPrefix(line, "%")):
			if begin < 0 {
				begin = first
			}
			content = !strings.HasPrefix(line, "%")
		}
	}
	cut(len(text))
	return spans
}

// isMarker reports whether the line is a document marker: the three characters,
// then white space or the end.
func isMarker(line string, marker string) bool {
	rest, found := strings.CutPrefix(line, marker)
	if !found {
		return false
	}
	return len(rest) == 0 || rest[0] == ' ' || rest[0] == '\t' || isYAMLBreak(rest, 0) > 0
}

// hasContent reports whether a line holds more than white space and a comment.
func hasContent(line string) bool {
	line = strings.TrimSpace(line)
	return len(line) > 0 && line[0] != '#'
}
