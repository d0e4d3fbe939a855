package reads

import (
	"encoding/binary"
	"encoding/json"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/valyala/fastjson"
)

// appendParsed is AppendKey for a parsed value. Fields that a tree enumerates
// keep the document's order: the same content in another order costs an
// evaluation, no more.
func (t *Tree) appendParsed(dst []byte, v *fastjson.Value) []byte {
	if !t.looksAt(v) {
		return append(dst, tagNull)
	}
	switch v.Type() {
	case fastjson.TypeNull:
		return append(dst, tagNull)
	case fastjson.TypeFalse:
		return append(dst, tagFalse)
	case fastjson.TypeTrue:
		return append(dst, tagTrue)
	case fastjson.TypeString:
		s := v.GetStringBytes()
		return append(binary.AppendUvarint(append(dst, tagString), uint64(len(s))), s...)
	case fastjson.TypeArray:
		if !t.whole && t.each == nil {
			return binary.AppendUvarint(append(dst, tagArray), 0)
		}
		elements := v.GetArray()
		dst = binary.AppendUvarint(append(dst, tagArray), uint64(len(elements)))
		for _, e := range elements {
			dst = t.ofElement().appendParsed(dst, e)
		}
		return dst
	case fastjson.TypeObject:
		dst = append(dst, tagObject)
		t.parsedFields(v, func(key string, value *fastjson.Value, below *Tree) {
			dst = below.appendParsed(appendText(append(dst, 1), key), value)
		})
		return append(dst, 0)
	default:
		return appendText(append(dst, tagNumber), string(v.MarshalTo(nil)))
	}
}

// projectParsed is Project for a parsed value.
func (t *Tree) projectParsed(v *fastjson.Value) *ast.Term {
	if !t.looksAt(v) {
		return ast.InternedNullTerm
	}
	switch v.Type() {
	case fastjson.TypeNull:
		return ast.InternedNullTerm
	case fastjson.TypeFalse:
		return ast.InternedTerm(false)
	case fastjson.TypeTrue:
		return ast.InternedTerm(true)
	case fastjson.TypeString:
		return ast.StringTerm(string(v.GetStringBytes()))
	case fastjson.TypeArray:
		if !t.whole && t.each == nil {
			return ast.ArrayTerm()
		}
		elements := v.GetArray()
		terms := make([]*ast.Term, len(elements))
		for i, e := range elements {
			terms[i] = t.ofElement().projectParsed(e)
		}
		return ast.ArrayTerm(terms...)
	case fastjson.TypeObject:
		var fields [][2]*ast.Term
		t.parsedFields(v, func(key string, value *fastjson.Value, below *Tree) {
			fields = append(fields, [2]*ast.Term{ast.StringTerm(key), below.projectParsed(value)})
		})
		return ast.ObjectTerm(fields...)
	default:
		return ast.NewTerm(ast.Number(json.Number(v.MarshalTo(nil))))
	}
}

// parsedFields calls f for every field of v that t reads.
func (t *Tree) parsedFields(v *fastjson.Value, f func(key string, value *fastjson.Value, below *Tree)) {
	if t.enumerates() {
		v.GetObject().Visit(func(key []byte, value *fastjson.Value) {
			name := string(key)
			if below := t.of(name); below != nil {
				f(name, value, below)
			}
		})
		return
	}
	for _, key := range t.sorted {
		if value := v.Get(key); value != nil {
			f(key, value, t.keys[key])
		}
	}
}
