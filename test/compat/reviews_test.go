package compat

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admission/v1"
	"sigs.k8s.io/yaml"

	"usher.dev/usher/api/v1alpha1"
)

// verdict is what an answer comes to: texts may get better.
type verdict struct {
	Allowed bool
	Checks  []string
	Patch   []any
}

// TestReviewsAreAnsweredAsByTheOtherVersion sends each review that the other
// version has answered. What /validate was asked about is as the other's /mutate
// had patched it, so that this is also what becomes of a request whose two reviews
// are answered by two versions. Where an answer differs on purpose,
// testdata/compat/differences.yaml says why.
func TestReviewsAreAnsweredAsByTheOtherVersion(t *testing.T) {
	var reasons map[string]string
	read, err := os.ReadFile(filepath.Join(corpus, "..", "differences.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict(read, &reasons); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(corpus, "reviews", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatal("there are no reviews", err)
	}
	post := standalone(t)
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		t.Run(name, func(t *testing.T) {
			review := &admissionv1.AdmissionReview{}
			if err := json.Unmarshal(content(t, "reviews/"+name+".json"), review); err != nil {
				t.Fatal(err)
			}
			was := verdictOf(t, review.Response)
			_, door, _ := strings.Cut(name, ".")
			is := verdictOf(t, post(t, door, review.Request))
			switch diff, reason := cmp.Diff(was, is), reasons[name]; {
			case diff != "" && reason == "":
				t.Errorf("answered otherwise (-before +now); if that is wanted, say why in testdata/compat/differences.yaml:\n%s", diff)
			case diff == "" && reason != "":
				t.Errorf("answered as before, although there is a reason why not: %s", reason)
			}
		})
	}
}

func verdictOf(t *testing.T, response *admissionv1.AdmissionResponse) verdict {
	t.Helper()
	v := verdict{Allowed: response.Allowed}
	if response.Result != nil && response.Result.Details != nil {
		for _, cause := range response.Result.Details.Causes {
			v.Checks = append(v.Checks, string(cause.Type)+" "+cause.Field)
		}
	}
	slices.Sort(v.Checks)
	if len(response.Patch) == 0 {
		return v
	}
	if err := json.Unmarshal(response.Patch, &v.Patch); err != nil {
		t.Fatal(err)
	}
	for _, operation := range v.Patch {
		hideReservation(operation)
	}
	return v
}

// hideReservation puts a fixed text in place of a reservation's random ID.
func hideReservation(value any) {
	object, ok := value.(map[string]any)
	if !ok {
		return
	}
	if path, _ := object["path"].(string); strings.HasSuffix(path, strings.ReplaceAll(v1alpha1.ReservationLabel, "/", "~1")) {
		object["value"] = "an ID"
	}
	for key, field := range object {
		if _, isID := field.(string); isID && key == v1alpha1.ReservationLabel {
			object[key] = "an ID"
		}
		hideReservation(field)
	}
}
