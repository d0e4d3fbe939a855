package doctor

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
)

var checkCRDs = &Check{
	ID:    "crds",
	Title: "usher's CRDs are there, as new as usher, and what is stored can be read",
	Why: "helm upgrade and many GitOps set-ups do not change CRDs: an older one drops the fields that a newer usher writes. A stored version " +
		"that is no longer served makes objects unreadable.",
	Reads: []Kind{kindCRDs},
	run: func(s *Snapshot) (found []Finding) {
		if !s.Live && len(s.CRDs) == 0 {
			return nil // charts keep them elsewhere
		}
		for _, want := range s.wanted().CRDs {
			is := find(s.CRDs, "", want.Name)
			object := Object{"CustomResourceDefinition", "", want.Name}
			if is == nil {
				found = append(found, errorOf(object, "apply usher's CRDs (manifests/crd) before anything else", "it is not there: usher cannot start, or waits"))
				continue
			}
			found = append(found, crdFindings(s, object, want, is)...)
		}
		return found
	},
}

func crdFindings(s *Snapshot, object Object, want, is *apiextensionsv1.CustomResourceDefinition) (found []Finding) {
	for _, version := range is.Status.StoredVersions {
		if !slices.ContainsFunc(is.Spec.Versions, func(v apiextensionsv1.CustomResourceDefinitionVersion) bool { return v.Name == version }) {
			found = append(found, errorOf(object, "bring the version back, migrate what is stored, then take it out of status.storedVersions", "objects are stored in version %s, which it no longer has", version))
		}
	}
	if s.Live && !slices.ContainsFunc(is.Status.Conditions, func(c apiextensionsv1.CustomResourceDefinitionCondition) bool {
		return c.Type == apiextensionsv1.Established && c.Status == apiextensionsv1.ConditionTrue
	}) {
		found = append(found, errorOf(object, "see its conditions: `kubectl describe crd "+object.Name+"`", "it is not established: the API server does not serve it"))
	}
	var lacks []string
	for i := range want.Spec.Versions {
		v := &want.Spec.Versions[i]
		at := slices.IndexFunc(is.Spec.Versions, func(o apiextensionsv1.CustomResourceDefinitionVersion) bool { return o.Name == v.Name && o.Served })
		if at < 0 {
			lacks = append(lacks, "version "+v.Name)
			continue
		}
		// A rule that names usher's namespace may or may not have been told of it.
		plain := func(rule string) string {
			return strings.ReplaceAll(rule, "'"+s.Namespace+"'", "'"+defaultNamespace+"'")
		}
		lacks = append(lacks, missing(schemaOf(v), schemaOf(&is.Spec.Versions[at]), "", plain)...)
		if v.Subresources != nil && v.Subresources.Status != nil && (is.Spec.Versions[at].Subresources == nil || is.Spec.Versions[at].Subresources.Status == nil) {
			lacks = append(lacks, "the subresource status")
		}
	}
	if len(lacks) > 0 {
		found = append(found, errorOf(object, "apply the CRDs of this release of usher (`usher version`): kubectl apply --server-side -f manifests/crd", "it is older than this release of usher and lacks %s", some(lacks)))
	}
	return found
}

func schemaOf(v *apiextensionsv1.CustomResourceDefinitionVersion) *apiextensionsv1.JSONSchemaProps {
	if v.Schema == nil || v.Schema.OpenAPIV3Schema == nil {
		return &apiextensionsv1.JSONSchemaProps{}
	}
	return v.Schema.OpenAPIV3Schema
}

// missing are the fields, and the rules over them, that one schema has and another
// lacks. Rules are compared as plain makes them.
func missing(want, is *apiextensionsv1.JSONSchemaProps, path string, plain func(string) string) (lacks []string) {
	for _, name := range slices.Sorted(maps.Keys(want.Properties)) {
		at := strings.TrimPrefix(path+"."+name, ".")
		w, i := want.Properties[name], is.Properties[name]
		if _, ok := is.Properties[name]; !ok {
			lacks = append(lacks, at)
			continue
		}
		lacks = append(lacks, missing(&w, &i, at, plain)...)
	}
	if want.Items != nil && want.Items.Schema != nil {
		if is.Items == nil || is.Items.Schema == nil {
			return append(lacks, path+"[]")
		}
		lacks = append(lacks, missing(want.Items.Schema, is.Items.Schema, path+"[]", plain)...)
	}
	rules := map[string]bool{}
	for _, r := range is.XValidations {
		rules[plain(r.Rule)] = true
	}
	for n, r := range want.XValidations {
		if !rules[plain(r.Rule)] {
			lacks = append(lacks, fmt.Sprintf("rule %d of %s", n+1, or(path, "the object")))
		}
	}
	return lacks
}
