// Package jsondoc reads JSON documents strictly, and as late as possible: a
// parsed document becomes plain Go values only where somebody needs them.
package jsondoc

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/valyala/fastjson"
)

// keepBytes is the size of document up to which a parser's memory is used again.
const keepBytes = 1 << 20

var parsers fastjson.ParserPool

// Document is a parsed JSON object.
type Document struct {
	root   *fastjson.Value
	parser *fastjson.Parser
	keep   bool
	once   sync.Once
}

// Parse parses one JSON object and nothing after it. Names that stand twice in
// one object, strings that are not UTF-8 and nesting deeper than
// fastjson.MaxDepth are errors, since readers differ on what they mean.
//
// The document is for one goroutine at a time, and none of its values may be
// used after Release.
func Parse(raw []byte) (*Document, error) {
	// The strict reader judges, the fast one builds.
	if !jsontext.Value(raw).IsValid() {
		return nil, invalid(raw)
	}
	parser := parsers.Get()
	root, err := parser.ParseBytes(raw)
	if err != nil {
		parsers.Put(parser)
		reason, _, _ := strings.Cut(err.Error(), "; unparsed tail")
		return nil, errors.New(reason)
	}
	d := &Document{root: root, parser: parser, keep: len(raw) <= keepBytes}
	if root.Type() != fastjson.TypeObject {
		d.Release()
		return nil, errors.New("not a JSON object")
	}
	return d, nil
}

// invalid says what is wrong with a document.
func invalid(raw []byte) error {
	v := jsontext.Value(raw).Clone()
	if err := v.Compact(); err != nil {
		return err
	}
	return errors.New("a name stands twice in one object, or a string is not UTF-8")
}

// Root returns the object.
func (d *Document) Root() *fastjson.Value { return d.root }

// Release gives the document's memory back.
func (d *Document) Release() {
	d.once.Do(func() {
		if d.keep {
			parsers.Put(d.parser)
		}
		d.parser, d.root = nil, nil
	})
}

// Object decodes one JSON object into plain values: nil, bool, string,
// json.Number, []any and map[string]any.
func Object(raw []byte) (map[string]any, error) {
	d, err := Parse(raw)
	if err != nil {
		return nil, err
	}
	defer d.Release()
	object, _ := Plain(d.root).(map[string]any)
	return object, nil
}

// Plain makes plain values of a value that may hold parsed ones. It copies what
// was parsed, and the maps and lists that hold it.
func Plain(v any) any {
	switch v := v.(type) {
	case *fastjson.Value:
		return plain(v)
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = Plain(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = Plain(e)
		}
		return out
	default:
		return v
	}
}

func plain(v *fastjson.Value) any {
	switch v.Type() {
	case fastjson.TypeObject:
		object := v.GetObject()
		out := make(map[string]any, object.Len())
		object.Visit(func(key []byte, e *fastjson.Value) { out[string(key)] = plain(e) })
		return out
	case fastjson.TypeArray:
		elements := v.GetArray()
		out := make([]any, len(elements))
		for i, e := range elements {
			out[i] = plain(e)
		}
		return out
	case fastjson.TypeString:
		return string(v.GetStringBytes())
	case fastjson.TypeNumber:
		return json.Number(v.MarshalTo(nil))
	case fastjson.TypeTrue:
		return true
	case fastjson.TypeFalse:
		return false
	case fastjson.TypeNull:
		return nil
	default:
		panic(fmt.Sprintf("jsondoc: unknown type %s", v.Type()))
	}
}
