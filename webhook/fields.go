package webhook

import (
	"encoding/json"
	"math"
	"slices"

	"github.com/valyala/fastjson"
)

// member returns a field of an object, parsed or plain; nil where there is none,
// or it is null. It does not allocate.
func member(v any, key string) any {
	switch v := v.(type) {
	case map[string]any:
		if parsed, ok := v[key].(*fastjson.Value); ok && parsed.Type() == fastjson.TypeNull {
			return nil
		}
		return v[key]
	case *fastjson.Value:
		if below := v.Get(key); below != nil && below.Type() != fastjson.TypeNull {
			return below
		}
	}
	return nil
}

// has reports whether an object has a field, be it null.
func has(v any, key string) bool {
	switch v := v.(type) {
	case map[string]any:
		_, ok := v[key]
		return ok
	case *fastjson.Value:
		return v.Get(key) != nil
	}
	return false
}

// isObject reports whether a value is an object.
func isObject(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		return true
	case *fastjson.Value:
		return v.Type() == fastjson.TypeObject
	}
	return false
}

// anyElement reports whether is holds for an element of a list.
func anyElement(v any, is func(any) bool) bool {
	switch v := v.(type) {
	case []any:
		return slices.ContainsFunc(v, is)
	case *fastjson.Value:
		if v.Type() != fastjson.TypeArray {
			return false
		}
		return slices.ContainsFunc(v.GetArray(), func(e *fastjson.Value) bool { return is(e) })
	}
	return false
}

// textOf returns a string, parsed or plain; "" where it is none.
func textOf(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case *fastjson.Value:
		return string(v.GetStringBytes())
	}
	return ""
}

// integer returns a whole number of a plain object.
func integer(v any) (n int64, ok bool) {
	switch v := v.(type) {
	case json.Number:
		n, err := v.Int64()
		return n, err == nil
	case int64:
		return v, true
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return int64(v), true
		}
	}
	return 0, false
}

// typeOf names the type of a value, parsed or plain.
func typeOf(v any) string {
	if parsed, ok := v.(*fastjson.Value); ok {
		switch parsed.Type() {
		case fastjson.TypeObject:
			return jsonType(map[string]any{})
		case fastjson.TypeArray:
			return jsonType([]any{})
		case fastjson.TypeString:
			return jsonType("")
		case fastjson.TypeTrue, fastjson.TypeFalse:
			return jsonType(true)
		default:
			return jsonType(nil)
		}
	}
	return jsonType(v)
}
