// Package reads finds out which fields of the input a Rego rule can read, and
// cuts an input down to those fields.
package reads

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// Tree is a set of paths into a JSON document. A document cut down to a tree
// keeps, of an object, the keys that the tree names; of an array, and of an object
// that the tree enumerates, every element; and the scalars that are looked at.
// Other scalars become null: that they are there is all that is read of them.
type Tree struct {
	// whole says that everything below may be read.
	whole bool
	// outside says that the value is looked at from outside: what type it is,
	// and a scalar's value.
	outside bool
	// keys are the named fields of an object.
	keys map[string]*Tree
	// prefixes are the fields of an object whose names begin with a text.
	prefixes map[string]*Tree
	// each is what is read of every element of an array or value of an object.
	each *Tree

	depth  int
	sorted []string
	// longest are the prefixes, longer ones first.
	longest []string
}

// maxDepth bounds the paths of a tree: below it everything counts as read.
const maxDepth = 32

// Whole is the tree that reads everything.
func Whole() *Tree { return &Tree{whole: true} }

// child returns the tree below a key, made if need be.
func (t *Tree) child(key string, changed *bool) *Tree {
	if t.whole || t.depth >= maxDepth {
		t.markWhole(changed)
		return t
	}
	if c, ok := t.keys[key]; ok {
		return c
	}
	if t.keys == nil {
		t.keys = map[string]*Tree{}
	}
	c := &Tree{depth: t.depth + 1}
	t.keys[key] = c
	*changed = true
	return c
}

// prefixed returns the tree below every key with a prefix, made if need be.
func (t *Tree) prefixed(prefix string, changed *bool) *Tree {
	if t.whole || t.depth >= maxDepth {
		t.markWhole(changed)
		return t
	}
	if c, ok := t.prefixes[prefix]; ok {
		return c
	}
	if t.prefixes == nil {
		t.prefixes = map[string]*Tree{}
	}
	c := &Tree{depth: t.depth + 1}
	t.prefixes[prefix] = c
	*changed = true
	return c
}

// element returns the tree below every key, made if need be.
func (t *Tree) element(changed *bool) *Tree {
	if t.whole || t.depth >= maxDepth {
		t.markWhole(changed)
		return t
	}
	if t.each == nil {
		t.each = &Tree{depth: t.depth + 1}
		*changed = true
	}
	return t.each
}

func (t *Tree) markWhole(changed *bool) {
	if !t.whole {
		t.whole = true
		*changed = true
	}
}

func (t *Tree) markOutside(changed *bool) {
	if !t.outside {
		t.outside = true
		*changed = true
	}
}

// seal merges what is read of more keys into what is read of fewer, so that one
// tree answers for each key, and fixes the order of keys. A sealed tree does not
// change any more.
func (t *Tree) seal() {
	if t.whole {
		t.keys, t.prefixes, t.each, t.sorted, t.longest = nil, nil, nil, nil, nil
		return
	}
	t.sorted = slices.Sorted(maps.Keys(t.keys))
	t.longest = slices.SortedFunc(maps.Keys(t.prefixes), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b))
	})
	for i, prefix := range t.longest {
		for _, shorter := range t.longest[i+1:] {
			if strings.HasPrefix(prefix, shorter) {
				t.prefixes[prefix].merge(t.prefixes[shorter])
			}
		}
		if t.each != nil {
			t.prefixes[prefix].merge(t.each)
		}
	}
	for key, c := range t.keys {
		if more := t.beyond(key); more != nil {
			c.merge(more)
		}
		c.seal()
	}
	for _, c := range t.prefixes {
		c.seal()
	}
	if t.each != nil {
		t.each.seal()
	}
}

// beyond returns the tree for a key that is not named.
func (t *Tree) beyond(key string) *Tree {
	for _, prefix := range t.longest {
		if strings.HasPrefix(key, prefix) {
			return t.prefixes[prefix]
		}
	}
	return t.each
}

// enumerates reports whether other keys than the named ones are read.
func (t *Tree) enumerates() bool { return t.whole || t.each != nil || len(t.prefixes) > 0 }

func (t *Tree) merge(from *Tree) {
	var changed bool
	if from.whole {
		t.markWhole(&changed)
		return
	}
	if t.whole {
		return
	}
	t.outside = t.outside || from.outside
	for key, c := range from.keys {
		t.child(key, &changed).merge(c)
	}
	for prefix, c := range from.prefixes {
		t.prefixed(prefix, &changed).merge(c)
	}
	if from.each != nil {
		t.element(&changed).merge(from.each)
	}
}

// of returns the tree for one key of an object, nil if it is not read.
func (t *Tree) of(key string) *Tree {
	if t.whole {
		return t
	}
	if c, ok := t.keys[key]; ok {
		return c
	}
	return t.beyond(key)
}

// String lists the paths, one a line, "*" standing for every key and "**" for
// everything below. Of a path that ends in "?" only matters whether it is there.
func (t *Tree) String() string {
	var lines []string
	t.lines("", &lines)
	return strings.Join(lines, "\n")
}

func (t *Tree) lines(prefix string, lines *[]string) {
	join := func(key string) string {
		if prefix == "" {
			return key
		}
		return prefix + "." + key
	}
	if t.whole {
		*lines = append(*lines, join("**"))
		return
	}
	switch {
	case prefix == "" || len(t.keys) > 0 || t.enumerates():
	case t.outside:
		*lines = append(*lines, prefix)
	default:
		*lines = append(*lines, prefix+"?")
	}
	for _, key := range t.sorted {
		t.keys[key].lines(join(key), lines)
	}
	for _, key := range slices.Sorted(maps.Keys(t.prefixes)) {
		t.prefixes[key].lines(join(key+"*"), lines)
	}
	if t.each != nil {
		t.each.lines(join("*"), lines)
	}
}
