package manifest

import (
	"errors"
	"io"
	"strings"
	"sync"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// document is one YAML or JSON document of a file. Its nodes are parsed when a
// position is first asked for: most documents have nothing to report.
type document struct {
	file *File
	span span
	json bool

	once  sync.Once
	lines []int
	node  *yaml.Node
}

func (d *document) text() string { return d.file.text[d.span.start:d.span.end] }

// root is the document's top node; nil if it cannot be parsed.
func (d *document) root() *yaml.Node {
	d.once.Do(func() {
		if d.json {
			d.node = jsonNodes(d.text())
			return
		}
		d.lines = lineStarts(d.text(), isYAMLBreak)
		d.node, _ = parseYAML(d.text())
	})
	return d.node
}

// parseYAML returns the top node; nil for an empty document.
func parseYAML(text string) (*yaml.Node, error) {
	var top yaml.Node
	err := yaml.NewDecoder(strings.NewReader(text)).Decode(&top)
	switch {
	case errors.Is(err, io.EOF) || err == nil && len(top.Content) == 0:
		return nil, nil
	case err != nil:
		return nil, err
	}
	return top.Content[0], nil
}

// offset is where the node stands in the file's text.
func (d *document) offset(n *yaml.Node) int {
	if d.json {
		return d.span.start + n.Column
	}
	if n.Line < 1 || n.Line > len(d.lines) {
		return d.span.start
	}
	text := d.text()
	at := d.lines[n.Line-1]
	for column := 1; column < n.Column && at < len(text); column++ {
		_, size := utf8.DecodeRuneInString(text[at:])
		at += size
	}
	return d.span.start + at
}

// start is the offset of the first thing in the document that is neither white
// space nor a comment nor a marker.
func (d *document) start() int {
	if n := d.root(); n != nil {
		return d.offset(n)
	}
	at := d.span.start
	for line := range strings.Lines(d.text()) {
		if hasContent(line) && !isMarker(line, "---") {
			return at + indent(line)
		}
		at += len(line)
	}
	return d.span.start
}

// indent is the number of bytes before the first that is not white space.
func indent(line string) int {
	return len(line) - len(strings.TrimLeft(line, " \t"))
}
