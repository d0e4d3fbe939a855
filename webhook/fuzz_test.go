package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admission/v1"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/jsondoc"
	"usher.dev/usher/internal/verdict"
)

// fakeYes are policies that find nothing.
type fakeYes struct{}

func (fakeYes) Digest() string { return "sha256:fake" }

func (fakeYes) Mutate(_ context.Context, in verdict.Input) verdict.Mutation {
	return verdict.Mutation{Pod: in.Pod}
}
func (fakeYes) Validate(context.Context, verdict.Input) []verdict.Result { return nil }
func (fakeYes) Reserve(context.Context, verdict.Input) []verdict.Result  { return nil }

func (fakeYes) CheckParameters(map[string]any) (wrong, unknown []verdict.Finding) { return nil, nil }

// fakeEverywhere is a cluster in which every namespace exists.
type fakeEverywhere struct{}

func (fakeEverywhere) Namespace(_ context.Context, name string) (map[string]any, error) {
	return map[string]any{"metadata": map[string]any{"name": name}}, nil
}

func (fakeEverywhere) Tenant(context.Context, string) (map[string]any, error) { return nil, nil }
func (fakeEverywhere) Tenants(context.Context) ([]map[string]any, error)      { return nil, nil }

// FuzzDecodeReview decodes reviews and has them answered: whatever is sent, the
// decoder accepts only what is a review for encoding/json too, and what it
// accepts is answered for that request.
func FuzzDecodeReview(f *testing.F) {
	const body = `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u","operation":"%s","namespace":"a","kind":{"group":"%g","version":"v1","kind":"%k"},"userInfo":{"username":"jane"},"dryRun":true,"object":{"metadata":{"labels":{"a":"b"}},"spec":{"template":{"spec":{}},"n":[1,2.5e3,null]}},"oldObject":{"spec":{}}}}`
	for _, kind := range []string{"Pod", "Namespace", "Binding", "Widget"} {
		for _, operation := range []string{Create, Update, Delete, Connect} {
			f.Add([]byte(strings.NewReplacer("%s", operation, "%g", "", "%k", kind).Replace(body)))
		}
	}
	f.Add([]byte(strings.NewReplacer("%s", Update, "%g", "apps", "%k", "Deployment").Replace(body)))
	f.Add([]byte(strings.NewReplacer("%s", Update, "%g", "usher.dev", "%k", "Tenant").Replace(body)))
	f.Add([]byte(strings.NewReplacer("%s", Delete, "%g", "rbac.authorization.k8s.io", "%k", "RoleBinding").Replace(body)))
	f.Add([]byte(`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":1,"operation":"DELETE","userInfo":[]}}`))
	f.Add([]byte(`{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"\u0000\ud83d\ude00","object":{}}}`))
	cfg := &v1alpha1.AdmissionConfiguration{TenantLabel: "tenant"}
	r, err := NewReviewer(func() verdict.Policies { return fakeYes{} }, fakeEverywhere{}, nil, cfg)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		sent := bytes.Clone(body)
		req, err := DecodeReview(body)
		if err != nil {
			if len(err.Error()) > 64<<10 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
			return
		}
		defer req.Release()
		if req.UID == "" || req.Kind == "" || (req.Operation == Create || req.Operation == Update) && req.Object() == nil || req.Operation == Update && req.OldObject() == nil {
			t.Errorf("accepted a review that lacks something: %s", sent)
		}
		var want struct {
			Request map[string]any `json:"request"`
		}
		d := json.NewDecoder(bytes.NewReader(sent))
		d.UseNumber()
		if err := d.Decode(&want); err != nil {
			t.Fatalf("accepted what encoding/json refuses: %v", err)
		}
		object, _ := want.Request["object"].(map[string]any)
		oldObject, _ := want.Request["oldObject"].(map[string]any)
		if diff := cmp.Diff([]any{object, oldObject}, []any{req.Object(), req.OldObject()}); diff != "" {
			t.Error("objects differ from encoding/json's (-want +got):\n" + diff)
		}
		for name, ask := range map[string]review{"mutate": r.Mutate, "validate": r.Validate} {
			out, err := ask(t.Context(), req)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			response, err := out.Response(req.UID)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			raw, err := json.Marshal(response)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			var again admissionv1.AdmissionResponse
			if err := json.Unmarshal(raw, &again); err != nil || string(again.UID) != want.Request["uid"] {
				t.Errorf("%s: %v, uid %q", name, err, again.UID)
			}
			if !again.Allowed && (again.Result == nil || again.Result.Message == "") {
				t.Errorf("%s: denied without a reason", name)
			}
		}
	})
}

// FuzzFindTargets compares the target finder with a search of all of an object.
func FuzzFindTargets(f *testing.F) {
	const object = `{"spec":{"template":{"spec":{}},"replicas":{"a":{"template":{}},"b/c~d":{"template":{}},"e":null,"":{"template":{"template":{}}}},"list":[{"template":{}},1,{"template":[]}],"n":1},"template":{}}`
	for _, path := range []string{"template", "spec.template", "spec.*.template", "spec.replicas.*.template", "spec.list.*.template", "spec.list.0.template", "spec.list.00.template", "spec.list.+1", "*.*.*", "spec.n.x", "spec.list.x", "*"} {
		f.Add([]byte(object), path)
	}
	f.Add([]byte(`{"*":{"":{}}}`), "*.*")
	f.Fuzz(func(t *testing.T, raw []byte, path string) {
		object, err := jsondoc.Object(raw)
		if err != nil || path == "" || strings.Count(path, "*") > 4 {
			return
		}
		kind := groupKind{"example.com", "Job"}
		targets := newTargets([]v1alpha1.PodTemplatePaths{{Group: kind.group, Kind: kind.kind, Paths: []string{path}}})
		found, wrong, known := targets.find(kind, object)
		if !known {
			t.Fatal("the kind is not known")
		}
		var got []string
		for _, target := range found {
			pod, ok := at(object, tokens(target.Path))
			if !ok || !cmp.Equal(pod, any(target.Pod)) {
				t.Errorf("%s leads to %v", target.Path, pod)
			}
			got = append(got, target.Path)
		}
		for _, m := range wrong {
			if v, ok := at(object, tokens(m.path)); !ok || v == nil || m.problem == "" {
				t.Errorf("%s is misplaced and is %v", m.path, v)
			}
			if slices.Contains(got, m.path) {
				t.Errorf("%s is a template and misplaced", m.path)
			}
		}
		var want []string
		search(object, "", strings.Split(path, "."), &want)
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("templates at %s (-want +got):\n%s", path, diff)
		}
	})
}

// search visits every value of an object and notes the objects whose place
// matches the pattern.
func search(v any, pointer string, pattern []string, found *[]string) {
	if place := tokens(pointer); len(place) == len(pattern) {
		if _, ok := v.(map[string]any); ok && slices.EqualFunc(place, pattern, func(token, p string) bool { return p == "*" || p == token }) {
			*found = append(*found, pointer)
		}
	}
	switch v := v.(type) {
	case map[string]any:
		for key, below := range v {
			search(below, pointer+"/"+escape(key), pattern, found)
		}
	case []any:
		for i, below := range v {
			search(below, pointer+"/"+strconv.Itoa(i), pattern, found)
		}
	}
}

// FuzzLocate follows pointers through objects: the pointer to each value leads
// to it, and its field path names it.
func FuzzLocate(f *testing.F) {
	const pod = `{"spec":{"containers":[{"name":"a","env":[{"name":"X"}]},{"name":1},2],"initContainers":{"0":{"name":"no list"}}},"metadata":{"labels":{"a/b~c":"d","":"e","x.y":1}}}`
	for _, pointer := range []string{"", "/", "/spec/containers/0/env/0", "/spec/containers/7/image", "/spec/containers/-", "/spec/containers/x", "/spec/initContainers/0", "/metadata/labels/a~1b~0c", "/a~2b~", "no pointer", "//"} {
		f.Add([]byte(pod), pointer)
	}
	f.Fuzz(func(t *testing.T, raw []byte, pointer string) {
		object, err := jsondoc.Object(raw)
		if err != nil {
			return
		}
		field, container := locate(object, pointer)
		if (field == "") != (len(tokens(pointer)) == 0) {
			t.Errorf("%q is field %q", pointer, field)
		}
		if container != "" && !strings.Contains(pointer, "ontainers/") {
			t.Errorf("%q leads through container %q", pointer, container)
		}
		visit(object, "", func(pointer string, v any) {
			got, ok := at(object, tokens(pointer))
			if !ok || !cmp.Equal(got, v) {
				t.Errorf("%q leads to %v, not to %v", pointer, got, v)
			}
			field, _ := locate(object, pointer)
			if pointer != "" && field == "" {
				t.Errorf("%q has no field path", pointer)
			}
		})
	})
}

func visit(v any, pointer string, f func(pointer string, v any)) {
	f(pointer, v)
	switch v := v.(type) {
	case map[string]any:
		for key, below := range v {
			visit(below, pointer+"/"+escape(key), f)
		}
	case []any:
		for i, below := range v {
			visit(below, pointer+"/"+strconv.Itoa(i), f)
		}
	}
}
