package webhook

import (
	"errors"
	"fmt"

	"github.com/valyala/fastjson"

	"usher.dev/usher/internal/jsondoc"
)

// Request is one decoded AdmissionRequest (admission.k8s.io/v1).
type Request struct {
	// Raw is the request as sent.
	Raw map[string]any

	UID         string
	Group       string
	Version     string
	Kind        string
	SubResource string
	Name        string
	Namespace   string
	Operation   string
	DryRun      bool
	User        string

	object, oldObject lazyObject
	document          *jsondoc.Document
}

// lazyObject is an object of a request: parsed, and plain once asked for.
type lazyObject struct {
	value any // *fastjson.Value or map[string]any; nil: none
	plain map[string]any
}

func (o *lazyObject) get() map[string]any {
	if o.plain == nil && o.value != nil {
		o.plain, _ = jsondoc.Plain(o.value).(map[string]any)
	}
	return o.plain
}

// Object returns the object under review, nil if there is none.
func (r *Request) Object() map[string]any { return r.object.get() }

// OldObject returns what an update or deletion changes, nil if there is none.
func (r *Request) OldObject() map[string]any { return r.oldObject.get() }

// Release gives the memory of a decoded request back. What was taken from Raw
// may not be used afterwards.
func (r *Request) Release() {
	if r.document != nil {
		r.document.Release()
	}
}

// maxName bounds the names and other short texts of a request, since logs and
// answers repeat them.
const maxName = 4096

// Operations of an AdmissionRequest.
const (
	Create  = "CREATE"
	Update  = "UPDATE"
	Delete  = "DELETE"
	Connect = "CONNECT"
)

// DecodeReview reads an AdmissionReview of admission.k8s.io/v1 with a request.
// The request is for one goroutine at a time; release it after use.
func DecodeReview(body []byte) (*Request, error) {
	document, err := jsondoc.Parse(body)
	if err != nil {
		return nil, fmt.Errorf("decode AdmissionReview: %w", err)
	}
	r, err := fromReview(document.Root())
	if err != nil {
		document.Release()
		return nil, err
	}
	r.document = document
	return r, nil
}

func fromReview(review *fastjson.Value) (*Request, error) {
	apiVersion, kind := string(review.GetStringBytes("apiVersion")), string(review.GetStringBytes("kind"))
	if apiVersion != "admission.k8s.io/v1" || kind != "AdmissionReview" {
		return nil, fmt.Errorf("expected an AdmissionReview of admission.k8s.io/v1, got %q of %q", kind, apiVersion)
	}
	request := review.GetObject("request")
	if request == nil {
		return nil, errors.New("the AdmissionReview has no request")
	}
	// The objects are most of a review and stay as they are; what is around
	// them is small.
	raw := make(map[string]any, request.Len())
	request.Visit(func(key []byte, v *fastjson.Value) {
		switch name := string(key); name {
		case "object", "oldObject":
			if v.Type() != fastjson.TypeNull {
				raw[name] = v
			}
		default:
			raw[name] = jsondoc.Plain(v)
		}
	})
	return newRequest(raw)
}

func newRequest(raw map[string]any) (*Request, error) {
	r := &Request{Raw: raw}
	kind, err := object(raw, "kind")
	if err != nil {
		return nil, err
	}
	user, err := object(raw, "userInfo")
	if err != nil {
		return nil, err
	}
	for _, f := range []struct {
		in   map[string]any
		key  string
		into *string
	}{
		{raw, "uid", &r.UID},
		{kind, "group", &r.Group},
		{kind, "version", &r.Version},
		{kind, "kind", &r.Kind},
		{raw, "subResource", &r.SubResource},
		{raw, "name", &r.Name},
		{raw, "namespace", &r.Namespace},
		{raw, "operation", &r.Operation},
		{user, "username", &r.User},
	} {
		if err := text(f.in, f.key, f.into); err != nil {
			return nil, err
		}
	}
	if dryRun, ok := raw["dryRun"]; ok {
		if r.DryRun, ok = dryRun.(bool); !ok {
			return nil, errors.New("request.dryRun is not a boolean")
		}
	}
	if err := r.object.take(raw, "object"); err != nil {
		return nil, err
	}
	if err := r.oldObject.take(raw, "oldObject"); err != nil {
		return nil, err
	}
	switch {
	case r.UID == "":
		return nil, errors.New("request.uid is empty")
	case r.Kind == "":
		return nil, errors.New("request.kind.kind is empty")
	case (r.Operation == Create || r.Operation == Update) && r.object.value == nil:
		return nil, fmt.Errorf("request.operation is %s, but there is no request.object", r.Operation)
	case r.Operation == Update && r.oldObject.value == nil:
		return nil, errors.New("request.operation is UPDATE, but there is no request.oldObject")
	case r.Operation != Create && r.Operation != Update && r.Operation != Delete && r.Operation != Connect:
		return nil, fmt.Errorf("request.operation is %q, want CREATE, UPDATE, DELETE or CONNECT", r.Operation)
	}
	return r, nil
}

func (o *lazyObject) take(raw map[string]any, key string) error {
	switch v := raw[key].(type) {
	case nil:
		return nil
	case map[string]any:
		o.value, o.plain = v, v
		return nil
	case *fastjson.Value:
		if v.Type() == fastjson.TypeObject {
			o.value = v
			return nil
		}
	}
	return fmt.Errorf("request.%s is not an object", key)
}

func object(in map[string]any, key string) (map[string]any, error) {
	switch v := in[key].(type) {
	case nil:
		return nil, nil
	case map[string]any:
		return v, nil
	default:
		return nil, fmt.Errorf("request.%s is not an object", key)
	}
}

func text(in map[string]any, key string, into *string) error {
	switch v := in[key].(type) {
	case nil:
		return nil
	case string:
		if len(v) > maxName {
			return fmt.Errorf("%s in the request is longer than %d bytes", key, maxName)
		}
		*into = v
		return nil
	default:
		return fmt.Errorf("%s in the request is not a string", key)
	}
}

// Offline says who asks for what in a review that no API server sends.
type Offline struct {
	// Namespace is where an object without one goes. Default: "default".
	Namespace string
	// SubResource, as in an AdmissionRequest.
	SubResource string
	// User is who asks. Default: an anonymous user without any group.
	User   string
	Groups []string
}

// clusterScoped are the kinds under review that are in no namespace.
var clusterScoped = map[groupKind]bool{{"usher.dev", "GPUNode"}: true, tenantKind: true}

// NewRequest makes the request that an API server would send for an object:
// a CREATE, or an UPDATE when there is an old object.
func NewRequest(obj, old map[string]any, o Offline) (*Request, error) {
	apiVersion, _ := obj["apiVersion"].(string)
	kind, _ := obj["kind"].(string)
	if apiVersion == "" || kind == "" {
		return nil, errors.New("the object has no apiVersion or no kind")
	}
	group, version := splitAPIVersion(apiVersion)
	metadata, _ := obj["metadata"].(map[string]any)
	name, _ := metadata["name"].(string)
	raw := map[string]any{
		"uid":       "offline",
		"kind":      map[string]any{"group": group, "version": version, "kind": kind},
		"operation": Create,
		"name":      name,
		"userInfo":  userInfo(o),
		"object":    obj,
	}
	if o.SubResource != "" {
		raw["subResource"] = o.SubResource
	}
	if old != nil {
		raw["operation"], raw["oldObject"] = Update, old
	}
	switch {
	case kind == "Namespace" && group == "":
		raw["namespace"] = name // as the API server does
	case !clusterScoped[groupKind{group, kind}]:
		namespace, _ := metadata["namespace"].(string)
		if namespace == "" {
			namespace = o.Namespace
		}
		if namespace == "" {
			namespace = "default"
		}
		raw["namespace"] = namespace
	}
	return newRequest(raw)
}

func userInfo(o Offline) map[string]any {
	user := o.User
	if user == "" {
		user = "system:anonymous"
	}
	groups := make([]any, len(o.Groups))
	for i, g := range o.Groups {
		groups[i] = g
	}
	return map[string]any{"username": user, "groups": groups}
}

func splitAPIVersion(s string) (group, version string) {
	for i := range s {
		if s[i] == '/' {
			return s[:i], s[i+1:]
		}
	}
	return "", s
}
