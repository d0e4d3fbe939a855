package webhooks

import (
	"context"
	"fmt"
	"slices"
	"sync"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/plugin/cel"
	"k8s.io/apiserver/pkg/admission/plugin/webhook/predicates/namespace"
	"k8s.io/apiserver/pkg/admission/plugin/webhook/predicates/object"
	"k8s.io/apiserver/pkg/admission/plugin/webhook/predicates/rules"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/cel/environment"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
)

// compiler compiles match conditions as the API server of this release does.
var compiler = sync.OnceValue(func() cel.ConditionCompiler {
	return cel.NewConditionCompiler(environment.MustBaseEnvSet(environment.DefaultCompatibilityVersion()))
})

// Matcher matches requests in the namespaces that it knows.
type Matcher struct{ namespaces namespace.Matcher }

// NewMatcher returns a matcher that knows these namespaces. Every other namespace
// is taken to have no labels but its name.
func NewMatcher(namespaces []*corev1.Namespace) *Matcher {
	index := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{})
	for _, ns := range namespaces {
		// An indexer in memory takes every object that has a name.
		_ = index.Add(named(ns))
	}
	return &Matcher{namespace.Matcher{NamespaceLister: lister{corelisters.NewNamespaceLister(index)}}}
}

// named has the label that the API server sets on every namespace.
func named(ns *corev1.Namespace) *corev1.Namespace {
	ns = ns.DeepCopy()
	metav1.SetMetaDataLabel(&ns.ObjectMeta, corev1.LabelMetadataName, ns.Name)
	return ns
}

// lister knows every namespace: one that is not there yet is about to be made.
type lister struct{ corelisters.NamespaceLister }

func (l lister) Get(name string) (*corev1.Namespace, error) {
	if ns, err := l.NamespaceLister.Get(name); err == nil {
		return ns, nil
	}
	return named(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}), nil
}

// Asked reports whether the API server asks the webhook about the request. With an
// error it refuses the request without asking. A condition that asks who else may
// do something is answered as if nobody might.
func (m *Matcher) Asked(ctx context.Context, h *Hook, r *Request) (bool, error) {
	attributes := r.attributes()
	if rules.IsExemptAdmissionConfigurationResource(attributes) {
		return false, nil
	}
	if matches, err := m.namespaces.MatchNamespaceSelector(h.accessor, attributes); err != nil || !matches {
		return false, asError(err)
	}
	if matches, err := new(object.Matcher).MatchObjectSelector(h.accessor, attributes); err != nil || !matches {
		return false, asError(err)
	}
	if !h.names(attributes) {
		return false, nil
	}
	versioned := &admission.VersionedAttributes{
		Attributes: attributes, VersionedKind: r.Kind,
		VersionedObject: admission.NewLazyObject(attributes.GetObject()), VersionedOldObject: admission.NewLazyObject(attributes.GetOldObject()),
	}
	result := h.accessor.GetCompiledMatcher(compiler()).Match(ctx, versioned, nil, nobodyMay{})
	if result.Error != nil {
		return false, fmt.Errorf("match conditions of webhook %s: %w", h.Name, result.Error)
	}
	return result.Matches, nil
}

// names reports whether a rule names what the request is about. With the match
// policy Equivalent a rule for one version of a kind is for all of them.
func (h *Hook) names(attributes admission.Attributes) bool {
	return slices.ContainsFunc(h.Rules, func(rule admissionregistrationv1.RuleWithOperations) bool {
		if h.MatchPolicy == admissionregistrationv1.Equivalent {
			rule.APIVersions = []string{"*"}
		}
		return (&rules.Matcher{Rule: rule, Attr: attributes}).Matches()
	})
}

// asError keeps a nil pointer from becoming an error.
func asError[E interface {
	comparable
	error
}](err E) error {
	var none E
	if err == none {
		return nil
	}
	return err
}

// nobodyMay grants nothing.
type nobodyMay struct{}

func (nobodyMay) Authorize(context.Context, authorizer.Attributes) (authorizer.Decision, string, error) {
	return authorizer.DecisionNoOpinion, "", nil
}
