package compat

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
)

type schema = apiextensionsv1.JSONSchemaProps

// narrowed says, sorted, what was valid by one schema and is not by another. It
// looks at what usher's schemas are made of, CEL rules aside: of those the API
// server excuses what an update does not change.
func narrowed(path string, was, is *schema) []string {
	var out []string
	problem := func(format string, arguments ...any) {
		out = append(out, cmp.Or(path, "/")+": "+fmt.Sprintf(format, arguments...))
	}
	if was.Type != is.Type || was.Format != is.Format {
		problem("it was %s %s, and is %s %s", was.Type, was.Format, is.Type, is.Format)
	}
	if was.Pattern != is.Pattern {
		problem("its pattern was %q, and is %q", was.Pattern, is.Pattern)
	}
	for _, limit := range []struct {
		name    string
		was, is *int64
		most    bool
	}{
		{"maxItems", was.MaxItems, is.MaxItems, true},
		{"maxLength", was.MaxLength, is.MaxLength, true},
		{"maxProperties", was.MaxProperties, is.MaxProperties, true},
		{"minItems", was.MinItems, is.MinItems, false},
		{"minLength", was.MinLength, is.MinLength, false},
		{"minProperties", was.MinProperties, is.MinProperties, false},
	} {
		if limit.is != nil && (limit.was == nil || limit.most && *limit.is < *limit.was || !limit.most && *limit.is > *limit.was) {
			problem("%s is %d, and was less strict", limit.name, *limit.is)
		}
	}
	if is.Minimum != nil && (was.Minimum == nil || *is.Minimum > *was.Minimum) {
		problem("minimum is %v, and was less strict", *is.Minimum)
	}
	if is.Maximum != nil && (was.Maximum == nil || *is.Maximum < *was.Maximum) {
		problem("maximum is %v, and was less strict", *is.Maximum)
	}
	if len(is.Enum) > 0 {
		for _, value := range was.Enum {
			if !slices.ContainsFunc(is.Enum, func(v apiextensionsv1.JSON) bool { return string(v.Raw) == string(value.Raw) }) {
				problem("%s is no value any more", value.Raw)
			}
		}
		if len(was.Enum) == 0 {
			problem("it had any value, and has few")
		}
	}
	for _, name := range is.Required {
		if !slices.Contains(was.Required, name) {
			problem("%s was optional, and is required", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(was.Properties)) {
		before, now := was.Properties[name], is.Properties[name]
		if _, there := is.Properties[name]; !there {
			problem("%s is gone", name)
			continue
		}
		out = append(out, narrowed(path+"/"+name, &before, &now)...)
	}
	if was.Items != nil && is.Items != nil && was.Items.Schema != nil && is.Items.Schema != nil {
		out = append(out, narrowed(path+"/*", was.Items.Schema, is.Items.Schema)...)
	}
	if was.AdditionalProperties != nil && was.AdditionalProperties.Schema != nil {
		if is.AdditionalProperties == nil || is.AdditionalProperties.Schema == nil {
			problem("it had any fields, and has none")
		} else {
			out = append(out, narrowed(path+"/*", was.AdditionalProperties.Schema, is.AdditionalProperties.Schema)...)
		}
	}
	return out
}

func TestWhatNarrowsASchemaIsFound(t *testing.T) {
	few, many := int64(1), int64(2)
	least, more := 0.0, 1.0
	text := schema{Type: "string"}
	for _, c := range []struct {
		name    string
		was, is schema
		want    int
	}{
		{"nothing", schema{Type: "object", Properties: map[string]schema{"a": text}}, schema{Type: "object", Properties: map[string]schema{"a": text, "b": text}}, 0},
		{"a property that is gone", schema{Properties: map[string]schema{"a": text}}, schema{}, 1},
		{"a property of another type", schema{Properties: map[string]schema{"a": text}}, schema{Properties: map[string]schema{"a": {Type: "integer"}}}, 1},
		{"a property that is required", schema{}, schema{Required: []string{"a"}}, 1},
		{"fewer items", schema{MaxItems: &many}, schema{MaxItems: &few}, 1},
		{"more items", schema{MaxItems: &few}, schema{MaxItems: &many}, 0},
		{"a length for the first time", schema{}, schema{MaxLength: &few}, 1},
		{"a larger minimum", schema{Minimum: &least}, schema{Minimum: &more}, 1},
		{"a value less", schema{Enum: []apiextensionsv1.JSON{{Raw: []byte("1")}, {Raw: []byte("2")}}}, schema{Enum: []apiextensionsv1.JSON{{Raw: []byte("2")}}}, 1},
		{"another pattern", schema{Pattern: "a"}, schema{Pattern: "b"}, 1},
		{"items of another type", schema{Items: &apiextensionsv1.JSONSchemaPropsOrArray{Schema: &text}}, schema{Items: &apiextensionsv1.JSONSchemaPropsOrArray{Schema: &schema{Type: "object"}}}, 1},
		{"no further fields", schema{AdditionalProperties: &apiextensionsv1.JSONSchemaPropsOrBool{Schema: &text}}, schema{}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := narrowed("", &c.was, &c.is); len(got) != c.want {
				t.Errorf("found %q", got)
			}
		})
	}
}
