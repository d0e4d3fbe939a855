package manifest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// documents cuts a file into its documents: a stream of JSON values if it is
// one, YAML otherwise, which kubectl tells apart in the same way.
func (f *File) documents() []*document {
	if strings.HasPrefix(strings.TrimSpace(f.text), "{") {
		if spans, err := splitJSON(f.text); err == nil {
			return f.cut(spans, true)
		}
	}
	return f.cut(splitYAML(f.text), false)
}

func (f *File) cut(spans []span, json bool) []*document {
	docs := make([]*document, len(spans))
	for i, s := range spans {
		docs[i] = &document{file: f, span: s, json: json}
	}
	return docs
}

// splitJSON finds the values of a stream of JSON.
func splitJSON(text string) ([]span, error) {
	decoder := json.NewDecoder(strings.NewReader(text))
	var spans []span
	for {
		var raw json.RawMessage
		if err := decoder.Decode(&raw); errors.Is(err, io.EOF) {
			return spans, nil
		} else if err != nil {
			return nil, err
		}
		end := int(decoder.InputOffset())
		spans = append(spans, span{end - len(raw), end})
	}
}

// decode gives the document's value as kubectl's decoders give it: YAML 1.1,
// integers as int64; nil for an empty document.
func (d *document) decode() (any, []*Problem) {
	encoded := []byte(d.text())
	if !d.json {
		var wrong []*Problem
		if encoded, wrong = d.encodeYAML(); wrong != nil {
			return nil, wrong
		}
	}
	var value any
	strict, err := kjson.UnmarshalStrict(encoded, &value, kjson.DisallowDuplicateFields)
	if err != nil {
		return nil, []*Problem{d.file.problem(d.start(), "broken JSON: "+err.Error())}
	}
	if len(strict) == 0 {
		return value, nil
	}
	holder, _ := value.(map[string]any)
	object := &Object{Value: holder, doc: d}
	problems := make([]*Problem, len(strict))
	for i, err := range strict {
		problems[i] = object.strictProblem(err)
	}
	return nil, problems
}

// encodeYAML turns a YAML document to JSON.
func (d *document) encodeYAML() ([]byte, []*Problem) {
	if d.expandedSize() > maxExpanded {
		return nil, []*Problem{d.file.problem(d.start(), fmt.Sprintf(
			"aliases make this document larger than %d MiB; write fewer of them", maxExpanded>>20))}
	}
	encoded, err := yaml.YAMLToJSONStrict([]byte(d.text()))
	if err == nil {
		return encoded, nil
	}
	if strings.Contains(err.Error(), "already set in map") {
		repeated, merges := d.repeatedKeys()
		if len(repeated) > 0 {
			return nil, repeated
		}
		// The strict decoder takes a field that overrides a merged one for a
		// repeated one.
		if merges {
			encoded, err = yaml.YAMLToJSON([]byte(d.text()))
		}
	}
	if err != nil {
		return nil, d.yamlProblems(err)
	}
	return encoded, nil
}
