package e2e

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

var deployments = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}

// oldDeployment violates Pod Security, even at its baseline.
const oldDeployment = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: old, namespace: workload}
spec:
  replicas: 1
  selector: {matchLabels: {app: old}}
  template:
    metadata: {labels: {app: old}}
    spec:
      containers: [{name: app, image: "app:1", securityContext: {privileged: true}}]
`

// TestADeploymentThatViolates changes a Deployment that was there before the
// policies: what leaves its pods as they are goes on.
func TestADeploymentThatViolates(t *testing.T) {
	namespace := grandfather(t, deployments, decode(t, oldDeployment)).GetNamespace()
	for _, harmless := range [][]string{
		{"scale", "deployment/old", "--replicas=3"},
		{"patch", "deployment/old", "--type=merge", "-p", `{"spec": {"replicas": 2}}`},
		{"label", "deployment/old", "team=vision"},
		{"rollout", "restart", "deployment/old"},
		{"rollout", "pause", "deployment/old"},
	} {
		if _, _, err := kubectlAs(t, namespace, "", harmless...); err != nil {
			t.Error(err)
		}
	}
	_, complaint, err := kubectlAs(t, namespace, "", "set", "image", "deployment/old", "app=app:2")
	if field := "spec.template.spec.containers[0].securityContext.privileged: "; err == nil || !strings.Contains(complaint, field) {
		t.Errorf("another image with the violation still there is not denied with %s: %v", field, err)
	}
	if _, _, err := kubectlAs(t, namespace, "", "patch", "deployment/old", "--type=strategic", "-p", `{"spec": {"template": {"spec": {
		"securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
		"containers": [{"name": "app", "image": "app:2", "securityContext": {
			"privileged": false, "allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}}}]}}}}`); err != nil {
		t.Errorf("a template without the violation: %v", err)
	}
}
