package engine

import (
	"bytes"
	"encoding/json"
)

// unmarshal decodes JSON with exact numbers; strict refuses unknown fields.
func unmarshal(raw []byte, to any, strict bool) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if strict {
		d.DisallowUnknownFields()
	}
	return d.Decode(to)
}
