package engine

import (
	"encoding/json"
	"fmt"

	jsonpatch "github.com/evanphx/json-patch/v5"

	"usher.dev/usher/internal/jsondoc"
	"usher.dev/usher/internal/verdict"
)

// Apply returns a document with operations applied; the document itself stays
// as it is.
func Apply(document map[string]any, operations []verdict.Operation) (map[string]any, error) {
	raw, err := json.Marshal(jsondoc.Plain(document))
	if err != nil {
		return nil, fmt.Errorf("encode the document: %w", err)
	}
	rawPatch, err := json.Marshal(operations)
	if err != nil {
		return nil, fmt.Errorf("encode the patch: %w", err)
	}
	patch, err := jsonpatch.DecodePatch(rawPatch)
	if err != nil {
		return nil, fmt.Errorf("decode the patch: %w", err)
	}
	if raw, err = patch.Apply(raw); err != nil {
		return nil, fmt.Errorf("apply the patch: %w", err)
	}
	out, err := jsondoc.Object(raw)
	if err != nil {
		return nil, fmt.Errorf("decode the patched document: %w", err)
	}
	return out, nil
}
