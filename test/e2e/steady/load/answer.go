package load

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"usher.dev/usher/api/v1alpha1"
)

// answer is the right answer to a request.
type answer struct {
	// denied are the checks that are violated, as policy/check, in order. None: the
	// request is admitted.
	denied []string
	// holds is what the object that comes back has to hold, whatever else it does.
	holds map[string]any
	// reserved says whether the object bears a reservation of its own.
	reserved bool
	// mutated and validated say which webhooks judge the request.
	mutated, validated bool
}

// Fault says what is wrong with an answer.
type Fault string

// What may be wrong with an answer.
const (
	// Failed: it is no verdict.
	Failed Fault = "failed"
	// Wrong: it is another verdict than the right one, or another mutation.
	Wrong Fault = "wrong"
	// Unjudged: it was admitted without having been judged.
	Unjudged Fault = "unjudged"
)

// violation is how usher ends each violation of a denial.
var violation = regexp.MustCompile(`\[([a-z_]+/[a-zA-Z_-]+)\]`)

// reservation is what a stamped reservation looks like.
var reservation = regexp.MustCompile(`^[0-9a-z]{20,}$`)

// judge holds an answer against the right one; "": it is right.
func (a *answer) judge(got *unstructured.Unstructured, err error) (Fault, error) {
	switch denied := isDenial(err); {
	case err != nil && !denied:
		return Failed, err
	case denied:
		if checks := checksOf(err); !slices.Equal(checks, a.denied) {
			return Wrong, fmt.Errorf("denied by %v, want %s: %w", checks, a, err)
		}
		return "", nil
	case len(a.denied) > 0:
		return Wrong, fmt.Errorf("admitted, want %s", a)
	}
	if a.mutated {
		// What bears nothing of usher's was never seen by it.
		if stamp := got.GetLabels()[v1alpha1.ReservationLabel]; a.reserved && !reservation.MatchString(stamp) {
			return Unjudged, fmt.Errorf("the reservation is %q", stamp)
		}
	}
	if lacks := lacking("", a.holds, got); len(lacks) > 0 {
		if a.mutated && len(lacks) == count(a.holds) {
			return Unjudged, fmt.Errorf("nothing was mutated: %s", strings.Join(lacks, ", "))
		}
		return Wrong, fmt.Errorf("what came back lacks %s", strings.Join(lacks, ", "))
	}
	return "", nil
}

func (a *answer) String() string {
	if len(a.denied) == 0 {
		return "it admitted"
	}
	return fmt.Sprintf("it denied by %v", a.denied)
}

// isDenial says whether usher's webhooks refused a request.
func isDenial(err error) bool {
	return apierrors.IsForbidden(err) && strings.Contains(err.Error(), ".usher.dev\" denied the request")
}

// checksOf are the checks that a denial names, each once, in order.
func checksOf(err error) []string {
	var checks []string
	for _, match := range violation.FindAllStringSubmatch(err.Error(), -1) {
		checks = append(checks, match[1])
	}
	slices.Sort(checks)
	return slices.Compact(checks)
}

// lacking lists by path what an object lacks of what it has to hold. An element of a
// list may be anywhere in the other list.
func lacking(path string, want map[string]any, object *unstructured.Unstructured) []string {
	if object == nil {
		return []string{"everything"}
	}
	return missing(path, want, object.Object)
}

func missing(path string, want, got any) []string {
	switch want := want.(type) {
	case map[string]any:
		got, _ := got.(map[string]any)
		var lacks []string
		for _, key := range sortedKeys(want) {
			lacks = append(lacks, missing(path+"/"+key, want[key], got[key])...)
		}
		return lacks
	case []any:
		got, _ := got.([]any)
		var lacks []string
		for i, element := range want {
			if !slices.ContainsFunc(got, func(other any) bool { return len(missing("", element, other)) == 0 }) {
				lacks = append(lacks, fmt.Sprintf("%s/%d", path, i))
			}
		}
		return lacks
	}
	if fmt.Sprint(want) != fmt.Sprint(got) {
		return []string{fmt.Sprintf("%s: %v (it is %v)", path, want, got)}
	}
	return nil
}

// count is how much of what has to be held may be lacking.
func count(want any) int {
	n := 0
	switch want := want.(type) {
	case map[string]any:
		for _, value := range want {
			n += count(value)
		}
	case []any:
		return len(want)
	default:
		return 1
	}
	return n
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
