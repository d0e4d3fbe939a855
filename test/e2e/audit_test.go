package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// auditEvent is what the tests read of one event of the API server's audit log.
type auditEvent struct {
	ObjectRef   struct{ Resource, Namespace, Name string }
	Annotations map[string]string
}

// auditEvents returns the events about the pods of one namespace.
func auditEvents(t *testing.T, namespace string) []auditEvent {
	t.Helper()
	log, err := shared.AuditLog()
	if err != nil {
		t.Fatal(err)
	}
	var events []auditEvent
	for line := range bytes.Lines(log) {
		var event auditEvent
		if err := json.Unmarshal(line, &event); err != nil {
			t.Fatal(err)
		}
		if event.ObjectRef.Namespace == namespace && event.ObjectRef.Resource == "pods" {
			events = append(events, event)
		}
	}
	return events
}

func TestTheAuditLogSaysWhatWasDecidedByWhichPolicies(t *testing.T) {
	namespace := shared.namespace(t, "audited", "tenant-a")
	client := shared.as(t, developer).Resource(pods).Namespace(namespace)
	if _, err := client.Create(t.Context(), decode(t, fmt.Sprintf(podManifest, "modest", "app:1", 2)), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Create(t.Context(), decode(t, fmt.Sprintf(podManifest, "greedy", "app:1", 3)), metav1.CreateOptions{}); expectDenial(err) != nil {
		t.Fatalf("a violating pod: %v", err)
	}
	events := auditEvents(t, namespace)
	if len(events) != 2 {
		t.Fatalf("the audit log has %d events of two pods: %v", len(events), events)
	}
	allowed, denied := events[0].Annotations, events[1].Annotations
	if got := allowed["validate.usher.dev/decision"]; got != "allowed" {
		t.Errorf("the modest pod was %q: %v", got, allowed)
	}
	if got := denied["validate.usher.dev/decision"]; got != "denied" {
		t.Errorf("the greedy pod was %q: %v", got, denied)
	}
	if !strings.Contains(denied["validate.usher.dev/denied"], "[gpu_quota/") {
		t.Errorf("the annotations do not say why: %v", denied)
	}
	for _, annotations := range []map[string]string{allowed, denied} {
		if got := annotations["validate.usher.dev/tenant"]; got != "tenant-a" {
			t.Errorf("the tenant is %q: %v", got, annotations)
		}
		if got := annotations["validate.usher.dev/modes"]; !strings.HasPrefix(got, "enforce: ") || !strings.Contains(got, "gpu_quota") {
			t.Errorf("the modes are %q: %v", got, annotations)
		}
	}
	digest := allowed["validate.usher.dev/policies"]
	for _, annotation := range []string{denied["validate.usher.dev/policies"], allowed["mutate.usher.dev/policies"]} {
		if digest == "" || annotation != digest {
			t.Errorf("the policy set is %q in one place and %q in another", digest, annotation)
		}
	}
}
