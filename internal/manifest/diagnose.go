package manifest

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
)

// diagnose places an error of the decoder that names no field, such as that of
// a quantity that is none: it decodes the object with one field at a time, down
// to the smallest part that cannot be decoded even alone.
func (o *Object) diagnose(whole error) *Problem {
	path, err := narrow(o.Value, func(part any) error {
		object, _ := part.(map[string]any)
		object = maps.Clone(object)
		object["apiVersion"], object["kind"] = o.Value["apiVersion"], o.Value["kind"]
		_, err := decodeTyped(object)
		if runtime.IsStrictDecodingError(err) {
			return nil
		}
		return err
	})
	if err == nil {
		err = whole
	}
	return o.Problem(o.Position(JoinPointer(path)), describe(err, path))
}

// narrow leads to the smallest part of a value that try refuses, and to why.
func narrow(value any, try func(any) error) (path []string, err error) {
	descend := func(token string, child any, alone func(any) any) bool {
		if err = try(alone(child)); err == nil {
			return false
		}
		deeper, why := narrow(child, func(part any) error { return try(alone(part)) })
		if why != nil {
			err = why
		}
		path = append([]string{token}, deeper...)
		return true
	}
	switch value := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(value)) {
			if descend(key, value[key], func(part any) any { return map[string]any{key: part} }) {
				break
			}
		}
	case []any:
		for i, element := range value {
			if descend(strconv.Itoa(i), element, func(part any) any { return []any{part} }) {
				break
			}
		}
	}
	return path, err
}

// describe says in a manifest's terms what Go's decoder says in Go's.
func describe(err error, path []string) string {
	wrong, ok := errors.AsType[*json.UnmarshalTypeError](err)
	if !ok {
		return strings.TrimPrefix(err.Error(), "json: ")
	}
	return fmt.Sprintf("%s must be %s, not %s", fieldName(path), goTypeName(wrong.Type), valueName(wrong.Value))
}

// fieldName is the end of a path: image, or command[0] for an element.
func fieldName(path []string) string {
	if len(path) == 0 {
		return "the object"
	}
	last := path[len(path)-1]
	if _, err := strconv.Atoi(last); err == nil && len(path) > 1 {
		return path[len(path)-2] + "[" + last + "]"
	}
	return last
}

func goTypeName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "a string"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Map, reflect.Struct:
		return "an object"
	default:
		return "a whole number"
	}
}

// valueName makes "array" and "number 1.5" readable.
func valueName(value string) string {
	switch kind, literal, _ := strings.Cut(value, " "); kind {
	case "array":
		return "a list"
	case "object":
		return "an object"
	case "bool":
		return "a boolean"
	case "number":
		if literal != "" {
			return literal
		}
		return "a number"
	default:
		return "a " + value
	}
}
