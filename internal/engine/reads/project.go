package reads

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/valyala/fastjson"
)

// Type bytes of the canonical form that AppendKey writes.
const (
	tagNull byte = iota
	tagFalse
	tagTrue
	tagNumber
	tagString
	tagArray
	tagObject
)

// AppendKey appends a form of v, cut down to t, to dst: values that have equal
// forms are equal where t reads them. v is JSON as Go decodes it, parsed values
// of fastjson among it.
func (t *Tree) AppendKey(dst []byte, v any) []byte {
	if !t.looksAt(v) {
		return append(dst, tagNull)
	}
	switch v := v.(type) {
	case *fastjson.Value:
		return t.appendParsed(dst, v)
	case nil:
		return append(dst, tagNull)
	case bool:
		if v {
			return append(dst, tagTrue)
		}
		return append(dst, tagFalse)
	case string:
		return appendText(append(dst, tagString), v)
	case []any:
		if !t.whole && t.each == nil {
			return binary.AppendUvarint(append(dst, tagArray), 0)
		}
		dst = binary.AppendUvarint(append(dst, tagArray), uint64(len(v)))
		for _, e := range v {
			dst = t.ofElement().AppendKey(dst, e)
		}
		return dst
	case map[string]any:
		dst = append(dst, tagObject)
		t.fields(v, func(key string, value any, below *Tree) {
			dst = below.AppendKey(appendText(append(dst, 1), key), value)
		})
		return append(dst, 0)
	default:
		return appendText(append(dst, tagNumber), string(number(v)))
	}
}

// Project returns v, cut down to t, as an OPA value.
func (t *Tree) Project(v any) *ast.Term {
	if !t.looksAt(v) {
		return ast.InternedNullTerm
	}
	switch v := v.(type) {
	case *fastjson.Value:
		return t.projectParsed(v)
	case nil:
		return ast.InternedNullTerm
	case bool:
		return ast.InternedTerm(v)
	case string:
		return ast.StringTerm(v)
	case []any:
		if !t.whole && t.each == nil {
			return ast.ArrayTerm()
		}
		terms := make([]*ast.Term, len(v))
		for i, e := range v {
			terms[i] = t.ofElement().Project(e)
		}
		return ast.ArrayTerm(terms...)
	case map[string]any:
		fields := make([][2]*ast.Term, 0, len(t.sorted))
		t.fields(v, func(key string, value any, below *Tree) {
			fields = append(fields, [2]*ast.Term{ast.StringTerm(key), below.Project(value)})
		})
		return ast.ObjectTerm(fields...)
	default:
		return ast.NewTerm(ast.Number(number(v)))
	}
}

// looksAt reports whether more of a value matters than that it is there.
func (t *Tree) looksAt(v any) bool {
	if t.whole || t.outside {
		return true
	}
	switch v := v.(type) {
	case map[string]any, []any:
		return true
	case *fastjson.Value:
		return v.Type() == fastjson.TypeObject || v.Type() == fastjson.TypeArray
	}
	return false
}

// fields calls f for every field of v that t reads, in order of keys.
func (t *Tree) fields(v map[string]any, f func(key string, value any, below *Tree)) {
	if t.enumerates() {
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if below := t.of(key); below != nil {
				f(key, v[key], below)
			}
		}
		return
	}
	for _, key := range t.sorted {
		if value, ok := v[key]; ok {
			f(key, value, t.keys[key])
		}
	}
}

func (t *Tree) ofElement() *Tree {
	if t.whole {
		return t
	}
	return t.each
}

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

// number writes a number of decoded JSON as JSON.
func number(v any) json.Number {
	switch v := v.(type) {
	case json.Number:
		return v
	case int64:
		return json.Number(strconv.FormatInt(v, 10))
	case int:
		return json.Number(strconv.Itoa(v))
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return json.Number(strconv.FormatInt(int64(v), 10))
		}
		return json.Number(strconv.FormatFloat(v, 'g', -1, 64))
	default:
		// Decoded JSON holds no other type: a programming error, caught by the
		// engine like a panic in a policy.
		panic(fmt.Sprintf("reads: %T in decoded JSON", v))
	}
}
