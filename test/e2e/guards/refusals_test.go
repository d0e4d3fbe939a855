package guards

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

var (
	// byUsher is a refusal of one of usher's webhooks, with its first line.
	byUsher = regexp.MustCompile(`^admission webhook "[a-z.-]+\.usher\.dev" denied the request: \d+ violations?:\n  (.+)`)
	// byRBAC is one of the API server's own for want of rights.
	byRBAC = regexp.MustCompile(`cannot (get|list|create|update|patch|delete|deletecollection) resource|attempting to grant RBAC permissions not currently held`)
)

// refused wants an error to be a refusal for want of rights: by usher, which says
// what stays as it is and who may change it, or by RBAC, where that may refuse.
func refused(err error, rbacToo bool) error {
	var status apierrors.APIStatus
	if !apierrors.IsForbidden(err) || !errors.As(err, &status) {
		return fmt.Errorf("want a refusal, got: %w", orDone(err))
	}
	message := status.Status().Message
	if rbacToo && byRBAC.MatchString(message) {
		return nil
	}
	if !byUsher.MatchString(message) {
		return fmt.Errorf("want a refusal of usher, got: %w", err)
	}
	if !strings.Contains(message, "ask the platform team") && !strings.Contains(message, "choose another name") {
		return fmt.Errorf("the refusal does not say what would pass: %w", err)
	}
	return nil
}

// refusedFor wants a refusal of usher for one check, which says what would pass.
func refusedFor(err error, check string) error {
	if err := refused(err, false); err != nil {
		return err
	}
	return deniedFor(err, check)
}

// deniedFor wants a refusal of usher for one check.
func deniedFor(err error, check string) error {
	var status apierrors.APIStatus
	if !apierrors.IsForbidden(err) || !errors.As(err, &status) || !byUsher.MatchString(status.Status().Message) {
		return fmt.Errorf("want a refusal of usher, got: %w", orDone(err))
	}
	if !strings.Contains(err.Error(), "["+check+"]") {
		return fmt.Errorf("want %s to refuse, got: %w", check, err)
	}
	return nil
}

func orDone(err error) error {
	if err == nil {
		return errors.New("it was done")
	}
	return err
}
