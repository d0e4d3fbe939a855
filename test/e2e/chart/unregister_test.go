package chart

import (
	"fmt"
	"strings"
	"testing"
)

func TestUnregisterLeavesAnotherUsherAlone(t *testing.T) {
	manifest := fmt.Sprintf(registered, "elsewhere")
	apply(t, manifest)
	code, output := execute(t, usher, nil, "unregister", "--kubeconfig", kubeconfig(t), "-n", "usher-system")
	if want := `usher: ValidatingWebhookConfiguration usher-webhook is of the usher in namespace "elsewhere", not "usher-system"; name that one by --namespace to unregister it`; code != 2 || strings.TrimSpace(output) != want {
		t.Errorf("exit %d: %s", code, output)
	}
	if kubectl(t, "get", "validatingwebhookconfiguration", "usher-webhook", "-o", "name") == "" {
		t.Error("it is gone")
	}
	code, output = execute(t, usher, nil, "unregister", "--kubeconfig", kubeconfig(t), "-n", "elsewhere", "--release-tenants")
	if want := "ValidatingWebhookConfiguration usher-webhook deleted\nthe cluster has no Tenants\n"; code != 0 || output != want {
		t.Errorf("exit %d: %s, want %s", code, output, want)
	}
}

func TestAConfigurationThatDoesNotGoIsWaitedFor(t *testing.T) {
	apply(t, strings.Replace(fmt.Sprintf(registered, "usher-system"), "{name: usher-webhook}", "{name: usher-webhook, finalizers: [example.com/held]}", 1))
	code, output := execute(t, usher, nil, "unregister", "--kubeconfig", kubeconfig(t), "--timeout=2s")
	if code != 2 || !strings.Contains(output, "wait until ValidatingWebhookConfiguration usher-webhook is gone: ") || !strings.Contains(output, "its finalizers are [example.com/held]") {
		t.Errorf("exit %d: %s", code, output)
	}
	kubectl(t, "patch", "validatingwebhookconfiguration", "usher-webhook", "--type=json", `-p=[{"op":"remove","path":"/metadata/finalizers"}]`)
}
