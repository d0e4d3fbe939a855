package extender

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/json"
)

// question is an ExtenderArgs: a pod, and the nodes that it may go to.
type question struct {
	pod *corev1.Pod
	// names are the nodes' names as JSON strings, slices of the body.
	names [][]byte
	// nodes are the whole Nodes in the order of names, where the scheduler sent
	// those (nodeCacheCapable: false); else nil.
	nodes [][]byte
}

// whole says that the scheduler sent Nodes and wants Nodes back.
func (q *question) whole() bool { return q.nodes != nil }

const (
	// maxNodes bounds the nodes of one question. Kubernetes supports 5,000.
	maxNodes = 50_000
	// maxNodeName bounds a name in bytes (RFC 1123 subdomain), as a JSON string.
	maxNodeName = 253 + 2
)

// decodeQuestion reads an ExtenderArgs. Like kube-scheduler's own types its
// fields match in any case; the pod within follows the API's rules. What the
// question holds refers to body.
func decodeQuestion(body []byte) (*question, error) {
	q := &question{}
	err := eachField(body, "ExtenderArgs", func(d *jsontext.Decoder, name string) (err error) {
		switch {
		case strings.EqualFold(name, "Pod"):
			q.pod, err = decodePod(d)
		case strings.EqualFold(name, "NodeNames"):
			err = q.decodeNames(d, body)
		case strings.EqualFold(name, "Nodes"):
			err = q.decodeNodes(d, body)
		default:
			err = d.SkipValue()
		}
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case q.pod == nil:
		return nil, errors.New("decode ExtenderArgs: there is no Pod")
	case q.nodes != nil && len(q.names) != len(q.nodes):
		return nil, errors.New("decode ExtenderArgs: there are both Nodes and NodeNames")
	}
	return q, nil
}

// eachField reads one JSON object and nothing after it, and hands each field's
// name to field, which consumes the value.
func eachField(body []byte, kind string, field func(d *jsontext.Decoder, name string) error) error {
	fail := func(err error) error { return fmt.Errorf("decode %s: %w", kind, err) }
	d := jsontext.NewDecoder(bytes.NewBuffer(body))
	if d.PeekKind() != '{' {
		if _, err := d.ReadValue(); err != nil {
			return fail(err)
		}
		return fail(errors.New("not a JSON object"))
	}
	if err := eachMember(d, func(name string) error { return field(d, name) }); err != nil {
		return fail(err)
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return fail(errors.New("there is more after the object"))
	}
	return nil
}

// eachMember reads the object that the decoder stands before.
func eachMember(d *jsontext.Decoder, member func(name string) error) error {
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	for d.PeekKind() != '}' {
		name, err := d.ReadToken()
		if err != nil {
			return err
		}
		if err := member(name.String()); err != nil {
			return err
		}
	}
	_, err := d.ReadToken()
	return err
}

// eachElement reads the array that the decoder stands before; null is an empty
// one.
func eachElement(d *jsontext.Decoder, what string, element func() error) error {
	start, err := d.ReadToken()
	switch {
	case err != nil:
		return err
	case start.Kind() == 'n':
		return nil
	case start.Kind() != '[':
		return fmt.Errorf("%s is no array", what)
	}
	for n := 0; d.PeekKind() != ']'; n++ {
		if n == maxNodes {
			return fmt.Errorf("%s has more than %d elements", what, maxNodes)
		}
		if err := element(); err != nil {
			return err
		}
	}
	_, err = d.ReadToken()
	return err
}

// decodePod reads a pod, nil for null.
func decodePod(d *jsontext.Decoder) (*corev1.Pod, error) {
	raw, err := d.ReadValue()
	if err != nil || raw.Kind() == 'n' {
		return nil, err
	}
	pod := &corev1.Pod{}
	if err := json.UnmarshalCaseSensitivePreserveInts(raw, pod); err != nil {
		return nil, fmt.Errorf("field Pod: %w", err)
	}
	return pod, nil
}

// decodeNames reads an array of names. The decoder has seen to it that the array
// is JSON, so that it only has to be cut.
func (q *question) decodeNames(d *jsontext.Decoder, body []byte) error {
	raw, err := d.ReadValue()
	if err != nil || raw.Kind() == 'n' {
		return err
	}
	if raw.Kind() != '[' {
		return errors.New("field NodeNames is no array")
	}
	list := valueAt(d, body, raw)
	names := make([][]byte, 0, bytes.Count(list, []byte{','})+1)
	for rest := list[1:]; ; {
		for rest[0] == ',' || rest[0] == ' ' || rest[0] == '\t' || rest[0] == '\r' || rest[0] == '\n' {
			rest = rest[1:]
		}
		if rest[0] == ']' {
			break
		}
		end := closingQuote(rest)
		if end < 0 || end >= maxNodeName {
			return fmt.Errorf("field NodeNames[%d] is not a node's name", len(names))
		}
		if len(names) == maxNodes {
			return fmt.Errorf("field NodeNames has more than %d elements", maxNodes)
		}
		names = append(names, rest[:end+1])
		rest = rest[end+1:]
	}
	if len(names) > 0 {
		q.names = names
	}
	return nil
}

// closingQuote finds the end of the JSON string that text begins with, -1 if it
// begins with something else.
func closingQuote(text []byte) int {
	if text[0] != '"' {
		return -1
	}
	for at := 1; ; {
		at += bytes.IndexByte(text[at:], '"')
		escapes := 0
		for text[at-1-escapes] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			return at
		}
		at++
	}
}

// valueAt is the value that the decoder has just read, as it stands in the body.
func valueAt(d *jsontext.Decoder, body []byte, value jsontext.Value) []byte {
	end := d.InputOffset()
	return body[end-int64(len(value)) : end]
}

// decodeNodes reads a NodeList.
func (q *question) decodeNodes(d *jsontext.Decoder, body []byte) error {
	switch d.PeekKind() {
	case 'n':
		return d.SkipValue()
	case '{':
	default:
		return errors.New("field Nodes is no object")
	}
	q.nodes = [][]byte{}
	return eachMember(d, func(name string) error {
		if name != "items" {
			return d.SkipValue()
		}
		return eachElement(d, "field Nodes.items", func() error {
			raw, err := d.ReadValue()
			if err != nil {
				return err
			}
			var node struct {
				Metadata struct {
					Name string `json:"name"`
				} `json:"metadata"`
			}
			if err := json.UnmarshalCaseSensitivePreserveInts(raw, &node); err != nil {
				return fmt.Errorf("field Nodes.items[%d]: %w", len(q.nodes), err)
			}
			quoted, err := jsontext.AppendQuote(nil, node.Metadata.Name)
			if err != nil || len(quoted) > maxNodeName {
				return fmt.Errorf("field Nodes.items[%d] has no valid name", len(q.nodes))
			}
			q.nodes, q.names = append(q.nodes, valueAt(d, body, raw)), append(q.names, quoted)
			return nil
		})
	})
}

// plainName is what a JSON string says.
func plainName(quoted []byte) []byte {
	inner := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return inner
	}
	plain, err := jsontext.AppendUnquote(nil, quoted)
	if err != nil {
		return inner // the decoder has seen to it that this cannot be
	}
	return plain
}
