package manifest

import (
	"encoding/json"
	"strings"

	"go.yaml.in/yaml/v3"
)

// jsonNodes builds the nodes of one JSON document, because JSON has escapes
// that YAML parsers refuse, such as surrogate pairs. A node's Column is its byte
// offset: a line and a column of a file that is one long line would be slow to
// work out for each. It returns nil for what is no JSON.
func jsonNodes(text string) *yaml.Node {
	builder := &jsonBuilder{text: text, decoder: json.NewDecoder(strings.NewReader(text))}
	builder.decoder.UseNumber()
	node, err := builder.value()
	if err != nil {
		return nil
	}
	return node
}

type jsonBuilder struct {
	text    string
	decoder *json.Decoder
}

func (b *jsonBuilder) value() (*yaml.Node, error) {
	node := &yaml.Node{Column: b.next()}
	token, err := b.decoder.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('{'):
		node.Kind = yaml.MappingNode
	case json.Delim('['):
		node.Kind = yaml.SequenceNode
	default:
		node.Kind = yaml.ScalarNode
		node.Value, _ = token.(string)
		return node, nil
	}
	for b.decoder.More() {
		child, err := b.value()
		if err != nil {
			return nil, err
		}
		node.Content = append(node.Content, child)
	}
	_, err = b.decoder.Token()
	return node, err
}

// next is the offset of the next token.
func (b *jsonBuilder) next() int {
	at := int(b.decoder.InputOffset())
	for at < len(b.text) && strings.IndexByte(" \t\r\n,:", b.text[at]) >= 0 {
		at++
	}
	return at
}
