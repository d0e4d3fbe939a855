package guards

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestNobodyOfATenantWeakensWhatIsManaged does every deed to every object that
// usher manages in a namespace, as everybody. Each is refused, by usher where RBAC
// lets it pass, and in the end all is as it was.
func TestNobodyOfATenantWeakensWhatIsManaged(t *testing.T) {
	const namespace = "weaken"
	shared.tenant(t, namespace)
	before := shared.snapshot(t, namespace)
	for _, a := range shared.actors(t, namespace) {
		t.Run(a.name, func(t *testing.T) {
			done := map[string]int{}
			for _, kind := range managedKinds {
				client := a.Resource(kind.resource).Namespace(namespace)
				for _, object := range shared.managed(t, namespace, kind) {
					for _, deed := range deedsTo(kind) {
						if err := refused(deed.do(t.Context(), client, kind, &object), !a.mayAll); err != nil {
							t.Errorf("%s %s: %s: %v", object.GetKind(), object.GetName(), deed.name, err)
						}
						done[object.GetKind()]++
					}
				}
			}
			for _, kind := range []string{"ResourceQuota", "LimitRange", "NetworkPolicy", "Role", "RoleBinding"} {
				if done[kind] == 0 {
					t.Errorf("no %s is managed", kind)
				}
			}
			t.Log("deeds refused:", done)
		})
	}
	if diff := cmp.Diff(before, shared.snapshot(t, namespace)); diff != "" {
		t.Errorf("what is managed changed (-before +after):\n%s", diff)
	}
}
