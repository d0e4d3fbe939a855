package manifest

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxExpanded bounds a document's size, in bytes, with its aliases written out.
// An API server takes objects of up to 3 MiB, a document may be a list of many.
const maxExpanded = 64 << 20

// expandedSize is roughly how large a document is once its aliases are written
// out: nested aliases make gigabytes of a few lines. Documents without aliases,
// and those that cannot be parsed, have no size.
func (d *document) expandedSize() int {
	if !strings.Contains(d.text(), "&") || !strings.Contains(d.text(), "*") {
		return 0
	}
	root := d.root()
	if root == nil {
		return 0
	}
	return sizeOf(root, map[*yaml.Node]int{})
}

// sizeOf counts no more than just over the bound. An anchor within itself, an
// error that decoding reports, counts once.
func sizeOf(node *yaml.Node, known map[*yaml.Node]int) int {
	if size, ok := known[node]; ok {
		return size
	}
	known[node] = 0
	size := len(node.Value) + len(`"",`)
	if node.Kind == yaml.AliasNode {
		size = sizeOf(node.Alias, known)
	}
	for _, child := range node.Content {
		size = min(size+sizeOf(child, known), maxExpanded+1)
	}
	known[node] = size
	return size
}
