package manifest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Object is one object of a manifest file.
type Object struct {
	// Value is the object as kubectl would send it.
	Value map[string]any

	doc *document
	// base leads from the document's top to the object, in a list.
	base []string
}

// File is the name of the file that the object is in.
func (o *Object) File() string { return o.doc.file.Name }

// Problem says what is wrong with a field of the object.
func (o *Object) Problem(at Position, message string) *Problem {
	return &Problem{File: o.File(), Position: at, Message: message, Source: o.Source(at)}
}

// Read gives the objects of a file, lists taken apart and empty documents left
// out, and what is wrong with the other documents.
func Read(file *File) ([]*Object, []*Problem) {
	var objects []*Object
	var problems []*Problem
	for _, doc := range file.documents() {
		value, wrong := doc.decode()
		problems = append(problems, wrong...)
		if value == nil {
			continue
		}
		holder, ok := value.(map[string]any)
		if !ok {
			problems = append(problems, file.problem(doc.start(),
				fmt.Sprintf("not a Kubernetes object but %s; an object has apiVersion, kind and metadata", jsonType(value))))
			continue
		}
		expanded, wrong := (&Object{Value: holder, doc: doc}).expand()
		objects = append(objects, expanded...)
		problems = append(problems, wrong...)
	}
	return objects, problems
}

// expand takes lists apart, lists in lists too.
func (o *Object) expand() ([]*Object, []*Problem) {
	kind, ok := o.Value["kind"].(string)
	if !ok || kind == "" {
		return nil, o.missing("kind")
	}
	version, ok := o.Value["apiVersion"].(string)
	if !ok || version == "" {
		return nil, o.missing("apiVersion")
	}
	items, isList := o.Value["items"]
	if !isList || !strings.HasSuffix(kind, "List") {
		return []*Object{o}, nil
	}
	var objects []*Object
	var problems []*Problem
	list, ok := items.([]any)
	if !ok && items != nil {
		at := o.Position("/items")
		return nil, []*Problem{o.Problem(at, fmt.Sprintf("items of a %s must be a list, not %s", kind, jsonType(items)))}
	}
	for i, value := range list {
		item := &Object{doc: o.doc, base: slices.Concat(o.base, []string{"items", strconv.Itoa(i)})}
		if item.Value, ok = value.(map[string]any); !ok {
			problems = append(problems, item.Problem(item.Position(""), "not a Kubernetes object but "+jsonType(value)))
			continue
		}
		item.inherit(kind, version)
		expanded, wrong := item.expand()
		objects = append(objects, expanded...)
		problems = append(problems, wrong...)
	}
	return objects, problems
}

// inherit names the kind of an item that its list names: a PodList holds Pods.
func (o *Object) inherit(kind, version string) {
	_, hasKind := o.Value["kind"]
	_, hasVersion := o.Value["apiVersion"]
	if item := strings.TrimSuffix(kind, "List"); item != "" && !hasKind && !hasVersion {
		o.Value["kind"], o.Value["apiVersion"] = item, version
	}
}

func (o *Object) missing(field string) []*Problem {
	at := o.Position("/" + field)
	if value, ok := o.Value[field]; ok && value != nil && value != "" {
		return []*Problem{o.Problem(at, fmt.Sprintf("%s must be a string, not %s", field, jsonType(value)))}
	}
	return []*Problem{o.Problem(at, fmt.Sprintf("%s is not set; is this a Kubernetes object?", field))}
}

func jsonType(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case string:
		return "a string"
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	default:
		return "a number"
	}
}
