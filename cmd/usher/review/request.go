package review

import "usher.dev/usher/webhook"

// NewRequest makes the request that an API server would send for an object that
// is created, or updated where there is an old one. It puts an object into the
// request's namespace, if that has one, as an API server does before it asks.
func NewRequest(object, old map[string]any, requester webhook.Offline) (*webhook.Request, error) {
	req, err := webhook.NewRequest(object, old, requester)
	if err != nil || req.Namespace == "" || req.Kind == "Namespace" && req.Group == "" {
		return req, err
	}
	for _, o := range []map[string]any{object, old} {
		if o == nil {
			continue
		}
		metadata, ok := o["metadata"].(map[string]any)
		if !ok {
			metadata = map[string]any{}
			o["metadata"] = metadata
		}
		metadata["namespace"] = req.Namespace
	}
	return req, nil
}
