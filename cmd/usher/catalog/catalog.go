// Package catalog describes policies in Markdown: what each checks, its
// parameters, and its fixtures as examples.
package catalog

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"usher.dev/usher/internal/engine"
	"usher.dev/usher/internal/fixture"
)

// Policy is a policy with its fixtures.
type Policy struct {
	engine.Policy
	Examples []*fixture.Fixture
}

// Load reads the fixtures of policies. Of the sources, the last that has a
// policy's folder has its fixtures.
func Load(described []engine.Policy, sources ...fs.FS) ([]Policy, error) {
	var policies []Policy
	for _, p := range described {
		entry := Policy{Policy: p}
		for _, source := range slices.Backward(sources) {
			if rego, err := fs.Glob(source, path.Join(p.Name, "*.rego")); err != nil || len(rego) == 0 {
				continue
			}
			files, err := fs.Glob(source, path.Join(p.Name, "testdata", "*.txtar"))
			if err != nil {
				return nil, err
			}
			for _, file := range files {
				data, err := fs.ReadFile(source, file)
				if err != nil {
					return nil, fmt.Errorf("read fixture: %w", err)
				}
				f, err := fixture.Parse(file, data)
				if err != nil {
					return nil, err
				}
				entry.Examples = append(entry.Examples, f)
			}
			break
		}
		policies = append(policies, entry)
	}
	return policies, nil
}

// Markdown writes the catalogue.
func Markdown(policies []Policy) string {
	var b strings.Builder
	b.WriteString("<!-- Made by `usher policy docs`; change the policies, not this page. -->\n\n# Policies\n\n")
	b.WriteString("| policy | severity | mutates | checks | decides |\n| --- | --- | --- | --- | --- |\n")
	for _, p := range policies {
		fmt.Fprintf(&b, "| [`%s`](#%s) | %s | %s | %d | %s |\n",
			p.Name, p.Name, cell(p.Severity), yes(p.Mutates), len(p.Checks), cell(firstSentence(p.Description)))
	}
	for _, p := range policies {
		p.write(&b)
	}
	return b.String()
}

func (p Policy) write(b *strings.Builder) {
	fmt.Fprintf(b, "\n## %s\n\n**%s.** %s\n", p.Name, p.Title, strings.TrimSpace(p.Description))
	b.WriteString("\n### Checks\n\n| check | holds when |\n| --- | --- |\n")
	for _, check := range slices.Sorted(maps.Keys(p.Checks)) {
		fmt.Fprintf(b, "| `%s` | %s |\n", check, cell(p.Checks[check]))
	}
	if len(p.Parameters) > 0 {
		b.WriteString("\n### Parameters\n\n| parameter | default | meaning |\n| --- | --- | --- |\n")
		for _, name := range slices.Sorted(maps.Keys(p.Parameters)) {
			fmt.Fprintf(b, "| `%s` | %s | %s |\n", name, code(p.Parameters[name].Default), cell(p.Parameters[name].Description))
		}
	}
	if len(p.Examples) > 0 {
		b.WriteString("\n### Examples\n")
		for _, f := range p.Examples {
			writeExample(b, f)
		}
	}
}

func code(value any) string {
	encoded, err := json.Marshal(value)
	if err != nil {
		return ""
	}
	return "`" + strings.ReplaceAll(string(encoded), "|", `\|`) + "`"
}

// cell is text that stays within a cell of a table.
func cell(text string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "|", `\|`)
}

func firstSentence(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if end := strings.Index(text, ". "); end >= 0 {
		return text[:end]
	}
	return strings.TrimSuffix(text, ".")
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
