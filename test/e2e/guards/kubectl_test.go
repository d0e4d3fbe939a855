package guards

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestKubectlIsToldWhoMay does, as somebody with every right in the namespace, what
// people do with kubectl.
func TestKubectlIsToldWhoMay(t *testing.T) {
	const namespace = "kubectl"
	shared.tenant(t, namespace)
	before := shared.snapshot(t, namespace)
	larger := fmt.Sprintf(`{apiVersion: v1, kind: ResourceQuota, metadata: {name: %s-quota}, spec: {hard: {configmaps: "9999"}}}`, namespace)
	for _, tt := range []struct{ command, stdin string }{
		{"delete resourcequota --all", ""},
		{"delete limitrange kubectl-limits --wait=false", ""},
		{"delete networkpolicy default-deny-all --cascade=orphan", ""},
		{"delete networkpolicy,rolebinding -l app.kubernetes.io/managed-by=usher", ""},
		{"delete rolebinding kubectl-admin-binding --now", ""},
		{"delete namespace kubectl --wait=false", ""},
		{"label resourcequota kubectl-quota app.kubernetes.io/managed-by-", ""},
		{"label networkpolicy --all usher.dev/tenant-", ""},
		{"label namespace kubectl tenant-", ""},
		{"annotate limitrange kubectl-limits team=vision", ""},
		{"patch resourcequota kubectl-quota --type=merge -p " + `{"spec":{"hard":{"configmaps":"9999"}}}`, ""},
		{"apply -f -", larger},
		{"apply --server-side --force-conflicts -f -", larger},
		{"replace -f -", larger},
		{"replace --force -f -", larger},
		{"set subject rolebinding kubectl-admin-binding --user=mallory@example.com", ""},
		{"create rolebinding outsider --clusterrole=view --user=mallory@example.com", ""},
		{"create rolebinding kubectl-developer-binding --clusterrole=edit --user=bob@example.com", ""},
		{"create quota kubectl-share --hard=pods=1 --scopes=BestEffort", ""},
	} {
		t.Run(tt.command, func(t *testing.T) {
			arguments := append([]string{"--as", "dave@example.com", "--namespace", namespace}, strings.Fields(tt.command)...)
			_, complaint, err := shared.Kubectl(t.Context(), tt.stdin, arguments...)
			if err == nil {
				t.Fatal("it was done")
			}
			if !strings.Contains(complaint, ` denied the request: `) || !strings.Contains(complaint, "ask the platform team") && !strings.Contains(complaint, "choose another name") {
				t.Errorf("kubectl does not say who may:\n%s", complaint)
			}
		})
	}
	if diff := cmp.Diff(before, shared.snapshot(t, namespace)); diff != "" {
		t.Errorf("what is managed changed (-before +after):\n%s", diff)
	}
}
