package review

import (
	"fmt"
	"strconv"
	"strings"

	"usher.dev/usher/internal/report"
)

// collect adds what was decided about an object to the report.
func collect(r *report.Report, object reviewed, a answer) {
	if a.err != nil {
		a.decision = &decision{problems: []error{a.err}}
	}
	if a.decision == nil { // interrupted
		return
	}
	for _, err := range a.problems {
		r.Problems = append(r.Problems, problemOf(object.source.Problem(object.source.Position(""), err.Error())))
	}
	for _, f := range a.findings {
		r.Violations = append(r.Violations, violation(object, f))
	}
	switch {
	case a.err != nil:
	case a.notJudged != "":
		r.NotJudged[a.notJudged]++
	default:
		r.Judged++
	}
}

func violation(object reviewed, f finding) report.Violation {
	path := f.Path
	if f.field != "" {
		path = object.source.Pointer(f.field)
	}
	at := object.source.Position(path)
	message := f.Message
	if name := containerAt(object.served, path); name != "" {
		message += fmt.Sprintf(" (container %q)", name)
	}
	return report.Violation{
		File: object.source.File(), Line: at.Line, Column: at.Column, Object: nameOf(object.served),
		Policy: f.Policy, Check: f.Check, Mode: f.mode, Message: message, Path: path,
		Source: object.source.Source(at),
	}
}

// nameOf names an object, by the start of its name where the API server makes
// the rest.
func nameOf(object map[string]any) report.Object {
	metadata, _ := object["metadata"].(map[string]any)
	text := func(m map[string]any, key string) string {
		s, _ := m[key].(string)
		return s
	}
	name := report.Object{
		APIVersion: text(object, "apiVersion"), Kind: text(object, "kind"),
		Namespace: text(metadata, "namespace"), Name: text(metadata, "name"),
	}
	if name.Name == "" {
		name.Name = text(metadata, "generateName")
	}
	return name
}

// containerAt is the name of the container that a JSON pointer leads through.
func containerAt(object map[string]any, path string) (name string) {
	var here any = object
	inList := false
	for token := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		switch holder := here.(type) {
		case map[string]any:
			here = holder[token] // no key that leads to a container is escaped
			inList = token == "containers" || token == "initContainers" || token == "ephemeralContainers"
		case []any:
			i, err := strconv.Atoi(token)
			if err != nil || i < 0 || i >= len(holder) {
				return name
			}
			here = holder[i]
			if element, ok := here.(map[string]any); ok && inList {
				name, _ = element["name"].(string)
			}
			inList = false
		default:
			return name
		}
	}
	return name
}
