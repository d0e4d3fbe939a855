package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestASampleNeedsItsTwoComments(t *testing.T) {
	for name, content := range map[string]string{
		"no comment":           "apiVersion: v1\nkind: Pod\n",
		"no verdict":           "# about\napiVersion: v1\nkind: Pod\n",
		"nothing but comments": "# about\n# wanted: admitted",
		"no object":            "# about\n# wanted: admitted\n",
		"no kind":              "# about\n# wanted: admitted\nmetadata: {}\n",
		"a repeated key":       "# about\n# wanted: admitted\nkind: Pod\nkind: Pod\napiVersion: v1\n",
	} {
		if _, err := parseSample(name, []byte(content)); err == nil {
			t.Errorf("%s: parsed without an error", name)
		}
	}
	got, err := parseSample("x.yaml", []byte("# about\n# wanted: denied by a, b\nkind: Pod\napiVersion: v1\n"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"x.yaml", "about", "denied by a, b", "Pod"}, []string{got.file, got.about, got.wanted, got.object.GetKind()}); diff != "" {
		t.Errorf("sample (-want +got):\n%s", diff)
	}
}

func TestVerdictsAreNamedAsSampleFilesNameThem(t *testing.T) {
	denial := func(causes ...metav1.CauseType) *admissionv1.AdmissionResponse {
		details := &metav1.StatusDetails{}
		for _, cause := range causes {
			details.Causes = append(details.Causes, metav1.StatusCause{Type: cause})
		}
		return &admissionv1.AdmissionResponse{Result: &metav1.Status{Details: details}}
	}
	allowed := &admissionv1.AdmissionResponse{Allowed: true}
	patched := &admissionv1.AdmissionResponse{Allowed: true, Patch: []byte(`[{}]`)}
	for want, a := range map[string]answer{
		"admitted":                        {allowed, allowed},
		"patched":                         {patched, allowed},
		"denied by a, b":                  {patched, denial("b/2", "a/1", "b/1")},
		"refused by the mutating webhook": {denial(), nil},
	} {
		if got := a.verdict(); got != want {
			t.Errorf("verdict() = %q, want %q", got, want)
		}
	}
}
