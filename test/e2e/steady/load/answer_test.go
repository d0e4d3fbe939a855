package load

import (
	"errors"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// denial is what a client gets when a webhook refuses a request.
func denial(webhook, text string) error {
	return apierrors.NewForbidden(pods.GroupResource(), "x", errors.New(`admission webhook "`+webhook+`" denied the request: `+text))
}

func object(text string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: read(text)}
}

const judged = `
metadata: {labels: {usher.dev/reservation: 0123456789abcdefghijklmnop}}
spec:
  nodeSelector: {tenant: a, zone: one}
  tolerations: [{key: other}, {key: tenant, value: a}]
`

func TestEveryWrongAnswerIsFound(t *testing.T) {
	inPool := read(`spec: {nodeSelector: {tenant: a}, tolerations: [{key: tenant, value: a}]}`)
	admitted := answer{mutated: true, validated: true, reserved: true, holds: inPool}
	refused := answer{mutated: true, validated: true, denied: []string{"gpu_escape/privileged", "pod_security/hostNamespaces"}}
	const both = "2 violations:\n  a: b [pod_security/hostNamespaces]\n  c: d (container \"x\") [gpu_escape/privileged]"
	for name, test := range map[string]struct {
		want answer
		got  *unstructured.Unstructured
		err  error
		is   Fault
	}{
		"admitted and mutated":                 {admitted, object(judged), nil, ""},
		"admitted without a mutation":          {admitted, object(`metadata: {labels: {usher.dev/reservation: 0123456789abcdefghijklmnop}}`), nil, Unjudged},
		"admitted without a reservation":       {admitted, object(`spec: {nodeSelector: {tenant: a}, tolerations: [{key: tenant, value: a}]}`), nil, Unjudged},
		"with a reservation of the user's own": {admitted, object(`metadata: {labels: {usher.dev/reservation: mine}}`), nil, Unjudged},
		"mutated in part":                      {admitted, object(`{metadata: {labels: {usher.dev/reservation: 0123456789abcdefghijklmnop}}, spec: {nodeSelector: {tenant: a}}}`), nil, Wrong},
		"into another pool":                    {admitted, object(`{metadata: {labels: {usher.dev/reservation: 0123456789abcdefghijklmnop}}, spec: {nodeSelector: {tenant: b}, tolerations: [{key: tenant, value: a}]}}`), nil, Wrong},
		"denied though it was to be admitted":  {admitted, nil, denial("validate.usher.dev", "1 violation:\n  a: b [gpu_quota/per-pod]"), Wrong},
		"denied by all checks":                 {refused, nil, denial("validate.usher.dev", both), ""},
		"denied by fewer checks":               {refused, nil, denial("validate.usher.dev", "1 violation:\n  a: b [pod_security/hostNamespaces]"), Wrong},
		"denied by more checks":                {refused, nil, denial("validate.usher.dev", both+"\n  e: f [tenant_isolation/toleration]"), Wrong},
		"admitted though it was to be denied":  {refused, object(judged), nil, Wrong},
		"denied by somebody else's webhook":    {refused, nil, denial("others.example.com", both), Failed},
		"refused by RBAC":                      {refused, nil, apierrors.NewForbidden(pods.GroupResource(), "x", errors.New("no rights")), Failed},
		"the webhook was not reached":          {admitted, nil, apierrors.NewInternalError(errors.New(`failed calling webhook "validate.usher.dev": EOF`)), Failed},
		"the API server was not reached":       {refused, nil, errors.New("connection refused"), Failed},
	} {
		if is, why := test.want.judge(test.got, test.err); is != test.is || (is == "") != (why == nil) {
			t.Errorf("%s: %q, %v, want %q", name, is, why, test.is)
		}
	}
}

func TestWarningsOfOtherPoliciesAreFound(t *testing.T) {
	var none *warning
	first, not := &warning{"the first version", true}, &warning{"the first version", false}
	for name, test := range map[string]struct {
		want  *warning
		heard []string
		is    Fault
	}{
		"nothing is expected":          {none, []string{"anything"}, ""},
		"what is expected":             {first, []string{"x", "judged by the first version [steady/seen]"}, ""},
		"another version":              {first, []string{"judged by the second version"}, Wrong},
		"no warning":                   {first, nil, Wrong},
		"a version that is out of use": {not, []string{"judged by the first version"}, Wrong},
		"no longer":                    {not, nil, ""},
	} {
		if is, _ := test.want.judge(test.heard); is != test.is {
			t.Errorf("%s: %q, want %q", name, is, test.is)
		}
	}
}
