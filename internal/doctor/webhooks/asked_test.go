package webhooks

import (
	"strings"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
)

var core = schema.GroupVersion{Version: "v1"}

func pod(namespace string) *Request {
	return &Request{
		User: "ada", Groups: []string{"system:authenticated"}, Operation: admission.Create, Resource: "pods", Version: core,
		Kind: core.WithKind("Pod"), Namespace: namespace, Name: "p",
		Object: map[string]any{"apiVersion": "v1", "kind": "Pod", "metadata": map[string]any{"name": "p", "labels": map[string]any{"app": "a"}}, "spec": map[string]any{}},
	}
}

func hook(change func(*admissionregistrationv1.ValidatingWebhook)) *Hook {
	w := admissionregistrationv1.ValidatingWebhook{
		Name: "w.example.com",
		Rules: []admissionregistrationv1.RuleWithOperations{{
			Operations: []admissionregistrationv1.OperationType{"*"},
			Rule:       admissionregistrationv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"pods", "namespaces"}},
		}},
	}
	change(&w)
	return Of(nil, []*admissionregistrationv1.ValidatingWebhookConfiguration{{ObjectMeta: metav1.ObjectMeta{Name: "c"}, Webhooks: []admissionregistrationv1.ValidatingWebhook{w}}})[0]
}

func TestAsked(t *testing.T) {
	matcher := NewMatcher([]*corev1.Namespace{{ObjectMeta: metav1.ObjectMeta{Name: "team", Labels: map[string]string{"tenant": "a"}}}})
	nothing := func(*admissionregistrationv1.ValidatingWebhook) {}
	selects := func(namespaces, objects *metav1.LabelSelector) func(*admissionregistrationv1.ValidatingWebhook) {
		return func(w *admissionregistrationv1.ValidatingWebhook) {
			w.NamespaceSelector, w.ObjectSelector = namespaces, objects
		}
	}
	when := func(expressions ...string) func(*admissionregistrationv1.ValidatingWebhook) {
		return func(w *admissionregistrationv1.ValidatingWebhook) {
			for _, e := range expressions {
				w.MatchConditions = append(w.MatchConditions, admissionregistrationv1.MatchCondition{Name: "c", Expression: e})
			}
		}
	}
	label := func(key, value string) *metav1.LabelSelector {
		return &metav1.LabelSelector{MatchLabels: map[string]string{key: value}}
	}
	for _, tt := range []struct {
		name    string
		change  func(*admissionregistrationv1.ValidatingWebhook)
		request *Request
		want    bool
	}{
		{"a rule names it", nothing, pod("team"), true},
		{"no rule names it", func(w *admissionregistrationv1.ValidatingWebhook) { w.Rules[0].Resources = []string{"pods/binding"} }, pod("team"), false},
		{"another version of it is named", func(w *admissionregistrationv1.ValidatingWebhook) { w.Rules[0].APIVersions = []string{"v1beta1"} }, pod("team"), true},
		{"another version of it is named, and exactly that is meant", func(w *admissionregistrationv1.ValidatingWebhook) {
			w.Rules[0].APIVersions = []string{"v1beta1"}
			w.MatchPolicy = new(admissionregistrationv1.Exact)
		}, pod("team"), false},
		{"cluster-wide objects are meant", func(w *admissionregistrationv1.ValidatingWebhook) {
			w.Rules[0].Scope = new(admissionregistrationv1.ClusterScope)
		}, pod("team"), false},
		{"a label of the namespace selects it", selects(label("tenant", "a"), nil), pod("team"), true},
		{"no label of the namespace selects it", selects(label("tenant", "b"), nil), pod("team"), false},
		{"a namespace that is not there has its name", selects(label(corev1.LabelMetadataName, "new"), nil), pod("new"), true},
		{"a label of the object selects it", selects(nil, label("app", "a")), pod("team"), true},
		{"no label of the object selects it", selects(nil, label("app", "b")), pod("team"), false},
		{"a condition holds", when("request.namespace == 'team'", "object.metadata.labels.app == 'a'"), pod("team"), true},
		{"a condition does not hold", when("request.userInfo.username != 'ada'"), pod("team"), false},
		{"who may do something counts as nobody", when("authorizer.group('').resource('pods').check('create').allowed()"), pod("team"), false},
		{"webhook configurations are never asked about", func(w *admissionregistrationv1.ValidatingWebhook) {
			w.Rules[0].APIGroups, w.Rules[0].APIVersions, w.Rules[0].Resources = []string{"*"}, []string{"*"}, []string{"*"}
		}, &Request{Operation: admission.Update, Resource: "validatingwebhookconfigurations", Version: admissionregistrationv1.SchemeGroupVersion, Kind: admissionregistrationv1.SchemeGroupVersion.WithKind("ValidatingWebhookConfiguration"), Name: "c"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if asked, err := matcher.Asked(t.Context(), hook(tt.change), tt.request); err != nil || asked != tt.want {
				t.Errorf("asked %v, %v, want %v", asked, err, tt.want)
			}
		})
	}
	t.Run("a condition that fails refuses the request", func(t *testing.T) {
		_, err := matcher.Asked(t.Context(), hook(when("object.nothing.here == 1")), pod("team"))
		if err == nil || !strings.HasPrefix(err.Error(), "match conditions of webhook w.example.com: ") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("a condition that fails lets pass what may pass", func(t *testing.T) {
		h := hook(func(w *admissionregistrationv1.ValidatingWebhook) {
			when("object.nothing.here == 1")(w)
			w.FailurePolicy = new(admissionregistrationv1.Ignore)
		})
		if asked, err := matcher.Asked(t.Context(), h, pod("team")); asked || err != nil || h.Fails {
			t.Errorf("asked %v, %v", asked, err)
		}
	})
}

func TestDefaultsAndOrderAreTheAPIServers(t *testing.T) {
	hooks := Of([]*admissionregistrationv1.MutatingWebhookConfiguration{
		{ObjectMeta: metav1.ObjectMeta{Name: "b"}, Webhooks: []admissionregistrationv1.MutatingWebhook{{Name: "b.1"}, {Name: "b.0"}}},
		{ObjectMeta: metav1.ObjectMeta{Name: "a"}, Webhooks: []admissionregistrationv1.MutatingWebhook{{Name: "a.0"}}},
	}, []*admissionregistrationv1.ValidatingWebhookConfiguration{{ObjectMeta: metav1.ObjectMeta{Name: "0"}, Webhooks: []admissionregistrationv1.ValidatingWebhook{{Name: "0.0"}}}})
	var names []string
	for _, h := range hooks {
		names = append(names, h.Name)
		if !h.Fails || h.TimeoutSeconds != 10 || h.MatchPolicy != admissionregistrationv1.Equivalent {
			t.Errorf("%+v", h)
		}
	}
	if got := strings.Join(names, " "); got != "a.0 b.1 b.0 0.0" {
		t.Errorf("order %s", got)
	}
}
