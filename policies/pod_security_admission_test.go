package policies_test

import (
	"context"
	"math/rand/v2"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/pod-security-admission/admission"
	admissionapi "k8s.io/pod-security-admission/admission/api"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/metrics"

	"usher.dev/usher/internal/verdict"
	"usher.dev/usher/policies/randompod"
)

// podSecurityRequests is how many requests are put to Kubernetes' Pod Security
// admission and to the policy.
const podSecurityRequests = 1500

// absent stands for a label that is not there.
const absent = "(absent)"

// podSecurityLabels are values of the namespace's labels, some of which do not
// parse.
var podSecurityLabels = map[string][]string{
	"level": {absent, absent, "", "privileged", "baseline", "restricted", "restricted", "Restricted", "none"},
	"version": {
		absent, absent, "", "latest", "v1.0", "v1.7", "v1.24", "v1.34", "v1.37", "v1.38", "v1.400", "v1.99999999999999999999",
		"1.24", "v1.024", "v1.24 ", "V1.24", "v1", "v2.0", "v1.24.1", "v1.-1", "v1.1e1", "Latest",
	},
}

// TestPodSecurityAdmission compares the policy's three rules with what
// Kubernetes' whole admission plugin does: the labels of the namespace, the
// defaults, pods and pod templates.
func TestPodSecurityAdmission(t *testing.T) {
	for name, defaults := range map[string]struct {
		parameters map[string]string
		tenant     map[string]any
		level      string
		version    string
	}{
		"without a tenant":        {level: "privileged", version: "latest"},
		"of a tenant":             {tenant: map[string]any{"metadata": map[string]any{"name": "a"}}, level: "baseline", version: "latest"},
		"with other defaults":     {parameters: map[string]string{"default_level": "restricted", "default_version": "v1.20"}, level: "restricted", version: "v1.20"},
		"of a restricted tenant":  {parameters: map[string]string{"tenant_default_level": "restricted"}, tenant: map[string]any{"metadata": map[string]any{"name": "a"}}, level: "restricted", version: "latest"},
		"of a privileged tenant":  {parameters: map[string]string{"tenant_default_level": "privileged", "default_level": "restricted"}, tenant: map[string]any{"metadata": map[string]any{"name": "a"}}, level: "privileged", version: "latest"},
		"with a misspelled level": {parameters: map[string]string{"default_level": "Baseline", "default_version": "24"}, level: "restricted", version: "latest"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			judge := newPodSecurity(t, defaults.parameters)
			namespace := &corev1.Namespace{}
			plugin := newPodSecurityPlugin(t, namespace, defaults.level, defaults.version)
			allowed := 0
			for seed := range uint64(inShort(podSecurityRequests)) {
				r := rand.New(rand.NewPCG(seed, 1))
				namespace.Labels = randomLabels(r)
				request := randomRequest(r)
				want := plugin.Validate(t.Context(), request.attributes())
				in := verdict.Input{Pod: judgedPod(t, request.pod), Namespace: labelled(namespace.Labels), Tenant: defaults.tenant}
				if request.template {
					in.Pod["path"] = "/spec/template"
				}
				got := judge.judge(t, in)
				denied := len(checksOf(got.Deny)) > 0
				_, audited := want.AuditAnnotations[api.AuditViolationsAnnotationKey]
				warned := len(want.Warnings) > 0
				wrong := audited != (len(got.Audit) > 0)
				if !request.template { // which Kubernetes never refuses
					wrong = wrong || want.Allowed == denied
				}
				if want.Allowed { // it warns of nothing that it refuses
					wrong = wrong || warned != (len(checksOf(got.Warn)) > 0)
				}
				if wrong {
					t.Fatalf("request %d: deny %v, warn %v, audit %v, want allowed %t, warned %t, audited %t\nlabels %v, template %t\n%s",
						seed, checksOf(got.Deny), checksOf(got.Warn), checksOf(got.Audit), want.Allowed, warned, audited,
						namespace.Labels, request.template, asYAML(t, request.pod))
				}
				if want.Allowed {
					allowed++
				}
			}
			if all := inShort(podSecurityRequests); allowed < all/20 || allowed > all*19/20 {
				t.Errorf("%d of %d requests were allowed: they prove little", allowed, all)
			}
		})
	}
}

func randomLabels(r *rand.Rand) map[string]string {
	labels := map[string]string{}
	for _, label := range []struct{ key, kind string }{
		{api.EnforceLevelLabel, "level"},
		{api.EnforceVersionLabel, "version"},
		{api.WarnLevelLabel, "level"},
		{api.WarnVersionLabel, "version"},
		{api.AuditLevelLabel, "level"},
		{api.AuditVersionLabel, "version"},
	} {
		values := podSecurityLabels[label.kind]
		if value := values[r.IntN(len(values))]; value != absent {
			labels[label.key] = value
		}
	}
	return labels
}

// podRequest creates a pod, or a Deployment of it.
type podRequest struct {
	pod      *corev1.Pod
	template bool
}

func randomRequest(r *rand.Rand) podRequest {
	return podRequest{pod: randompod.New(r), template: r.IntN(3) == 0}
}

func (r podRequest) attributes() api.Attributes {
	a := &api.AttributesRecord{
		Namespace: "ns",
		Kind:      schema.GroupVersionKind{Version: "v1", Kind: "Pod"},
		Resource:  schema.GroupVersionResource{Version: "v1", Resource: "pods"},
		Operation: admissionv1.Create,
		Object:    r.pod,
	}
	if r.template {
		a.Kind = schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}
		a.Resource = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}
		a.Object = &appsv1.Deployment{Spec: appsv1.DeploymentSpec{Template: corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Annotations: r.pod.Annotations},
			Spec:       r.pod.Spec,
		}}}
	}
	return a
}

func newPodSecurityPlugin(tb testing.TB, namespace *corev1.Namespace, level, version string) *admission.Admission {
	tb.Helper()
	plugin := &admission.Admission{
		Configuration: &admissionapi.PodSecurityConfiguration{Defaults: admissionapi.PodSecurityDefaults{
			Enforce: level, EnforceVersion: version,
			Audit: "privileged", AuditVersion: version,
			Warn: "privileged", WarnVersion: version,
		}},
		Evaluator:       newUpstream(tb),
		Metrics:         noMetrics{},
		NamespaceGetter: oneNamespace{namespace},
		PodLister:       noPods{},
	}
	if err := plugin.CompleteConfiguration(); err != nil {
		tb.Fatal(err)
	}
	if err := plugin.ValidateConfiguration(); err != nil {
		tb.Fatal(err)
	}
	return plugin
}

type oneNamespace struct{ namespace *corev1.Namespace }

func (n oneNamespace) GetNamespace(context.Context, string) (*corev1.Namespace, error) {
	return n.namespace, nil
}

type noPods struct{}

func (noPods) ListPods(context.Context, string) ([]*corev1.Pod, error) { return nil, nil }

type noMetrics struct{}

func (noMetrics) RecordEvaluation(metrics.Decision, api.LevelVersion, metrics.Mode, api.Attributes) {}

func (noMetrics) RecordExemption(api.Attributes) {}

func (noMetrics) RecordError(bool, api.Attributes) {}
