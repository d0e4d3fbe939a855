package policies_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher.dev/usher/internal/verdict"
)

// managedWrite is one way to write an object of a kind that usher manages.
type managedWrite struct {
	group, kind, operation string
	user                   string
	was, is                bool // managed, before and after
	named                  bool // the request has a name
}

func managedWrites() []managedWrite {
	var all []managedWrite
	for _, kind := range []struct{ group, kind string }{
		{"", "LimitRange"},
		{"", "ResourceQuota"},
		{"networking.k8s.io", "NetworkPolicy"},
		{"rbac.authorization.k8s.io", "Role"},
		{"rbac.authorization.k8s.io", "RoleBinding"},
	} {
		for _, user := range []string{"alice", "root", collector, "system:serviceaccount:usher-system:usher-controller"} {
			for _, named := range []bool{true, false} {
				w := managedWrite{group: kind.group, kind: kind.kind, user: user, named: named}
				for _, was := range []bool{true, false} {
					for _, is := range []bool{true, false} {
						w.operation, w.was, w.is = "UPDATE", was, is
						all = append(all, w)
					}
					w.operation, w.was, w.is = "DELETE", was, false
					all = append(all, w)
					w.operation, w.was, w.is = "CREATE", false, was
					all = append(all, w)
				}
			}
		}
	}
	return all
}

func (w managedWrite) input() verdict.Input {
	object := func(managed bool, content int64) map[string]any {
		metadata := map[string]any{"name": "x", "namespace": "n"}
		if managed {
			metadata["labels"] = map[string]any{"app.kubernetes.io/managed-by": "usher", "usher.dev/tenant": "a"}
		}
		return map[string]any{"kind": w.kind, "metadata": metadata, "spec": map[string]any{"content": content}}
	}
	user := map[string]any{"username": w.user, "groups": []any{"system:authenticated"}}
	if w.user == "root" {
		user["groups"] = []any{"system:masters"}
	}
	request := map[string]any{
		"kind":      map[string]any{"group": w.group, "version": "v1", "kind": w.kind},
		"operation": w.operation, "namespace": "n", "userInfo": user,
	}
	if w.named {
		request["name"] = "x"
	}
	if w.operation != "CREATE" {
		request["oldObject"] = object(w.was, 1)
	}
	if w.operation != "DELETE" {
		request["object"] = object(w.is, 2)
	}
	return verdict.Input{
		Request:   request,
		Namespace: map[string]any{"metadata": map[string]any{"name": "n", "labels": map[string]any{"tenant": "a"}}},
		Tenant:    map[string]any{"kind": "Tenant", "metadata": map[string]any{"name": "a"}, "spec": map[string]any{}},
	}
}

// TestEveryWriteOfWhatUsherManages asks all policies about every kind, verb, writer
// and label: managed_objects refuses what it has to, the others say nothing.
func TestEveryWriteOfWhatUsherManages(t *testing.T) {
	set := shipped(t)
	for _, w := range managedWrites() {
		var want, got []string
		if w.user == "alice" && (w.was || w.is) {
			want = []string{"managed_objects/managed-object"}
		}
		for _, result := range set.Validate(t.Context(), w.input()) {
			if result.Err != nil {
				t.Fatalf("%+v: %s: %v", w, result.Policy, result.Err)
			}
			for _, f := range slices.Concat(result.Deny, result.Warn, result.Audit) {
				got = append(got, fmt.Sprintf("%s/%s", f.Policy, f.Check))
			}
		}
		slices.Sort(got)
		if diff := cmp.Diff(want, slices.Compact(got)); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", w, diff)
		}
	}
}
