package manifest

import (
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxHops bounds how many aliases and merges one field may lead through; a
// document may nest them, or tie a knot.
const maxHops = 100

// Position is where the field that a JSON pointer names stands: a mapping's
// field at its key, a list's element at its first character. For a field that
// is not there it is the nearest field above that is.
func (o *Object) Position(pointer string) Position {
	return o.locate(tokens(pointer))
}

// Source is the text of the line that a position of this object is in.
func (o *Object) Source(at Position) string { return o.doc.file.Line(at.Line) }

func (o *Object) locate(path []string) Position {
	place, node := o.doc.root(), o.doc.root()
	if node == nil {
		return o.doc.file.position(o.doc.start())
	}
	for _, token := range slices.Concat(o.base, path) {
		at, child := step(node, token)
		if child == nil {
			break
		}
		place, node = at, child
	}
	return o.doc.file.position(o.doc.offset(place))
}

// Pointer is the JSON pointer of a path in the form that Kubernetes writes:
// spec.containers[0].image. Keys of maps may hold dots, so the longest key that
// fits is followed.
func (o *Object) Pointer(path string) string { return JoinPointer(o.fieldTokens(path)) }

// FieldPosition is Position for a path in that form.
func (o *Object) FieldPosition(path string) Position {
	return o.locate(o.fieldTokens(path))
}

// fieldTokens splits a field path by what the object holds.
func (o *Object) fieldTokens(path string) []string {
	var parts []string
	var here any = o.Value
	for path = strings.TrimPrefix(path, "."); path != ""; path = strings.TrimPrefix(path, ".") {
		token := nextToken(path, here)
		path = strings.TrimPrefix(path[len(token):], "]")
		token = strings.TrimPrefix(token, "[")
		parts = append(parts, token)
		switch holder := here.(type) {
		case map[string]any:
			here = holder[token]
		case []any:
			here = nil
			if i, err := strconv.Atoi(token); err == nil && i >= 0 && i < len(holder) {
				here = holder[i]
			}
		default:
			here = nil
		}
	}
	return parts
}

// nextToken cuts the first field off a path; an index keeps its bracket.
func nextToken(path string, here any) string {
	if path[0] == '[' {
		if end := strings.IndexByte(path, ']'); end > 0 {
			return path[:end]
		}
		return path
	}
	longest := ""
	if holder, ok := here.(map[string]any); ok {
		for key := range holder {
			rest, found := strings.CutPrefix(path, key)
			if found && len(key) > len(longest) && (rest == "" || rest[0] == '.' || rest[0] == '[') {
				longest = key
			}
		}
	}
	if longest != "" {
		return longest
	}
	if end := strings.IndexAny(path[1:], ".["); end >= 0 {
		return path[:end+1]
	}
	return path
}

// step goes from a node to its child: where the child is shown, and the child.
func step(node *yaml.Node, token string) (place, child *yaml.Node) {
	switch node = follow(node); node.Kind {
	case yaml.MappingNode:
		hops := maxHops
		return field(node, token, &hops)
	case yaml.SequenceNode:
		i, err := strconv.Atoi(token)
		if err == nil && i >= 0 && i < len(node.Content) {
			return node.Content[i], node.Content[i]
		}
	default:
	}
	return nil, nil
}

// field looks a key up in a mapping, then in those merged into it; the first
// of them wins.
func field(mapping *yaml.Node, name string, hops *int) (key, value *yaml.Node) {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if follow(mapping.Content[i]).Value == name && !isMerge(mapping.Content[i]) {
			return mapping.Content[i], mapping.Content[i+1]
		}
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if !isMerge(mapping.Content[i]) {
			continue
		}
		for _, merged := range mergedInto(mapping.Content[i+1]) {
			if *hops--; *hops < 0 {
				return nil, nil
			}
			if key, value = field(merged, name, hops); key != nil {
				return key, value
			}
		}
	}
	return nil, nil
}

func isMerge(key *yaml.Node) bool { return key.Tag == "!!merge" }

// mergedInto lists the mappings of the value of a merge key.
func mergedInto(value *yaml.Node) []*yaml.Node {
	value = follow(value)
	candidates := []*yaml.Node{value}
	if value.Kind == yaml.SequenceNode {
		candidates = value.Content
	}
	var mappings []*yaml.Node
	for _, candidate := range candidates {
		if candidate = follow(candidate); candidate.Kind == yaml.MappingNode {
			mappings = append(mappings, candidate)
		}
	}
	return mappings
}

// follow leads from an alias to what it stands for.
func follow(node *yaml.Node) *yaml.Node {
	for hops := 0; node.Kind == yaml.AliasNode && node.Alias != nil && hops < maxHops; hops++ {
		node = node.Alias
	}
	return node
}
