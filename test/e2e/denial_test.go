package e2e

import (
	"errors"
	"regexp"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// deniedBy is how the API server introduces a refusal of usher's validation, that
// of pods and most else.
const deniedBy = `admission webhook "validate.usher.dev" denied the request: `

// denied matches the same of all of usher's validating webhooks.
var denied = regexp.MustCompile(`^admission webhook "([a-z]+\.)?validate\.usher\.dev" denied the request: `)

// violation is one line of a denial, for programs.
type violation struct {
	// check is <policy>/<check>.
	check string
	field string
}

// denial returns the violations for which usher refused a request. byUsher is
// false for any other outcome.
func denial(err error) (violations []violation, byUsher bool) {
	var status apierrors.APIStatus
	if !errors.As(err, &status) || !denied.MatchString(status.Status().Message) {
		return nil, false
	}
	if details := status.Status().Details; details != nil {
		for _, cause := range details.Causes {
			violations = append(violations, violation{check: string(cause.Type), field: cause.Field})
		}
	}
	return violations, true
}

// refusal returns why the API server itself refuses an object, in its own
// words: one line for each field.
func refusal(err error) (string, bool) {
	var status apierrors.APIStatus
	if !errors.As(err, &status) || strings.Contains(status.Status().Message, "admission webhook") {
		return "", false
	}
	switch status.Status().Reason {
	case metav1.StatusReasonInvalid:
		var lines []string
		for _, cause := range status.Status().Details.Causes {
			lines = append(lines, cause.Field+": "+withoutDumps(cause.Message))
		}
		return strings.Join(lines, "; "), true
	case metav1.StatusReasonBadRequest, metav1.StatusReasonForbidden:
		return status.Status().Message, true
	default:
		return "", false
	}
}

// withoutDumps cuts the whole objects out of a field error: the one that a value
// is, and the one after the first line.
func withoutDumps(message string) string {
	message, _, _ = strings.Cut(message, "\n")
	if start, end := strings.Index(message, "{"), strings.LastIndex(message, "}"); start >= 0 && end > start {
		message = message[:start] + "{…}" + message[end+1:]
	}
	return message
}
