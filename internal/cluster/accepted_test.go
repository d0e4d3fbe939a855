package cluster_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestATenantThatIsNotAcceptedGrantsNothing serves the same tenants from files
// and from an API server.
func TestATenantThatIsNotAcceptedGrantsNothing(t *testing.T) {
	granted := []string{"metadata", "spec"}
	conditions := map[string]struct {
		conditions []any
		want       []string
	}{
		"unseen":   {nil, granted},
		"accepted": {[]any{object{"type": "Ready", "status": "False"}, object{"type": "Accepted", "status": "True"}}, granted},
		"unknown":  {[]any{object{"type": "Accepted", "status": "Unknown"}}, granted},
		"refused":  {[]any{object{"type": "Ready", "status": "True"}, object{"type": "Accepted", "status": "False"}}, []string{"metadata"}},
	}
	s := newFakeAPIServer(t)
	yaml := ""
	for name, tt := range conditions {
		for _, c := range tt.conditions {
			c.(object)["reason"], c.(object)["message"], c.(object)["lastTransitionTime"] = "Test", "", "2026-11-25T10:00:00Z"
		}
		status := object{"conditions": tt.conditions}
		s.put("tenants", name, object{"spec": object{"gpu": object{"perPod": "4"}}, "status": status})
		yaml += fmt.Sprintf("---\n{apiVersion: usher.dev/v1alpha1, kind: Tenant, metadata: {name: %s}, spec: {gpu: {perPod: \"4\"}}, status: %s}\n", name, encoded(t, status))
	}
	watched := watching(t, s)
	waitFor(t, "the watches to be in sync", func() bool { return watched.Current() == nil })
	for source, tenant := range map[string]func(context.Context, string) (map[string]any, error){
		"files": objects(t, yaml).Tenant, "an API server": watched.Tenant,
	} {
		for name, tt := range conditions {
			got, err := tenant(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			var fields []string
			for _, field := range granted {
				if got[field] != nil {
					fields = append(fields, field)
				}
			}
			if diff := cmp.Diff(tt.want, fields); diff != "" {
				t.Errorf("from %s, the tenant that is %s has (-want +got):\n%s", source, name, diff)
			}
			if got["metadata"].(map[string]any)["name"] != name {
				t.Errorf("from %s, the tenant that is %s is named %v", source, name, got["metadata"])
			}
			if got["kind"] != nil && len(tt.want) == 1 {
				t.Errorf("from %s, the tenant that is %s counts as declared", source, name)
			}
		}
	}
}

func encoded(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
