package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/equality"
)

// answer is what became of a change at a door.
type answer struct {
	// denied is the violations for which usher refused it, one a line.
	denied string
	// impossible says, in the API server's words, why no policy was asked.
	impossible string
	// admitted is set when the change is in the object that is stored now.
	admitted bool
}

// droppedChange is the note of a change that the API server leaves out of what
// it stores, without a word to the user.
const droppedChange = "no error; the API server leaves the change out of what it stores"

// judge tells what became of an attempt, and fails the test unless usher denied
// what a policy forbids, pointing at it, and nothing else.
func judge(t *testing.T, d door, list string, c change, a attempt) answer {
	t.Helper()
	if violations, denied := denial(a.err); denied {
		if c.policy == "" {
			t.Errorf("a clean change in %s was denied: %v", list, a.err)
		}
		return answer{denied: describe(t, violations, c, d.kind.prefix()+c.field(list, a.index), a.err)}
	}
	if reason, refused := refusal(a.err); refused {
		return answer{impossible: reason}
	}
	if a.err != nil {
		t.Fatal(a.err)
	}
	changed := a.got.DeepCopy()
	apply(t, d.kind, changed, list, c)
	if !equality.Semantic.DeepEqual(changed, a.got) {
		return answer{impossible: droppedChange}
	}
	if c.policy != "" {
		t.Errorf("%s in %s, %s: was admitted", c.policy, list, c.words)
	}
	return answer{admitted: true}
}

// describe lists violations, and fails the test unless each is of the policy
// that was violated, at the field that was changed, and in the text for humans.
func describe(t *testing.T, violations []violation, c change, field string, err error) string {
	t.Helper()
	if len(violations) == 0 {
		t.Fatalf("the denial has no causes: %v", err)
	}
	var lines []string
	for _, v := range violations {
		if !strings.HasPrefix(v.check, c.policy+"/") || !strings.HasPrefix(v.field, field) {
			t.Errorf("%s denied %s, want only %s at %s; the whole denial:\n%v", v.check, v.field, c.policy, field, err)
		}
		if v.field != "" && !strings.Contains(err.Error(), v.field+": ") || !strings.Contains(err.Error(), "["+v.check+"]") {
			t.Errorf("the text of the denial lacks %s or %s:\n%v", v.field, v.check, err)
		}
		check := strings.TrimPrefix(v.check, c.policy+"/")
		if v.field == "" {
			lines = append(lines, fmt.Sprintf("(%s)", check))
		} else {
			lines = append(lines, fmt.Sprintf("`%s` (%s)", v.field, check))
		}
	}
	return strings.Join(slices.Compact(lines), "<br>")
}
