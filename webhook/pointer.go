package webhook

import (
	"strconv"
	"strings"
)

var pointerUnescaper = strings.NewReplacer("~1", "/", "~0", "~")

// tokens splits a JSON pointer.
func tokens(pointer string) []string {
	if pointer == "" {
		return nil
	}
	parts := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	for i, p := range parts {
		parts[i] = pointerUnescaper.Replace(p)
	}
	return parts
}

// index reads a token that stands for an element of a list, as RFC 6901 writes
// it: without a sign or leading zeros.
func index(token string) (int, bool) {
	i, err := strconv.Atoi(token)
	return i, err == nil && i >= 0 && strconv.Itoa(i) == token
}

// containerLists are the lists of a pod whose elements are containers.
var containerLists = map[string]bool{"containers": true, "initContainers": true, "ephemeralContainers": true}

// locate follows a JSON pointer through an object as far as it goes and returns
// the pointer as Kubernetes writes field paths, and the name of the container
// that it leads through.
func locate(object map[string]any, pointer string) (fieldPath, container string) {
	var b strings.Builder
	var at any = object
	previous := ""
	for _, token := range tokens(pointer) {
		switch v := at.(type) {
		case []any:
			at = nil
			i, isIndex := index(token)
			if !isIndex {
				writeField(&b, token)
				break
			}
			b.WriteString("[" + token + "]")
			if i < len(v) {
				at = v[i]
			}
			if element, ok := at.(map[string]any); ok && containerLists[previous] {
				container, _ = element["name"].(string)
			}
		default:
			writeField(&b, token)
			at = nil
			if m, ok := v.(map[string]any); ok {
				at = m[token]
			}
		}
		previous = token
	}
	return b.String(), container
}

func writeField(b *strings.Builder, token string) {
	if strings.ContainsAny(token, "./[]") || token == "" {
		b.WriteString("[" + token + "]")
		return
	}
	if b.Len() > 0 {
		b.WriteByte('.')
	}
	b.WriteString(token)
}

// at returns what stands at the end of a path, false if the object ends before.
func at(object map[string]any, path []string) (any, bool) {
	var v any = object
	for _, token := range path {
		switch below := v.(type) {
		case map[string]any:
			next, ok := below[token]
			if !ok {
				return nil, false
			}
			v = next
		case []any:
			i, isIndex := index(token)
			if !isIndex || i >= len(below) {
				return nil, false
			}
			v = below[i]
		default:
			return nil, false
		}
	}
	return v, true
}
