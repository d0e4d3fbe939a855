package manifest

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
)

var (
	yamlLine   = regexp.MustCompile(`line (\d+): (.*)`)
	yamlAnchor = regexp.MustCompile(`unknown anchor '(.*)' referenced`)
)

// yamlProblems finds the places that a YAML error is about. The parser names
// the line of some errors, and of no error on a document's first line.
func (d *document) yamlProblems(err error) []*Problem {
	// Of the two parsers, the one that also gives positions knows more lines.
	if _, closer := parseYAML(d.text()); closer != nil {
		err = closer
	}
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	if anchor := yamlAnchor.FindStringSubmatch(message); anchor != nil {
		return []*Problem{d.broken(max(0, strings.Index(d.text(), "*"+anchor[1])), message)}
	}
	if at := strings.IndexFunc(d.text(), notYAML); at >= 0 && strings.Contains(message, "control characters") {
		return []*Problem{d.broken(at, message)}
	}
	var problems []*Problem
	for _, match := range yamlLine.FindAllStringSubmatch(message, -1) {
		line, _ := strconv.Atoi(match[1])
		if strings.HasPrefix(match[2], "did not find expected") {
			line++ // the parser, unlike the scanner, counts from 0
		}
		problems = append(problems, d.broken(d.lineOffset(line), match[2]))
	}
	if problems == nil {
		problems = append(problems, d.broken(d.start()-d.span.start, message))
	}
	return problems
}

func (d *document) broken(at int, message string) *Problem {
	problem := d.file.problem(d.span.start+at, "broken YAML: "+message)
	if strings.Contains(problem.Source[:indent(problem.Source)], "\t") {
		problem.Message = "broken YAML: a tab indents this line; YAML indents by spaces"
	}
	return problem
}

// lineOffset is the offset in the document of what a line begins with. A parser
// that misses something until the end names a line after the last.
func (d *document) lineOffset(line int) int {
	starts := lineStarts(d.text(), isYAMLBreak)
	at := starts[min(max(line, 1), len(starts))-1]
	return min(at+indent(d.text()[at:]), len(strings.TrimSpace(d.text())))
}

func notYAML(r rune) bool {
	return r != '\t' && r != '\n' && r != '\r' && r != 0x85 && unicode.IsControl(r)
}

// repeatedKeys finds the fields that a mapping sets twice, and whether the
// document merges mappings.
func (d *document) repeatedKeys() (repeated []*Problem, merges bool) {
	var walk func(*yaml.Node)
	walk = func(node *yaml.Node) {
		seen := map[string]bool{}
		for i, child := range node.Content {
			if node.Kind == yaml.MappingNode && i%2 == 0 {
				switch {
				case isMerge(child):
					merges = true
				case seen[child.Value]:
					repeated = append(repeated, d.file.problem(d.offset(child), fmt.Sprintf("field %q is set twice", child.Value)))
				}
				seen[child.Value] = true
			}
			walk(child)
		}
	}
	if root := d.root(); root != nil {
		walk(root)
	}
	return repeated, merges
}
